"""Inputs and situations that once went wrong, each a script beside the project, run as a user would run it.

Each is an example of a kind that other tests cover, and all together take several minutes, so they run when asked for:
`PERENNIAL_TEST_CASES=1 make test PYTEST_ARGS="tests/cases -n 2"`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "cases"

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("PERENNIAL_TEST_CASES"), reason="PERENNIAL_TEST_CASES=1 runs them"),
    pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the project, in ../shared/cases"),
]

PASSES = {
    "ascii_out": 2,
    "casecols": 1,
    "delta_dv": 1,
    "far_time": 5,
    "home_moved": 1,
    "long_delay": 2,
    "metric_name": 1,
    "owncols": 1,
    "set_aside_bias": 1,
    "socks": 1,
    "sql_colon": 1,
    "typo_clock": 1,
}
"""How many times each script prints PASS when all is right."""

OWN_SERVER = ("socks",)
"""Cases about a Prefect server that Perennial starts itself."""


def outcome(name: str, server: str) -> str:
    """What a case prints, on both streams."""
    ours = ("PERENNIAL_", "PREFECT_", "MLFLOW_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environment = {**kept, "SRC": str(ROOT), "PY": sys.executable, "MLFLOW_DISABLE_TELEMETRY": "true"}
    if name not in OWN_SERVER:
        environment["PREFECT_API_URL"] = server
    script = ["bash", str(CASES / f"{name}.sh")]
    done = subprocess.run(
        script, env=environment, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(PASSES))
def test_a_case_gives_the_right_answer(name: str, prefect_server: str) -> None:
    seen = outcome(name, prefect_server)
    assert "FAULT" not in seen, seen
    assert "Traceback" not in seen, seen
    assert seen.count("PASS") == PASSES[name], seen


def test_a_failure_after_a_release_never_reports_that_nothing_was_released(prefect_server: str) -> None:
    """The script compares whole lines, in which the champion's age grows; here its release is compared."""
    seen = outcome("nothing_was_released", prefect_server)
    before, after = re.findall(r"^(?:before|after): .*\((release \d+)\)", seen, re.MULTILINE)
    assert before == after == "release 2", seen
    said = seen.replace("FAULT: 'Nothing was released' is false", "")
    assert "Nothing was released" not in said and "Traceback" not in said
    assert "Live: version 2 of s, as release 2" in said and "was deleted in MLflow" in said, seen


def test_labels_that_match_no_row_are_counted_and_the_first_is_named(prefect_server: str) -> None:
    seen = outcome("label_keys", prefect_server)
    said = seen.partition("expected:")[0]
    assert "Traceback" not in said
    assert "3,000 labels match no row" in said and "1000001.0" in said, seen


def test_what_was_deleted_in_mlflow_is_named_with_what_helps(prefect_server: str) -> None:
    seen = outcome("mlflow_deleted", prefect_server)
    assert "Traceback" not in seen
    first, second = (part.rpartition("rc=")[0] for part in seen.split("(expected: ")[:2])
    assert "when it answers" not in first + second, seen
    assert "experiment" in first and "deleted" in first and "restore" in first, seen
    assert "version" in second and "deleted" in second and "rollback" in second, seen


def test_init_names_what_is_special_about_everyday_files(prefect_server: str) -> None:
    seen = outcome("init_guesses", prefect_server).partition("expected:")[0]
    assert "Traceback" not in seen
    said = {part.partition("\n")[0].strip(): part for part in seen.split("== ")[1:]}
    names = {
        "utf16.csv": "UTF-16",
        "comment.csv": "#",
        "thousands.csv": "price",
        "nested.parquet": "tags",
        "total.csv": "TOTAL",
    }
    for file, word in names.items():
        assert word in said[file], said[file]
    for file in ("pipe.csv", "sep.csv", "cr.csv", "gz.csv", "utf16.csv", "comment.csv", "thousands.csv"):
        assert "is written" in said[file], said[file]
    assert "order" in said["bigid.csv"] and "order" in said["total.csv"]
