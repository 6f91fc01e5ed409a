"""Great Expectations takes seconds to import, so nothing imports it before a batch is there."""

from __future__ import annotations

import subprocess
import sys

MODULES = (
    "data_checks, data_checks.suite, data_checks.validation, data_checks.split, data_checks.docs, data_checks.catalogue"
)


def test_importing_the_data_checks_imports_nothing_heavy() -> None:
    heavy = "{'great_expectations', 'pandas', 'numpy', 'sklearn', 'mlflow', 'prefect'}"
    code = f"import sys, {MODULES}; print(sorted({heavy} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
