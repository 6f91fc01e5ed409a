"""`perennial score`: a batch, which is recorded, or a person's own file, which is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perennial.cli.live import naming_what_is_live
from perennial.cli.output import as_json, flowing, flowing_note, working
from perennial.cli.reading import open_ledger
from perennial.errors import HeldBack, InputError
from perennial.ledger.present import batch_named, current_release
from perennial.settings import settings
from perennial.sources.suffix import SUFFIXES
from perennial.usecase.reading import load_use_case

if TYPE_CHECKING:
    import pandas as pd

    from perennial.ledger.entries import BatchScored, Release

_WRITTEN = (".csv", ".parquet")


def score(usecase: str, window: str | None, file: Path | None, out: Path | None, json: bool) -> None:
    """Refuse what cannot be scored, then score it."""
    load_use_case(usecase, settings().usecases)
    if file is not None and window is not None:
        raise InputError("--file: names your own rows, --batch ingested ones\n  give one of the two")
    if file is not None and out is None:
        raise InputError("--out: is missing\n  name the file for the predictions: --out predictions.csv")
    if out is not None and out.suffix not in _WRITTEN:
        raise InputError(f"--out: {out.name} is neither .csv nor .parquet", value=str(out), fix="name it like one")
    if out is not None and not out.absolute().parent.is_dir():
        raise InputError(f"--out: the folder {out.parent} does not exist", value=str(out), fix="make it first")
    release = current_release(open_ledger(), usecase)
    if release is None:
        raise InputError(f"{usecase}: no model is live yet, so nothing can be scored", code="release-none")
    if file is not None and out is not None:
        _score_file(usecase, release, file, out, json)
    else:
        _score_batch(usecase, window, out, json)


def _score_batch(usecase: str, window: str | None, out: Path | None, json: bool) -> None:
    _refuse_held(usecase, window)
    from perennial.cli.running import flows_ready

    with flows_ready(), naming_what_is_live(usecase):
        from flows.score import score as flow

        scored = flow(usecase, window)
    if scored is None:
        raise InputError(f"{usecase}: there is no batch to score")
    if out is not None:
        from perennial.scoring.stored import predictions_in
        from perennial.store.workspace import reading_workspace

        _write(predictions_in(reading_workspace(settings()).tables, usecase, scored), out)
    if json:
        as_json(scored.model_dump(mode="json"))
    else:
        written = f" They are in {out}." if out else ""
        flowing(f"{usecase}: {scored.rows:,} rows of batch {scored.window} are scored by {_by(scored)}.{written}")


def _by(scored: BatchScored) -> str:
    versions = " and ".join(str(each.model.version) for each in scored.serves)
    return f"release {scored.release_no} (version {versions})"


def _refuse_held(usecase: str, window: str | None) -> None:
    batch = batch_named(open_ledger(), usecase, window)
    if batch is None:
        raise InputError(f"{usecase}: no batch has come yet, so there is nothing to score")
    if batch.status == "held":
        raise HeldBack(f"{usecase}: batch {batch.window} is held, so it has no rows to score. Nothing was changed.")


def _score_file(usecase: str, release: Release, file: Path, out: Path, json: bool) -> None:
    suffix = next((each for each in SUFFIXES if file.name.removesuffix(".gz").endswith(each)), None)
    if suffix is None:
        raise InputError(f"--file: {file.name} is none of {', '.join(SUFFIXES)}", value=str(file), fix="convert it")
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise InputError(f"--file: {file} cannot be read: {problem.strerror}", value=str(file)) from None
    from perennial.model.released import load_served
    from perennial.scoring.rows_to_score import rows_to_score, scored_rows, scores_in_words
    from perennial.store.workspace import reading_workspace

    workspace = reading_workspace(settings())
    declaration = workspace.use_case(usecase).declaration
    with working(f"scoring {file.name}"), naming_what_is_live(usecase):
        served = load_served(workspace.registry, usecase, release)
        rows = rows_to_score(declaration, data, suffix, served.models)
        scored = scored_rows(rows, served, declaration.schema_, release)
    _write(scored, out)
    for warning in rows.warnings:
        flowing_note(f"warning: {warning}")
    if json:
        fields = {"usecase": usecase, "release_no": release.release_no, "rows": len(scored), "out": str(out)}
        as_json({**fields, "warnings": list(rows.warnings)})
    else:
        flowing(f"{usecase}: {len(scored):,} rows are scored by release {release.release_no} ({release.versions}).")
        flowing(f"The predictions are in {out}: {scores_in_words(declaration.schema_)}.")


def _write(scored: pd.DataFrame, out: Path) -> None:
    """The whole file or none of it."""
    from perennial.whole_file import replacing

    try:
        with replacing(out) as half:
            if out.suffix == ".csv":
                scored.to_csv(half, index=False)
            else:
                scored.to_parquet(half, index=False)
    except OSError as problem:
        raise InputError(f"--out: {out} cannot be written: {problem.strerror}", value=str(out)) from None
