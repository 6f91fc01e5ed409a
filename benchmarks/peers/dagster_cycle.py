"""The bare cycle as a Dagster job, beside the bare script in the same process and environment.

    python benchmarks/peers/dagster_cycle.py [--multiprocess]

By default the steps run in one process, which costs least; `--multiprocess` is Dagster's default executor, with a
process per step.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from dagster import DagsterInstance, In, Nothing, Out, execute_job, job, op, reconstructable

sys.path.insert(0, str(Path(__file__).parent))

from months import compare, fit, month_by_month, read_month

CONFIG = {"month": str, "folder": str}


@op(config_schema=CONFIG, out=Out(Nothing))
def read_op(context) -> None:
    read_month(Path(context.op_config["folder"]), context.op_config["month"])


@op(config_schema=CONFIG, ins={"after": In(Nothing)}, out=Out(Nothing))
def compare_op(context) -> None:
    compare(Path(context.op_config["folder"]), context.op_config["month"])


@op(config_schema=CONFIG, ins={"after": In(Nothing)}, out=Out(Nothing))
def fit_op(context) -> None:
    fit(Path(context.op_config["folder"]), context.op_config["month"])


@job
def cycle() -> None:
    """The steps of a cycle, one after the other."""
    fit_op(after=compare_op(after=read_op()))


def main() -> None:
    """Run the year."""
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DAGSTER_HOME"] = temporary
        instance = DagsterInstance.get()

        def run(folder: Path, month: str) -> None:
            config = {"config": {"month": month, "folder": str(folder)}}
            wanted = {"ops": dict.fromkeys(("read_op", "compare_op", "fit_op"), config)}
            if "--multiprocess" in sys.argv:
                assert execute_job(reconstructable(cycle), instance, run_config=wanted).success
            else:
                assert cycle.execute_in_process(instance=instance, run_config=wanted).success

        month_by_month(Path(temporary), run)


if __name__ == "__main__":
    main()
