"""Memory of the scoring service over many bad requests.

    python benchmarks/serving_faults.py [--requests 100000]

Ten kinds of bad requests are sent over 8 kept-alive connections: no JSON, nested deeply, NaN, UTF-16, wrong types,
unknown fields, no record, a list of them with many mistakes, and paths that do not exist, each of them another one.
Every answer must be a 4xx. The resident memory is read after a tenth of the requests, and then after each tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import (
    BIN,
    CONNECTIONS,
    DECLARED,
    FEATURES,
    cpu_seconds,
    family,
    fitted,
    free_port,
    memory,
    released,
    started,
)
from benchmarks.serving_scorers import TYPES, kept, month
from perennial.serving.served import open_model

PATH = "/usecases/flights/predict"


def bad(number: int, record: dict[str, object]) -> tuple[str, bytes]:
    """Path and body of a bad request. No two are equal."""
    name = next(iter(FEATURES))
    kinds = (
        (PATH, b"{ %d" % number),
        (PATH, b"[" * 5_000 + b"%d" % number),
        (PATH, json.dumps(record | {"distance": float("nan"), "temp": number}).encode()),
        (PATH, json.dumps(record | {"temp": number}).encode("utf-16")),
        (PATH, json.dumps(record | {"distance": f"text {number}"}).encode()),
        (PATH, json.dumps(record | {f"field {number}": number}).encode()),
        (PATH, b" " * (number % 100) + b"[]"),
        (PATH, json.dumps([{name: number}] * 20).encode()),
        (f"/usecases/other{number}/predict", json.dumps(record).encode()),
        (f"/{number}", b"{}"),
    )
    return kinds[number % len(kinds)]


async def refused(port: int, numbers: range, record: dict[str, object]) -> set[int]:
    """The statuses of the answers."""
    waiting, statuses = iter(numbers), set()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in waiting:
            path, body = bad(number, record)
            writer.write(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            statuses.add(int(head.split()[1]))
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return statuses


def main(wanted: int, home: Path) -> None:
    (home / "usecases").mkdir(parents=True)
    (home / "usecases" / "flights.yaml").write_text(DECLARED, encoding="utf-8")
    rows = month("1")
    model, inputs = fitted(20, rows)
    digest = kept(home / "model", model, inputs)
    open_model(home / "model", digest, home / "serving", TYPES)
    released(home, 1, digest)
    columns = rows[list(FEATURES)].iloc[:1]
    (record,) = columns.astype("object").where(columns.notna(), None).to_dict("records")
    port, env = free_port(), {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(home / "usecases")}
    command = [str(BIN / "perennial"), "serve", "flights", "--port", str(port)]
    server = started("perennial serve", command, port, PATH, [json.dumps(record).encode()], env)
    try:
        pid, tenth, begun = server.process.pid, wanted // 10, time.perf_counter()
        cpu, sizes = cpu_seconds(pid), []
        for part in range(10):
            statuses = asyncio.run(refused(port, range(part * tenth, (part + 1) * tenth), record))
            if not all(400 <= status < 500 for status in statuses):
                raise SystemExit(f"statuses {sorted(statuses)}")
            sizes.append(memory(pid))
        took = time.perf_counter() - begun
        server.post(server.bodies[0])
        print(f"{10 * tenth:,} bad requests, all refused with a 4xx, {10 * tenth / took:,.0f} per second")
        print(f"CPU of one: {(cpu_seconds(pid) - cpu) / (10 * tenth) * 1e6:,.0f} µs")
        print(f"memory after each tenth, MB: {', '.join(f'{size:.1f}' for size in sizes)}")
    finally:
        for pid in reversed(family(server.process.pid)):
            os.kill(pid, 15)
        server.process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(asked.requests, Path(folder) / "home")
