"""A server on this machine that speaks S3, as a process: Delta Lake reads without letting other threads run."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.queues import Queue


@contextmanager
def s3_server(*buckets: str) -> Iterator[Mapping[str, str]]:
    """The variables with which its clients find it. buckets: what it has, empty."""
    import boto3

    context = multiprocessing.get_context("spawn")
    started: Queue[tuple[str, int]] = context.Queue()
    server = context.Process(target=_serve, args=(started,), daemon=True)
    server.start()
    try:
        host, port = started.get(timeout=60)
        variables = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        for bucket in buckets:
            client.create_bucket(Bucket=bucket)
        yield variables
    finally:
        server.terminate()
        server.join()


def _serve(started: Queue[tuple[str, int]]) -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    started.put(server.get_host_and_port())
    threading.Event().wait()
