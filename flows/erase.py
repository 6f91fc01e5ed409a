"""Erase rows from everything that the home stores."""

from __future__ import annotations

from prefect import flow
from pydantic import SecretStr

from flows.forms import UseCaseName, Words, text_of
from flows.names import named_by, note_outcome, tag_run
from perennial.ledger.entries import Erased
from tasks.collecting import collect_if_any
from tasks.erasing import erase_rows
from tasks.page import renew_page


@flow(
    name="erase", flow_run_name=named_by("usecase", otherwise="erase"), on_running=[tag_run], timeout_seconds=6 * 3600
)
def erase(
    usecase: UseCaseName,
    keys_file: Words,
    by: Words,
    reason: Words,
    leave_record: bool = False,
    token: SecretStr | None = None,
) -> Erased | None:
    """Erase the rows of persons. Prefect keeps the parameters of its runs, so the keys come in a file.

    Args:
        usecase: The use case whose rows are erased.
        keys_file: The path, on the worker, of a CSV or Parquet file with the key columns. Delete it afterwards.
        by: Your name, for the record.
        reason: Why, in your words, for the record. Name nobody.
        leave_record: Erase the rest although the ledger has a value of the rows, which stays there.
        token: Your signed token, where tokens are required.
    """
    collect_if_any()
    erased = erase_rows(usecase, keys_file, by, reason, leave_record, text_of(token))
    renew_page(usecase)
    note_outcome(usecase, f"erasure {erased.number}" if erased else "nothing to erase")
    return erased
