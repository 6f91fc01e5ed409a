"""The page as one HTML file: no script, no network, readable on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from perennial.evaluation.figures import between, change, figure, percent
from perennial.page.charts import batches_chart, courses_chart, gains_chart, losses_chart
from perennial.page.drawing import unchecked_charts
from perennial.page.index import Summary
from perennial.page.question import Form, Question
from perennial.page.view import View

if TYPE_CHECKING:
    from jinja2 import Template
    from markdown_it import MarkdownIt

    from perennial.backtest.kept_worth import KeptWorth

_SECTION = re.compile(r"<!-- question -->.*<!-- /question -->", re.DOTALL)

CHARTED = 60
"""How many batches are drawn, the newest ones; all of them are in the tables."""


def render(
    view: View,
    data_docs: Mapping[str, str],
    dossiers: Mapping[str, str] | None = None,
    worth: KeptWorth | None = None,
) -> str:
    """The page. data_docs: the address of each batch's page of checks, by `window-revision`; "" is their index.

    dossiers: the address of each dossier, by what it is about. worth: of retraining, None if it was not measured.

    Everything that data or people named is escaped: a column called `<script>` is shown as that.
    """
    from markupsafe import Markup

    names = list(dict.fromkeys(line.window for line in view.batches))[-CHARTED:]
    losses = [point for point in view.losses if point.batch in names]
    gains = [point for point in view.gains if point.batch in names]
    charts = {}
    with unchecked_charts():
        if names:
            charts["batches"] = Markup(batches_chart([line for line in view.batches if line.window in names]))
        if losses or any(g.challenger is not None for g in gains):
            charts["losses"] = Markup(losses_chart(losses, gains, view.metric, names, view.watching.alarms))
        if any(g.low is not None for g in gains):
            charts["gains"] = Markup(gains_chart(gains, view.metric, names))
        courses = {"courses": view.watching.courses, "features": view.watching.features}
        for name, points in {**courses, "groups": view.groups.courses if view.groups else ()}.items():
            if drawn := [point for point in points if point.batch in names]:
                charts[name] = Markup(courses_chart(drawn, names))
    return template("page.html.j2").render(
        view=view,
        charted=CHARTED,
        charts=charts,
        data_docs=data_docs,
        dossiers=dossiers or {},
        worth=worth,
        in_words={card.id: Markup(_html(card.markdown)) for month in view.months for card in month.decisions},
    )


def render_question(
    question: Question | None, form: Form | None, notice: str = "", why_not: str = "", ui: str | None = None
) -> str:
    """The section about what waits. notice: what an answer led to. why_not: why there is no form. ui: of Prefect."""
    shown = {"question": question, "form": form, "notice": notice, "why_not": why_not, "ui": ui}
    return template("question.html.j2").render(shown)


def render_refusal(message: str, back: str) -> str:
    """A page that states why something was refused. back: where a person came from; empty for nowhere."""
    return template("refusal.html.j2").render(message=message, back=back)


def with_question(page: str, section: str) -> str:
    """A page that was written, with another section about what waits."""
    return _SECTION.sub(lambda _: section.strip(), page, count=1)


@lru_cache(maxsize=256)
def _html(markdown: str) -> str:
    """Decisions never change, and the page shows the same ones after each batch."""
    return _markdown().render(markdown) if markdown else ""


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def render_index(summaries: Sequence[Summary]) -> str:
    """The first page, with a card for each use case in the given order."""
    return template("index.html.j2").render(summaries=summaries)


@cache
def template(name: str) -> Template:
    """A template of this folder, which escapes everything."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("perennial", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(figure=figure, change=change, between=between, percent=percent)
    return environment.get_template(name)
