"""Writes a dossier into the home, and shows what is missing in it."""

from __future__ import annotations

import logging

from prefect.artifacts import create_markdown_artifact

from perennial.evaluation.figures import counted
from perennial.evaluation.words import escape
from perennial.governance.dossier import Dossier, dossier_of
from perennial.governance.records import records_of
from perennial.page.dossier import publish_dossier
from perennial.settings import settings
from perennial.store.workspace import open_workspace
from tasks.step import step

log = logging.getLogger("perennial.tasks")


@step(timeout_minutes=10)
def write_dossier(usecase: str, decision: str | None, release: int | None) -> str:
    """The dossier's files in a separate folder, and an artifact that lists the gaps; return a sentence."""
    workspace = open_workspace(settings())
    records = records_of(workspace.ledger, workspace.use_case(usecase).declaration, decision, release)
    made = dossier_of(records)
    folder = workspace.settings.dossiers / usecase / made.about
    publish_dossier(folder, made, records)
    log.info("dossier %s %s: %d gaps", usecase, made.about, len(made.gaps))
    sentence = f"Dossier of {made.about}: {counted(len(made.gaps), 'required part is', 'required parts are')} missing"
    create_markdown_artifact(
        _in_markdown(made, sentence, str(folder)), key=f"{usecase}-dossier".replace("_", "-"), description=sentence
    )
    return sentence


def _in_markdown(made: Dossier, sentence: str, folder: str) -> str:
    lines = [f"### {escape(made.usecase)}: {escape(sentence)}", "", f"It is in {escape(folder)}.", ""]
    lines += [f"- **{escape(str(each))}**" for each in made.gone]
    lines += [f"- {gap.chapter}. {escape(gap.name)}: {escape(gap.field or gap.why)}" for gap in made.gaps]
    return "\n".join(lines) + "\n"
