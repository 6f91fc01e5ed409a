"""The recipe that turns accepted rows into a model's input: columns, derived functions and their source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from perennial.features.built_in import BuiltIns
from perennial.features.derived import derive
from perennial.identity import digest
from perennial.our_columns import is_ours
from perennial.team_code.loading import Function, load_functions
from perennial.usecase.built_in import derived_name
from perennial.usecase.declaration import UseCase
from perennial.usecase.importable import is_own

if TYPE_CHECKING:
    import pandas as pd


class Recipe(BaseModel):
    """Stored with each model. `hidden` are the columns that no derived function may see.

    built_in: what the built-in derived features depend on; None, and left out of what is stored, where there are none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    derived: tuple[str, ...]
    hidden: tuple[str, ...]
    sources: dict[str, str]
    built_in: BuiltIns | None = None

    @model_serializer(mode="wrap")
    def _without_nothing(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = written(self)
        return {name: value for name, value in fields.items() if name != "built_in" or value is not None}

    @property
    def digest(self) -> str:
        """sha256 of columns and code: the feature version recorded with a model."""
        return digest(self.model_dump(mode="json"))

    def inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The model's input: text columns first, then numbers, then derived ones, in key order of `rows`.

        rows: accepted rows; the target, labels and columns known only after the event are taken away first.
        Raises TeamCodeFailed; KeyError for a feature column that the rows lack.
        """
        import pandas as pd

        visible = rows.drop(columns=[c for c in rows.columns if c in self.hidden or is_ours(c)])
        named = visible[[*self.categorical, *self.numeric]].copy()
        added = derive(visible, self.functions(self.derived))
        return pd.concat([named, added], axis=1)

    def functions(self, derived: tuple[str, ...]) -> dict[str, Function]:
        """Feature name → function of rows, for these of `derived`, in their order. Raises as `load_functions`."""
        built_in = self.built_in.functions(derived) if self.built_in else {}
        known = {**built_in, **load_functions(derived, self.sources)}
        return {name: known[name] for name in map(derived_name, derived)}


def recipe_of(case: UseCase) -> Recipe:
    """The recipe of a declaration, with the source of its functions."""
    declaration = case.declaration
    schema, features = declaration.schema_, declaration.features
    versions = declaration.built_in
    return Recipe(
        categorical=features.categorical,
        numeric=features.numeric,
        derived=features.derived,
        hidden=tuple(sorted({*schema.hidden, *features.never})),
        # The source of a custom estimator is stored with the model too, though loading the model does not run it.
        sources=case.code.of(
            (*features.derived, *([declaration.model.estimator] if is_own(declaration.model.estimator) else []))
        ),
        built_in=BuiltIns(versions=versions, time=schema.time, timezone=schema.timezone) if versions else None,
    )
