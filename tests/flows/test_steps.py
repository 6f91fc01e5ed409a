"""Tasks: tried again only where that may help, and ended when they hang."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from perennial.errors import InputError, TerminalError, TransientError


@pytest.mark.parametrize(("error", "calls"), [(TransientError, 3), (TerminalError, 1), (InputError, 1), (KeyError, 1)])
def test_only_what_may_pass_by_itself_is_tried_again(flows: None, error: type[Exception], calls: int) -> None:
    from tasks.step import step

    tried = []

    @step(timeout_minutes=1)
    def reach_out() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise error("the disk was busy")
        return "reached"

    at_once = reach_out.with_options(retry_delay_seconds=0)
    if calls == 3:
        assert at_once() == "reached"
    else:
        with pytest.raises(error, match="the disk was busy"):
            at_once()
    assert len(tried) == calls


def test_what_stays_unavailable_is_reported_after_three_retries(flows: None) -> None:
    from tasks.step import step

    tried = []

    @step(timeout_minutes=1)
    def reach_out() -> None:
        tried.append(1)
        raise TransientError("still busy")

    with pytest.raises(TransientError, match="still busy"):
        reach_out.with_options(retry_delay_seconds=0)()
    assert len(tried) == 4


def test_every_flow_and_task_ends_when_it_hangs(flows: None) -> None:
    from prefect import Flow, Task

    found: dict[str, float | None] = {}
    for package in ("flows", "tasks"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            for name, each in vars(importlib.import_module(module.name)).items():
                if isinstance(each, Flow | Task):
                    found[name] = each.timeout_seconds
                    assert not isinstance(each, Flow) or each.retries == 0, name
    assert {"cycle", "ingest", "watch", "train", "decide", "backfill", "train_challenger"} <= set(found)
    assert [name for name, seconds in found.items() if not seconds] == []
