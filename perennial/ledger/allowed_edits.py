"""Edits that the history of a use case does not allow.

Columns are among them: a table's column keeps its type, and the models in use still predict from their columns.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from perennial.errors import InputError
from perennial.ledger.declaration_history import edits_since, recorded
from perennial.ledger.entries import BatchEntry, ChallengerEntry, DeclarationEntry
from perennial.ledger.ledger import Ledger
from perennial.ledger.present import current_release, waiting_challenger
from perennial.sources.column_type import ColumnType
from perennial.usecase.built_in import columns_read
from perennial.usecase.columns import column_types
from perennial.usecase.declaration import Declaration
from perennial.usecase.edits import Edit, refuse_new_identity
from perennial.usecase.team_files import files_of


def refuse_edits(ledger: Ledger, declaration: Declaration) -> tuple[Edit, ...]:
    """The edits since the newest batch. Raises InputError for an edit that the history does not allow."""
    edited = edits_since(ledger, declaration)
    refuse_new_identity(declaration.name, edited)
    if edited:
        refuse_lost_columns(ledger, declaration)
    return edited


def refuse_lost_columns(ledger: Ledger, declaration: Declaration) -> None:
    """Raises InputError if an edited declaration changes a column's type, or drops one that a model in use needs."""
    types = column_types(declaration)
    for name, kind in _types_before(ledger, declaration.name).items():
        if types.get(name, kind) != kind:
            raise InputError(
                f"column '{name}' is declared as {types[name]}, but is {kind} in the accepted batches; "
                "the type of a column cannot change",
                code="column-type-changed",
                field=_field_of(declaration, name),
                value=name,
                fix=f"write `{name}: {kind}` under schema.types, or give the new column another name",
            )
    for model, needed in _models_in_use(ledger, declaration.name):
        for name, kind in needed.items():
            if name not in types:
                raise InputError(
                    f"column '{name}' is no longer declared, but {model} predicts from it",
                    code="column-in-use",
                    field="schema.types",
                    value=name,
                    fix=f"write `{name}: {kind}` under schema.types until a model without it is live",
                )


def columns_needed(declaration: Declaration, texts: dict[str, str]) -> dict[str, ColumnType]:
    """The columns that a model of this declaration predicts from, with their types.

    texts: file → text of its code, whose functions read the columns that they name.
    """
    features, schema, types = declaration.features, declaration.schema_, column_types(declaration)
    hidden = {*schema.hidden, *features.never}
    named = {name for file in files_of(features.derived) for name in _texts_in(texts[file])}
    read = columns_read(features.derived)
    named |= {*read, *([schema.time] if read else [])}
    wanted = {*features.numeric, *features.categorical, *((named & types.keys()) - hidden)}
    return {name: kind for name, kind in types.items() if name in wanted}


def _types_before(ledger: Ledger, usecase: str) -> dict[str, ColumnType]:
    """Column → type, under the declarations that accepted batches came under."""
    batches = (row.payload for row in ledger.all(usecase, BatchEntry))
    digests = {batch.declaration_digest for batch in batches if batch.status == "accepted"}
    types: dict[str, ColumnType] = {}
    for row in ledger.all(usecase, DeclarationEntry):
        if row.payload.digest in digests:
            types |= column_types(Declaration.model_validate(row.payload.declaration))
    return types


def _models_in_use(ledger: Ledger, usecase: str) -> Iterator[tuple[str, dict[str, ColumnType]]]:
    """The live and the waiting models, each with the columns that it needs."""
    release, waiting = current_release(ledger, usecase), waiting_challenger(ledger, usecase)
    in_use = [(served.challenger, "which is live") for served in release.serves] if release else []
    in_use += [(waiting.challenger, "which waits to be compared")] if waiting else []
    for challenger, how in in_use:
        row = ledger.get(usecase, ChallengerEntry, challenger)
        if row is None:
            raise LookupError(f"challenger {challenger} of {usecase} is not in the ledger")
        declaration, texts = recorded(ledger, usecase, row.payload.declaration_digest)
        yield f"version {row.payload.model.version}, {how},", columns_needed(declaration, texts)


def _texts_in(source: str) -> set[str]:
    nodes = ast.walk(ast.parse(source))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _field_of(declaration: Declaration, name: str) -> str:
    features = declaration.features
    roles = {"numeric": features.numeric, "categorical": features.categorical, "never": features.never}
    if name in declaration.schema_.types:
        return "schema.types"
    return next((f"features.{role}" for role, names in roles.items() if name in names), "schema")
