"""Which model is live, added to every failure of the registry: the ledger knows it when the registry does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perennial.errors import ModelUnloadable, PerennialError, RegistryProblem
from perennial.settings import settings


@contextmanager
def naming_what_is_live(usecase: str) -> Iterator[None]:
    """A failure of the registry inside ends with what is live now, whatever was done before it."""
    try:
        yield
    except (RegistryProblem, ModelUnloadable) as error:
        error.args = (f"{error}\n  {live_now(usecase)}",)
        raise


def live_now(usecase: str) -> str:
    """Which versions are live by the ledger, as a sentence."""
    from perennial.ledger.present import current_release
    from perennial.store.workspace import open_workspace

    try:
        release = current_release(open_workspace(settings()).ledger, usecase)
    except PerennialError as error:
        return f"What is live is unknown: {str(error).splitlines()[0]}"
    if release is None:
        return f"No model of {usecase} is live."
    return f"Live: {release.versions} of {usecase}, as release {release.release_no}."
