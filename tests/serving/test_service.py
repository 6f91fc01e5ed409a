"""The scoring service as its clients see it: protocols, refusals, and answers with the bits of the pipeline."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from perennial.ledger.entries import Release
from perennial.model.released import load_served
from perennial.serving.application import MOST_BYTES
from perennial.serving.log.segment import place_of, read_segment
from perennial.settings import settings
from perennial.store.workspace import reading_workspace
from tests.browser import CHROMIUM, evaluate
from tests.serving.running_service import Place, Running, serving
from tests.world import month_of_rows

RECORD = {"price": 99.5, "weight": 2.25, "carrier": "post"}


@pytest.fixture(scope="module")
def service(released_shop: Place) -> Iterator[Running]:
    with serving(released_shop) as running:
        yield running


def _live(place: Place) -> Release:
    workspace = reading_workspace(settings(place.environment()))
    return workspace.ledger.all("shop", Release)[-1].payload


def _records(n: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    rows = month_of_rows("2013-06", rows_a_day=4, new_carrier=0.1)[:n]
    return rows.drop(columns="returned").to_dict("records"), rows.index.to_numpy()


def _by_the_pipeline(place: Place, n: int) -> np.ndarray:
    rows = month_of_rows("2013-06", rows_a_day=4, new_carrier=0.1)[:n]
    workspace = reading_workspace(settings(place.environment()))
    served = load_served(workspace.registry, "shop", _live(place))
    return np.asarray(served.predict(rows, ()))


def test_one_record_and_a_list_are_answered_with_their_release(service: Running, released_shop: Place) -> None:
    live = _live(released_shop)
    one, many = service.predict(RECORD), service.predict([RECORD, RECORD | {"price": 12}])
    assert (one.status_code, many.status_code) == (200, 200)
    answer = one.json()
    assert (answer["usecase"], answer["release"]) == ("shop", live.release_no)
    assert answer["predictions"][0]["score"] == many.json()["predictions"][0]["score"]
    assert len(many.json()["predictions"]) == 2
    assert 0 < answer["predictions"][0]["score"] < 1 and answer["predictions"][0]["warnings"] == []


def test_answers_have_the_bits_of_the_pipeline_by_every_protocol(service: Running, released_shop: Place) -> None:
    records, _ = _records(120)
    expected = _by_the_pipeline(released_shop, 120)
    native = service.predict(records).json()["predictions"]
    assert_array_equal([each["score"] for each in native], expected)
    alone = [service.predict(each).json()["predictions"][0]["score"] for each in records[:10]]
    assert_array_equal(alone, expected[:10])

    names = list(records[0])
    columns = {name: [each[name] for each in records] for name in names}
    bodies: list[dict[str, Any]] = [
        {"dataframe_split": {"columns": names, "data": [[each[name] for name in names] for each in records]}},
        {"dataframe_records": records},
        {"instances": records},
        {"inputs": columns},
    ]
    for path in ("/invocations", "/usecases/shop/invocations"):
        for body in bodies:
            answer = service.client.post(path, json=body)
            assert_array_equal(answer.json()["predictions"], expected)

    tensors = [{"name": name, "shape": [120], "datatype": "BYTES", "data": columns[name]} for name in names]
    answer = service.client.post("/v2/models/shop/infer", json={"id": "mine", "inputs": tensors}).json()
    assert answer["id"] == "mine" and answer["outputs"][0]["shape"] == [120]
    assert_array_equal(answer["outputs"][0]["data"], expected)


def test_an_answered_prediction_is_in_the_log_with_its_record(service: Running, released_shop: Place) -> None:
    answer = service.predict([RECORD, RECORD | {"weight": 1}]).json()
    for sent, prediction in zip([RECORD, RECORD | {"weight": 1}], answer["predictions"], strict=True):
        place = place_of(prediction["id"])
        assert place is not None
        logged = list(read_segment(released_shop.served / f"{place.segment}.served"))[place.position]
        assert json.loads(logged.received) == sent
        assert (logged.score, logged.release_no) == ((prediction["score"],), answer["release"])


def test_a_value_that_training_never_saw_is_a_warning_in_the_answer(service: Running) -> None:
    answer = service.predict([RECORD | {"carrier": "drone"}, RECORD]).json()["predictions"]
    assert answer[0]["warnings"] == ["carrier: 'drone' was never seen in training and counts as unknown"]
    assert answer[1]["warnings"] == []


def test_every_bad_field_is_named_at_once_with_its_fix(service: Running) -> None:
    body = [{"price": "12.5", "carier": "post"}, RECORD | {"weight": [1], "carrier": 7}]
    response = service.predict(body)
    mistakes = {(each["row"], each["field"]): each for each in response.json()["error"]["mistakes"]}
    assert response.status_code == 422 and response.json()["error"]["code"] == "record-wrong"
    assert set(mistakes) == {(0, "price"), (0, "weight"), (0, "carrier"), (0, "carier"), (1, "weight"), (1, "carrier")}
    assert mistakes[0, "price"]["fix"] == "send 12.5, without quotes"
    assert mistakes[0, "carier"]["fix"] == "did you mean 'carrier'?"


NATIVE, MLFLOW, TENSORS = "/usecases/shop/predict", "/invocations", "/v2/models/shop/infer"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (NATIVE, b"", 400),
        (NATIVE, b"{", 400),
        (NATIVE, b"[]", 400),
        (NATIVE, b"7", 400),
        (NATIVE, b'\xff\xfe{"price": 1}', 400),
        (NATIVE, json.dumps(RECORD).encode("utf-16"), 400),
        (NATIVE, gzip.compress(json.dumps(RECORD).encode(), mtime=0), 400),
        (NATIVE, b"[" * 100_000, 400),
        (NATIVE, b'{"price": ' + b"[" * 900 + b"]" * 900 + b', "weight": 1, "carrier": "post"}', 422),
        (NATIVE, b'{"price": ' + b"[" * 90_000 + b"]" * 90_000 + b', "weight": 1, "carrier": "post"}', 400),
        (NATIVE, b'{"price": NaN, "weight": Infinity, "carrier": "post"}', 422),
        (NATIVE, b'{"price": 1e999, "weight": 1, "carrier": "post"}', 422),
        (NATIVE, b'{"price": 1' + b"0" * 400 + b', "weight": 1, "carrier": "post"}', 422),
        (NATIVE, b'{"price": 1, "weight": 1, "carrier": {"\\ud800": "\\ud800"}}', 422),
        (NATIVE, b'{"price": 1, "weight": 1, "carrier": "post", "\\ud800": 1}', 422),
        (NATIVE, b'[["price", 1]]', 422),
        (NATIVE, b"[null, 1]", 422),
        (MLFLOW, b"", 400),
        (MLFLOW, b"[1]", 400),
        (MLFLOW, b'{"instances": [], "inputs": []}', 400),
        (MLFLOW, b'{"instances": 7}', 400),
        (MLFLOW, b'{"instances": []}', 400),
        (MLFLOW, b'{"instances": [[1, 2, 3]]}', 422),
        (MLFLOW, b'{"inputs": {"price": [1], "weight": [1, 2]}}', 400),
        (MLFLOW, b'{"dataframe_split": {"columns": [["price"]], "data": [[1]]}}', 400),
        (MLFLOW, b'{"dataframe_split": {"columns": ["price", "price"], "data": [[1, 2]]}}', 400),
        (MLFLOW, b'{"dataframe_split": {"columns": ["price"], "data": [1]}}', 400),
        (MLFLOW, b'{"dataframe_split": []}', 400),
        (TENSORS, b"{}", 400),
        (TENSORS, b'{"inputs": [{"name": ["price"], "data": [1]}]}', 400),
        (TENSORS, b'{"inputs": [{"name": "price", "data": 5}]}', 400),
        (TENSORS, b'{"inputs": [{"name": "price", "data": [1]}, {"name": "price", "data": [1]}]}', 400),
        (TENSORS, b'{"inputs": [{"name": "price", "data": [1]}]}', 422),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_body_is_refused_with_what_is_wrong_and_never_breaks_the_service(
    service: Running, path: str, body: bytes, status: int
) -> None:
    found, code, mistakes = service.refused(body, path)
    assert (found, code) == (status, "record-wrong")
    assert all(each["message"] and each["fix"] for each in mistakes)


def test_the_value_of_a_mistake_is_shown_short(service: Running) -> None:
    response = service.predict(RECORD | {"price": "x" * 1_000_000, "weight": ["y" * 1_000_000]})
    assert response.status_code == 422 and len(response.content) < 2_000


def test_too_much_is_refused(service: Running) -> None:
    assert service.refused(b" " * (MOST_BYTES + 1))[:2] == (413, "body-too-large")
    records = json.dumps([RECORD] * 10_001).encode()
    assert service.refused(records)[:2] == (413, "too-many-records")
    # Without a length, parts are counted as they come.
    parts = (b" " * 2**20 for _ in range(17))
    assert service.client.post("/usecases/shop/predict", content=parts).status_code == 413
    assert service.predict(RECORD).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/nowhere", 404),
        ("POST", "/usecases/other/predict", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/usecases/shop/predict", 405),
        ("DELETE", "/usecases/shop/predict", 405),
        ("GET", "/invocations", 405),
        ("POST", "/health", 405),
    ],
)
def test_what_is_not_there_is_refused(service: Running, method: str, path: str, status: int) -> None:
    response = service.client.request(method, path)
    assert response.status_code == status and response.json()["error"]["message"]
    assert (status == 405) == ("allow" in response.headers)


def test_a_use_case_that_is_not_served_is_answered_with_those_that_are(service: Running) -> None:
    response = service.client.post("/usecases/other/predict", json={})
    assert response.json()["error"]["message"] == "'other' is not served here. Served here: shop"


def test_a_client_that_goes_away_harms_nobody(service: Running) -> None:
    for sent in (b"POST /usecases/shop/predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", service.port)) as client:
            client.sendall(sent)
    assert service.predict(RECORD).status_code == 200


def test_the_pages_of_a_running_service(service: Running, released_shop: Place) -> None:
    live = _live(released_shop).release_no
    for path in ("/health", "/ping", "/v2/health/live", "/v2/health/ready", "/v2/models/shop/ready"):
        assert service.client.get(path).status_code == 200
    assert service.client.get("/ready").json() == {
        "ready": True,
        "log": {"wrong": ""},
        "usecases": [{"usecase": "shop", "serving": live, "wanted": live, "wrong": "", "stage": None}],
    }
    metrics = service.client.get("/metrics").text
    assert f'perennial_serving_release{{usecase="shop"}} {live}.0' in metrics
    assert 'perennial_requests_total{arm="champion",status="200",usecase="shop"}' in metrics
    metadata = service.client.get("/v2/models/shop").json()
    assert (metadata["name"], metadata["versions"]) == ("shop", [str(live)])
    assert {"name": "price", "datatype": "FP64", "shape": [-1]} in metadata["inputs"]
    head = service.client.head("/health")
    assert (head.status_code, head.content) == (200, b"")


def test_the_example_of_the_description_is_answered_as_it_is(service: Running) -> None:
    document = service.client.get("/openapi.json").json()
    body = document["paths"][NATIVE]["post"]["requestBody"]["content"]["application/json"]
    answer = service.predict(body["example"])
    assert answer.status_code == 200 and answer.json()["predictions"][0]["warnings"] == []
    page = service.client.get("/docs").text
    assert NATIVE in page and "https://" not in page and "http://" not in page


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: make test-all installs it")
def test_the_example_of_the_page_can_be_sent_from_it(service: Running, tmp_path: Path) -> None:
    """In a browser, on a screen of 390 pixels."""
    script = """(async () => {
      const of = (name) => [...document.querySelectorAll(name)].map(each => each.textContent);
      const shown = document.querySelector("pre"), before = shown.getBoundingClientRect().height;
      document.querySelector("button").click();
      while (!shown.textContent.includes("}")) await new Promise(done => setTimeout(done, 20));
      return {headings: of("h1, h2"), operations: of("td:has(a)"), wide: document.documentElement.scrollWidth, before,
        answer: shown.textContent}; })()"""
    page = evaluate(str(service.client.base_url.join("/docs")), script, tmp_path)
    assert page["headings"] == ["Scoring service", f"POST {NATIVE}", "Other operations"]
    assert page["operations"] == ["GET /health", "GET /ready", "GET /metrics", "GET /openapi.json"]
    assert page["wide"] <= 390 and page["before"] == 0, "no empty box before an answer"
    status, _, answer = page["answer"].partition("\n")
    assert status == "200" and json.loads(answer)["predictions"][0]["warnings"] == []
