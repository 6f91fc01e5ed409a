"""Distinguishes problems of the registry: unreachable, access refused, not MLflow at all, something deleted.

MLflow has one exception for all of them. A message here is about the registry alone, because only the ledger knows
which model is live and what was done before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from perennial.errors import (
    PerennialError,
    RegistryDamaged,
    RegistryDown,
    RegistryRefused,
    RegistryRejected,
    RegistryStranger,
    RunDeleted,
)
from perennial.secrets import masked

_TRANSIENT = {
    "INTERNAL_ERROR",
    "INVALID_STATE",
    "TEMPORARILY_UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "REQUEST_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "RESOURCE_CONFLICT",
    "ABORTED",
    "CANCELLED",
    "ALREADY_EXISTS",
    "RESOURCE_ALREADY_EXISTS",
}
_REFUSED = {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"}
_PROXY = re.compile(r"ProxyError|unable to connect to proxy|tunnel connection failed|error code 407", re.IGNORECASE)
_STRANGE = re.compile(r"not in a valid JSON format|\AInvalid url", re.IGNORECASE)
_DELETED = re.compile(r"must be in the 'active' state", re.IGNORECASE)
_CREDENTIALS = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"


@contextmanager
def answering(shown: str, what: str) -> Iterator[None]:
    """Use the registry; exceptions are translated to our errors.

    shown: its address, without a password. what: what is being done, for the message.
    """
    import sqlalchemy.exc
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError, sqlalchemy.exc.SQLAlchemyError) as error:
        raise told_apart(error, shown, what) from error


def told_apart(error: Exception, shown: str, what: str) -> PerennialError:
    """Our error for an exception of MLflow, its database or the system."""
    from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

    code = getattr(error, "error_code", None)
    text = str(error)
    first = masked(text.strip().splitlines()[0] if text.strip() else type(error).__name__)
    where = f"the model registry at {shown}"
    database = error.__cause__ if isinstance(error.__cause__, DatabaseError) else error
    if _PROXY.search(text) and code in (None, "INTERNAL_ERROR", *_REFUSED):
        return RegistryDown(
            f"{where} cannot be reached through the proxy: could not {what}: {first}\n"
            "  If the registry needs no proxy, set NO_PROXY to its host; otherwise check HTTP_PROXY and HTTPS_PROXY."
        )
    if code in _REFUSED:
        return RegistryRefused(
            f"{where} refused to {what}: {first}\n"
            f"  If it requires a password, {_CREDENTIALS}; if you are already signed in, ask its owner for access."
        )
    if _STRANGE.search(text) or code == "ENDPOINT_NOT_FOUND":
        return RegistryStranger(
            f"{where} does not respond like an MLflow server: could not {what}: {first}\n"
            "  Check MLFLOW_TRACKING_URI: is it the address of the MLflow server, and is there a proxy in front of it?"
        )
    if isinstance(database, DatabaseError) and not isinstance(database, OperationalError | IntegrityError):
        return RegistryDamaged(f"{where} cannot be read: {masked(str(database.orig))}\n  Restore it from a backup.")
    if isinstance(error, PermissionError):
        return RegistryRefused(
            f"{where}: {error.filename} cannot be used: {error.strerror}\n  Change its permissions, or ask its owner."
        )
    if code == "RESOURCE_DOES_NOT_EXIST" or (code == "INVALID_PARAMETER_VALUE" and _DELETED.search(text)):
        return RunDeleted(
            f"{where} could not {what}: {first}\n  Restore what was deleted there, if necessary from a backup."
        )
    if code is None or code in _TRANSIENT or isinstance(database, IntegrityError):
        return RegistryDown(f"{where} did not {what}: {first}\n  Run the same command again when it answers.")
    return RegistryRejected(f"{where} rejected the request; could not {what}: {first}")
