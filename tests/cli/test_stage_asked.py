"""A person's word that a candidate gets further: whole, or refused before anything is looked at."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import command
from tests.world import World


@pytest.mark.parametrize(
    ("words", "field", "named"),
    [
        (("--advance",), "--by", "--reason"),
        (("--advance", "--by", "Ada"), "--reason", "'Ada'"),
        (("--advance", "--reason", "summer"), "--by", "'summer'"),
        (("--by", "Ada", "--reason", "summer"), "--advance", "'Ada'"),
        (("--by", "Ada"), "--reason", "'Ada'"),
        (("--advance", "--by", "Ada", "--reason", " "), "--reason", "' '"),
    ],
)
def test_half_a_word_is_refused_with_the_option_that_is_missing(
    world: World, words: tuple[str, ...], field: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("stage", "shop", *words, "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["code"], error["field"]) == ("stage-unsigned", field)
    assert named in error["message"] and error["fix"], error
    assert command("stage", "shop", *words) == 2
    assert capsys.readouterr().err.startswith(f"{field}: ")


@pytest.mark.parametrize("given", [("Ada", None), (None, "summer"), ("Ada", " "), (" ", None)])
def test_the_form_refuses_half_a_word_instead_of_looking(
    world: World, flows: None, given: tuple[str | None, str | None]
) -> None:
    from flows.stage import stage
    from perennial.errors import InputError

    with pytest.raises(InputError, match="Nothing was looked at or changed") as refused:
        stage.fn("shop", *given)
    assert (refused.value.code, refused.value.field) == (
        "stage-unsigned",
        "by" if given[0] in (None, " ") else "reason",
    )
