"""Who acts on the command line."""

from __future__ import annotations

from perennial.governance.person import name_if_known, person_of
from perennial.release.approvals import Person
from perennial.settings import settings
from perennial.usecase.declaration import Declaration


def person_if_known(by: str | None) -> str | None:
    """Who acts where a name is not needed: None if neither a name, nor the environment, nor a token is given.

    Raises InputError as `acting_person` for a name that is not proven where tokens are required.
    """
    where = settings()
    return name_if_known(by, user=where.user, token=where.token, token_key=where.token_key)


def acting_person(by: str | None, declaration: Declaration | None = None) -> Person:
    """By token, environment, or the typed name. Raises InputError for one who is not proven where that is needed.

    declaration: None before it is known, where only nobody at all is refused.
    """
    where = settings()
    return person_of(
        by,
        user=where.user,
        token=where.token,
        token_key=where.token_key,
        must_prove=declaration is not None and bool(declaration.governance.approvers),
    )
