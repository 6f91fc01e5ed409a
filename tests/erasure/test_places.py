"""Single places: keys as people write them, tables of older homes, models that have rows, the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import skops.io
from deltalake import DeltaTable, write_deltalake
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from perennial.cli.hints import as_typed
from perennial.erasure.in_ledger import refuse_what_stays, rows_in_ledger
from perennial.erasure.keys import keys_of
from perennial.erasure.models import (
    KEEPS_ROWS,
    Touched,
    has_texts,
    refuse_unsignable,
    rewrite_model,
    rewritten,
)
from perennial.erasure.own_texts import OwnTexts
from perennial.erasure.words import not_reached
from perennial.errors import InputError
from perennial.ledger.entries import Waiver
from perennial.ledger.ledger import Ledger
from perennial.our_columns import BATCH, ROW
from perennial.settings import PREFECT_DATABASE, settings
from perennial.signing.model_key import make_model_key
from perennial.signing.signature import Signatures
from perennial.store.tables import Tables
from perennial.usecase.declaration import Declaration
from tests.erasure.search import files_with
from tests.release.payloads import challenger
from tests.world import DECLARATION

TWO_COLUMNS = {**DECLARATION["schema"], "key": ["order", "line"], "types": {"line": "integer"}}
CHALLENGER = challenger("c", 1)
SHOP = Declaration.model_validate(DECLARATION)
ORDER_LINES = Declaration.model_validate({**DECLARATION, "schema": TWO_COLUMNS})


def test_keys_are_read_as_batches_are(tmp_path: Path) -> None:
    assert keys_of(SHOP, ["A, 1", "A2"], None).wanted == {("A, 1",), ("A2",)}
    assert keys_of(ORDER_LINES, ['"A, 1",7'], None).wanted == {("A, 1", "7")}
    file = tmp_path / "keys.csv"
    file.write_text("line,name,order\n7.0,Ada,A1\n")
    assert keys_of(ORDER_LINES, [], file).wanted == {("A1", "7")}
    rows = pa.table({"order": ["A1", "A1", None], "line": [7, 8, 7]})
    assert keys_of(ORDER_LINES, [], file).among(rows).to_pylist() == [True, False, False]
    raw = [{"order": "A1", "line": "7"}, {"order": "A1", "line": "seven"}]
    assert keys_of(ORDER_LINES, [], file).among_texts(raw).to_pylist() == [True, False]


@pytest.mark.parametrize(
    ("given", "body", "message"),
    [
        ([], None, "key: no key is given"),
        (["A1"], None, "has 1 values, and the key 2"),
        (["A1,seven"], None, "row 1 has no key that can be read"),
        ([], "order\nA1\n", "keys-file: has no column 'line'"),
        ([], "", "keys-file: the file is empty"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(tmp_path: Path, given: list[str], body: str | None, message: str) -> None:
    file = None
    if body is not None:
        file = tmp_path / "keys.csv"
        file.write_text(body)
    with pytest.raises(InputError, match=message) as refused:
        keys_of(ORDER_LINES, given, file)
    assert refused.value.code == "erase-key" and (body is None or "key columns (order, line)" in refused.value.fix)


def test_a_file_with_keys_that_cannot_be_read_is_named_with_its_option_and_what_it_needs(tmp_path: Path) -> None:
    gone = tmp_path / "keys.csv"
    with pytest.raises(InputError) as refused:
        keys_of(ORDER_LINES, [], gone)
    assert as_typed(refused.value, str(refused.value)) == (
        f"--keys-file: {gone} cannot be read: no such file or directory\n"
        "  Name a CSV or Parquet file with the key columns (order, line); others are not read."
    )


def test_the_log_of_a_table_from_before_its_statistics_were_limited_has_no_value_left(tmp_path: Path) -> None:
    tables, place = Tables(str(tmp_path)), tmp_path / "shop" / "accepted"
    for batch, name in (("a", "other"), ("b", "ADA-7731")):
        rows = pa.table({"order": [name, f"{name}-x"], BATCH: [batch, batch], ROW: [0, 1]})
        write_deltalake(place, rows, mode="append", configuration={"delta.enableExpiredLogCleanup": "false"})
    assert any("_delta_log" in name for name in files_with(tmp_path, ["ADA-7731"]))
    table = tables.read("shop", "accepted", ["b"])
    assert table is not None
    for left in (table.slice(0, 0), table.slice(0, 0)):
        tables.replace("shop", "accepted", "b", left)
        tables.forget("shop", "accepted")
    assert files_with(tmp_path, ["ADA-7731"]) == []
    assert tables.batches("shop", "accepted") == {"a": 2}
    assert DeltaTable(place).metadata().configuration["delta.dataSkippingStatsColumns"] == f"{BATCH},{ROW}"


def test_a_category_gets_another_name_everywhere_in_a_model_and_nothing_else_changes(tmp_path: Path) -> None:
    own = OwnTexts(('Zoë\'s "van"', "van"))
    inputs = pd.DataFrame({"carrier": ["post", "van", 'Zoë\'s "van"', "van der Post"]})
    encoder = OrdinalEncoder().fit(inputs)
    skops.io.dump(encoder, tmp_path / "model.skops")
    assert has_texts(tmp_path / "model.skops", own)
    (tmp_path / "model.skops").write_bytes(rewritten((tmp_path / "model.skops").read_bytes(), own, 3))
    assert not has_texts(tmp_path / "model.skops", own)
    names = skops.io.load(tmp_path / "model.skops").categories_[0].tolist()
    assert sorted(names) == ["[erased 3.1]", "[erased 3.2]", "post", "van der Post"]
    fixed = np.array(["post", "van"])
    np.save(tmp_path / "fixed.npy", fixed)
    (tmp_path / "fixed.npy").write_bytes(rewritten((tmp_path / "fixed.npy").read_bytes(), own, 3))
    assert np.load(tmp_path / "fixed.npy").tolist() == ["post", "[erased 3.2]"]


def test_models_that_keep_rows_are_known_by_their_file() -> None:
    rows, labels = np.arange(10.0).reshape(5, 2), [0, 1, 0, 1, 0]
    for estimator, keeps in ((KNeighborsClassifier(2), True), (DecisionTreeClassifier(), False)):
        schema = skops.io.dumps(estimator.fit(rows, labels))
        assert (KEEPS_ROWS.search(_schema(schema)) is not None) is keeps


@pytest.mark.parametrize(
    ("variables", "servers"),
    [
        ({}, []),
        ({"MLFLOW_TRACKING_URI": "http://mlflow:5000"}, ["MLflow"]),
        ({"MLFLOW_TRACKING_URI": "postgresql://mlflow/db"}, []),
        ({"PREFECT_API_URL": "http://prefect/api"}, ["Prefect"]),
        ({"PREFECT_API_URL": "http://prefect/api", PREFECT_DATABASE: "postgresql+asyncpg://prefect/db"}, []),
    ],
)
def test_only_servers_whose_database_is_not_named_are_listed_as_not_reached(
    tmp_path: Path, variables: dict[str, str], servers: list[str]
) -> None:
    lines = not_reached(settings({"PERENNIAL_HOME": str(tmp_path), **variables}))
    assert [
        name for line in lines for name in ("MLflow", "Prefect") if f"of a {name}" in line or f"of an {name}" in line
    ] == servers


def test_a_value_in_the_ledger_is_named_and_refused(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.append("shop", Waiver(window="2024-01", landing="a.csv", checks=("ADA-7731 is odd",), by="B", reason="x"))
    ledger.append("shop", Waiver(window="2024-02", landing="b.csv", checks=("ADA-77310 is odd",), by="B", reason="x"))
    stays = rows_in_ledger(ledger, "shop", OwnTexts(("ADA-7731", "987.654")))
    assert stays == {"waiver": 1}
    with pytest.raises(InputError, match="nothing can be removed from it: waiver \\(1\\)"):
        refuse_what_stays(stays, "shop")


def _schema(data: bytes) -> str:
    import io
    import zipfile

    return zipfile.ZipFile(io.BytesIO(data)).read("schema.json").decode()


def test_a_signed_model_needs_the_key_before_anything_is_changed(tmp_path: Path) -> None:
    (tmp_path / "model.sig").write_text("{}")
    signed = Touched(CHALLENGER, tmp_path, learned=True, has_texts=True, keeps_rows=False, in_use=True)
    with pytest.raises(InputError, match="version 1 are signed") as refused:
        refuse_unsignable([signed], Signatures())
    assert refused.value.code == "erase-signed-model"
    refuse_unsignable([signed], Signatures(key=tmp_path / "key"))
    refuse_unsignable([replace(signed, has_texts=False)], Signatures())


def test_a_model_with_rows_goes_unless_it_is_in_use(tmp_path: Path) -> None:
    for in_use in (True, False):
        folder = tmp_path / str(in_use)
        folder.mkdir()
        (folder / "model.skops").write_bytes(b"rows")
        touched = Touched(CHALLENGER, folder, learned=True, has_texts=False, keeps_rows=True, in_use=in_use)
        rewrite_model(touched, OwnTexts(()), 1, Signatures())
        assert (folder / "model.skops").exists() is in_use


def test_a_signed_model_is_signed_again(tmp_path: Path) -> None:
    key, folder = tmp_path / "key", tmp_path / "model"
    make_model_key(key, tmp_path / "home")
    folder.mkdir()
    (folder / "model.json").write_text('{"seen": ["lovelace-express", "post"]}')
    signatures = Signatures(key=key, trusted=(tmp_path / "key.pub",))
    signatures.sign(folder)
    touched = Touched(CHALLENGER, folder, learned=True, has_texts=True, keeps_rows=False, in_use=True)
    rewrite_model(touched, OwnTexts(("lovelace-express",)), 1, signatures)
    assert (folder / "model.json").read_text() == '{"seen": ["[erased 1.1]", "post"]}'
    assert signatures.of(folder).state == "signed"
