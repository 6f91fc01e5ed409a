"""The scoring service while a candidate scores every request too, in a shadow, beside the service without one.

    python benchmarks/serving_shadow.py [--rounds 5] [--seconds 4] [--trees 200]

Both services have the same live model, and take turns under the load of `benchmarks/serving.py`. The candidate has as
many trees, fitted on half of the rows. Clients get the live model's scores from both, and the log keeps the candidate's
too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import (
    Server,
    cells,
    in_turns,
    made,
    options,
    perennial_serve,
    ranged,
    released,
    stop,
    use_cases,
)
from benchmarks.serving_scorers import month


def start(trees: int, home: Path, shadow: bool) -> Server:
    env, january = use_cases(home, ["flights"]), month("1")
    digest, *_ = made(home, 1, trees, january)
    candidate, *_ = made(home, 2, trees, january.iloc[: len(january) // 2])
    released(home, 1, digest, shadow=candidate if shadow else None)
    server = perennial_serve(env, "flights")
    (prediction,) = server.post(server.bodies[0])["predictions"]
    assert ("arm" in prediction) == shadow
    return server


def main(rounds: int, seconds: float, trees: int, home: Path) -> None:
    servers: list[Server] = []
    try:
        for shadow in (False, True):
            servers.append(start(trees, home / str(shadow), shadow))
        scores = [[server.post(body)["predictions"][0]["score"] for body in server.bodies[:50]] for server in servers]
        assert scores[0] == scores[1], "a shadow changes no answer"
        loads = in_turns(servers, rounds, seconds)
    finally:
        for server in servers:
            stop(server)
    print("| service | requests/s | p50, ms | p99, ms | CPU per request, µs |\n|---|---|---|---|---|")
    for name, measured in zip(("without a candidate", "while a shadow runs"), loads, strict=True):
        print("| " + " | ".join([name, *cells(measured)]) + " |")
    pairs = list(zip(*loads, strict=True))
    ratios = [
        [with_.rate / without.rate for without, with_ in pairs],
        *([with_.at(p) / without.at(p) for without, with_ in pairs] for p in (50, 99)),
        [with_.cpu / without.cpu for without, with_ in pairs],
    ]
    print("| " + " | ".join(["ratio", *(ranged(each, ".2f") for each in ratios)]) + " |")


if __name__ == "__main__":
    asked = options(rounds=5).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(asked.rounds, asked.seconds, asked.trees, Path(folder))
