"""`erase`: remove the rows of keys from everything that the home stores."""

from __future__ import annotations

from pathlib import Path

from perennial.cli import machine_clock
from perennial.cli.acting import acting_person
from perennial.cli.approving import given
from perennial.cli.output import as_json, say
from perennial.erasure.erasing import Here, erase_keys, what_is_here
from perennial.erasure.keys import keys_of
from perennial.erasure.words import erased_in_words, not_reached, places_in_words
from perennial.settings import settings
from perennial.store.workspace import open_workspace, reading_workspace


def erase(
    usecase: str, keys: list[str], file: Path | None, by: str | None, reason: str, dry_run: bool, json: bool
) -> None:
    """Not through Prefect, which keeps the parameters of its runs, and with them the keys."""
    acting_person(by)
    given("--reason", reason)
    workspace = reading_workspace(settings()) if dry_run else open_workspace(settings())
    declaration = workspace.use_case(usecase).declaration
    person, wanted = acting_person(by, declaration), keys_of(declaration, keys, file)
    if dry_run:
        _show_here(usecase, what_is_here(workspace, wanted), json)
        return
    erased = erase_keys(workspace, wanted, person, reason, machine_clock.now())
    if json:
        as_json(erased.model_dump(mode="json") if erased else None)
    elif erased is None:
        say(f"{usecase}: no row with {'this key' if len(wanted.wanted) == 1 else 'these keys'} is here.")
    else:
        say(erased_in_words(usecase, erased))
        for line in not_reached():
            say(f"  not reached: {line}")


def _show_here(usecase: str, here: Here, json: bool) -> None:
    if json:
        as_json({"usecase": usecase, "would_erase": here.counts})
        return
    say(f"{usecase}: would erase {places_in_words(here.counts)}. Nothing was changed.")
