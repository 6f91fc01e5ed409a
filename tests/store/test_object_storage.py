"""Tables on object storage that speaks S3: the same code, credentials from the environment."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.queues import Queue

import pyarrow as pa
import pytest

from perennial.settings import settings
from perennial.store.tables import Tables


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket on a local server: a process, for Delta Lake reads without letting other threads run."""
    import boto3

    context = multiprocessing.get_context("spawn")
    told: Queue[tuple[str, int]] = context.Queue()
    server = context.Process(target=serve, args=(told,), daemon=True)
    server.start()
    host, port = told.get(timeout=60)
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="lake")
    yield "s3://lake/perennial/"
    server.terminate()
    server.join()


def serve(told: Queue[tuple[str, int]]) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    told.put(server.get_host_and_port())
    threading.Event().wait()


def rows(batch: str, numbers: list[int]) -> pa.Table:
    return pa.table({"x": numbers, "__perennial_batch": [batch] * len(numbers)})


def test_tables_are_kept_in_a_bucket(bucket: str) -> None:
    uri = settings({"PERENNIAL_TABLES_URI": bucket}).tables_uri
    tables = Tables(uri)
    assert tables.where("shop", "accepted") == "s3://lake/perennial/shop/accepted", "no double slash"
    assert tables.version("shop", "accepted") is None
    tables.append("shop", "accepted", rows("a", [1, 2]), "a")
    first = tables.append("shop", "accepted", rows("b", [3]), "b")
    assert tables.append("shop", "accepted", rows("b", [3]), "b") == first, "asked twice, written once"
    tables.sweep("shop", "accepted", "a")
    assert tables.batches("shop", "accepted") == {"b": 1}
