"""What a service scores with: a use case's live release, loaded, and how its records are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from perennial.errors import HeldBack, InputError, PerennialError
from perennial.ledger.entries import ModelRef, Release
from perennial.ledger.present import current_release
from perennial.scoring.made_by import versions_in_short
from perennial.serving.artifact import PIPELINE
from perennial.serving.checker import Checker
from perennial.serving.fields import Fields, fields_of, kinds
from perennial.serving.served import ServedModel, ServedRelease, is_kept, kept_model, open_model
from perennial.sources.column_type import ColumnType
from perennial.store.workspace import Workspace
from perennial.usecase.declared_schema import Schema
from perennial.usecase.declared_serving import LogPromise


@dataclass(frozen=True, eq=False)
class Live:
    """A loaded release. versions: as the table `predictions` has them. fields: of its records.

    log: what the declaration promises about the log. candidate: the model in a stage.
    candidate_wrong: why it is not loaded although the release has one.
    """

    usecase: str
    release: Release
    served: ServedRelease
    checker: Checker
    fields: Fields
    schema: Schema
    log: LogPromise = "written"
    candidate: ServedRelease | None = None
    candidate_wrong: str = ""

    @cached_property
    def is_quick(self) -> bool:
        """Whether every model has a scorer; a pipeline takes milliseconds."""
        models = (*self.served.models, *(self.candidate.models if self.candidate is not None else ()))
        return all(model.kind != PIPELINE for model in models)

    @cached_property
    def key_kinds(self) -> tuple[ColumnType, ...]:
        """The types of the key columns."""
        types = kinds(self.fields)
        return tuple(types[name] for name in self.schema.key)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The required fields that are no part of the key: those whose absence from a record matters."""
        return tuple(field.name for field in self.fields.fields if field.required and not field.key)

    @cached_property
    def versions(self) -> str:
        """The model versions with their weights."""
        return versions_in_short(self.release.serves)


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
    """Load a release. cache: folder of the serving artefacts. A candidate that cannot be loaded is left out.

    Raises RegistryDown, ModelUnloadable, BatchOnly, DeclarationError.
    """
    declaration = workspace.use_case(usecase).declaration
    types = kinds(fields_of(declaration))
    models = tuple(_opened(workspace, usecase, each.model, cache, types) for each in release.serves)
    served = ServedRelease(models, tuple(each.weight for each in release.serves), declaration.schema_.classes)
    fields = fields_of(declaration, served.reads)
    checker, promise = Checker(fields, served.seen), declaration.serving.log
    live = Live(usecase, release, served, checker, fields, declaration.schema_, promise)
    return with_candidate(workspace, live, cache)


def with_candidate(workspace: Workspace, live: Live, cache: Path) -> Live:
    """The same, with its release's candidate loaded, or with the reason why it is not."""
    candidate = live.release.candidate
    if candidate is None:
        return live
    try:
        types = kinds(live.fields)
        models = tuple(_opened(workspace, live.usecase, each.model, cache, types) for each in candidate.serves)
    except Exception as error:  # noqa: BLE001 - nothing about a candidate keeps the live models from being served
        wrong = str(error) if isinstance(error, PerennialError) else f"{type(error).__name__}: {error}"
        return replace(live, candidate=None, candidate_wrong=wrong)
    served = ServedRelease(models, tuple(each.weight for each in candidate.serves), live.schema.classes)
    return replace(live, candidate=served, candidate_wrong="")


def needs_making(workspace: Workspace, usecase: str, release: Release, cache: Path) -> bool:
    """Whether an artefact of the release is missing, so that loading it takes scikit-learn, pandas and seconds."""
    served = (*release.serves, *(release.candidate.serves if release.candidate else ()))
    return not all(
        is_kept(workspace.registry.digest(usecase, each.model), cache, workspace.signatures) for each in served
    )


def _opened(
    workspace: Workspace, usecase: str, model: ModelRef, cache: Path, types: Mapping[str, ColumnType]
) -> ServedModel:
    """From the cache if possible: even the registry's client would bring pandas into the worker."""
    digest = workspace.registry.digest(usecase, model)
    kept = kept_model(digest, cache, types, workspace.signatures)
    if kept is not None:
        return kept
    return open_model(workspace.registry.folder(usecase, model), digest, cache, types, workspace.signatures)
