"""Requests that schemathesis makes from the service's own description, valid and invalid ones.

No answer is an error of the server, each has a declared status and the declared form, what the description allows is
answered, and what it does not allow is refused.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.extent import ALL
from tests.serving.running_service import Place, serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    positive_data_acceptance,
    negative_data_rejection,
]
REQUESTS = 150 if ALL else 30


def _operations(document: dict[str, Any]) -> list[Any]:
    description = schemathesis.openapi.from_dict(document)
    return [each.ok() for each in description.get_all_operations() if isinstance(each, Ok)]


def _without_formats(document: Any) -> Any:
    """JSON Schema takes `format` as an annotation: a text that is no `date-time` may be a time all the same."""
    if isinstance(document, list):
        return [_without_formats(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {name: _without_formats(each) for name, each in document.items() if name != "format"}


def test_generated_requests_are_answered_or_refused_as_the_description_has_it(
    released_shop: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(released_shop) as running:
        address = f"http://127.0.0.1:{running.port}"
        document = running.client.get("/openapi.json").json()
        sent = 0
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            operations = _operations(document if mode.is_positive else _without_formats(document))
            assert {operation.path for operation in operations} == {"/usecases/shop/predict", "/health", "/ready"}
            for operation in operations:
                if mode.is_negative and not operation.body:
                    continue

                @settings(max_examples=REQUESTS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
                @given(case=operation.as_strategy(generation_mode=mode))
                def answered(case: schemathesis.Case) -> None:
                    nonlocal sent
                    case.call_and_validate(base_url=address, checks=CHECKS)
                    sent += 1

                answered()
        assert sent > REQUESTS
        assert running.predict({"price": 99.5, "weight": 2.25, "carrier": "post"}).status_code == 200
