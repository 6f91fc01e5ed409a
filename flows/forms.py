"""The choices in the forms of the Prefect UI."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import SecretStr, StringConstraints, WithJsonSchema

from perennial.settings import settings
from perennial.usecase.reading import list_use_cases


def _one_of_the_declared() -> dict[str, Any]:
    names = list_use_cases(settings().usecases)
    return {"type": "string", "enum": names} if names else {"type": "string"}


UseCaseName = Annotated[str, WithJsonSchema(_one_of_the_declared())]
"""The name of a use case; the form lists those declared when the flows were deployed."""

Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""What a person must fill in, for the record."""


def text_of(token: SecretStr | None) -> str | None:
    """A token as it was filled in."""
    return token.get_secret_value() if token else None
