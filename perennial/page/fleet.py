"""The page of all use cases: one row each, which sorts and filters in the browser without a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from perennial.fleet.causes import common_causes
from perennial.fleet.standing import BAD, STATES, Standing
from perennial.page.render import template
from perennial.usecase.reading import Labels
from perennial.whole_file import write_whole

PAGE = "all-use-cases.html"
"""No use case can have this name."""
COLOURS = {**dict.fromkeys(BAD, "bad"), "good": "good"}
"""State → how it is drawn; any other is drawn as waiting."""
SCRIPT = """
const rows = [...document.querySelectorAll("tbody tr")], body = document.querySelector("tbody");
const wanted = document.getElementById("wanted"), state = document.getElementById("state");
const show = () => rows.forEach(row => {
  row.hidden = !(row.textContent.toLowerCase().includes(wanted.value.toLowerCase())
    && (!state.value || row.dataset.state === state.value));
});
wanted.addEventListener("input", show);
state.addEventListener("change", show);
document.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
  const sign = button.dataset.up === "1" ? -1 : 1;
  button.dataset.up = sign === 1 ? "1" : "0";
  const of = row => row.children[column].dataset.value;
  rows.sort((a, b) => sign * of(a).localeCompare(of(b), undefined, {numeric: true}));
  body.append(...rows);
}));
"""


def publish_fleet(folder: Path, listed: Sequence[Standing], labels: Mapping[str, Labels]) -> None:
    """Write the page from how the use cases stand, worst first. Raises OSError where it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PAGE, render_fleet(listed, labels))


def render_fleet(listed: Sequence[Standing], labels: Mapping[str, Labels]) -> str:
    """The page. Only its own script runs: the policy of the page names the script's hash."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    return template("fleet.html.j2").render(
        listed=listed,
        labels=labels,
        causes=common_causes(listed),
        states=[state for state in STATES if any(each.state == state for each in listed)],
        colours=COLOURS,
        order={state: number for number, state in enumerate(STATES)},
        script=SCRIPT,
        script_hash=digest,
    )
