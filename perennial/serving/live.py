"""What a service scores with: a use case's live release, loaded, and how its records are checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perennial.errors import HeldBack, InputError
from perennial.ledger.entries import Release
from perennial.ledger.present import current_release
from perennial.scoring.batch import versions_in_words
from perennial.serving.artifact import PIPELINE
from perennial.serving.checker import Checker
from perennial.serving.fields import Fields, fields_of, kinds
from perennial.serving.served import ServedRelease, open_model
from perennial.store.workspace import Workspace
from perennial.usecase.declared_schema import Schema


@dataclass(frozen=True, eq=False)
class Live:
    """A loaded release. versions: as the table `predictions` has them. fields: of its records."""

    usecase: str
    release: Release
    served: ServedRelease
    checker: Checker
    fields: Fields
    schema: Schema

    @property
    def is_quick(self) -> bool:
        """Whether every model has a scorer; a pipeline takes milliseconds."""
        return all(model.kind != PIPELINE for model in self.served.models)

    @property
    def features(self) -> tuple[str, ...]:
        """The required fields that are no part of the key: those whose absence from a record matters."""
        return tuple(field.name for field in self.fields.fields if field.required and not field.key)

    @property
    def versions(self) -> str:
        """The model versions with their weights."""
        return versions_in_words(self.release)


def wanted_release(workspace: Workspace, usecase: str, pinned: int | None = None) -> Release:
    """The release to serve: the live one, or the pinned one.

    Raises HeldBack while no model is live, InputError for a release that was never made.
    """
    if pinned is None:
        release = current_release(workspace.ledger, usecase)
        if release is None:
            raise HeldBack(f"{usecase}: no model is live yet", code="release-none")
        return release
    row = workspace.ledger.get(usecase, Release, str(pinned))
    if row is None:
        raise InputError(f"{usecase} has no release {pinned}", code="release-unknown", field="release", value=pinned)
    return row.payload


def open_live(workspace: Workspace, usecase: str, release: Release, cache: Path) -> Live:
    """Load a release. cache: folder of the serving artefacts.

    Raises RegistryDown, ModelUnloadable, BatchOnly, DeclarationError.
    """
    declaration = workspace.use_case(usecase).declaration
    types = kinds(fields_of(declaration))
    models = tuple(
        open_model(workspace.registry.folder(usecase, each.model), each.model.digest, cache, types)
        for each in release.serves
    )
    served = ServedRelease(models, tuple(each.weight for each in release.serves), declaration.schema_.classes)
    fields = fields_of(declaration, served.reads)
    return Live(usecase, release, served, Checker(fields, served.seen), fields, declaration.schema_)
