"""Bytes stay as they arrived, under the name of their content: in a folder and in a bucket alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from perennial.errors import InputError, TerminalError, TransientError
from perennial.settings import settings
from perennial.sources.file_bytes import parts_of
from perennial.store.files import Files, files_at
from perennial.store.landing import Landing, LandingRemoved, suffix_of
from perennial.store.validations import Validations, ValidationsLost


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Files]:
    """An empty place of each kind."""
    place = request.getfixturevalue("bucket") if request.param == "bucket" else str(tmp_path / "kept")
    yield files_at(settings({"PERENNIAL_FILES_URI": f"{place}/"}).files_uri, tmp_path / "spill")
    assert not list((tmp_path / "spill").glob("*")), "no copy stays"


@pytest.fixture
def landing(files: Files) -> Landing:
    return Landing(files)


def test_the_same_bytes_lie_once_under_the_name_of_their_content(landing: Landing) -> None:
    name = landing.keep("shop", b"a,b\n1,2\n", ".csv")
    assert name == hashlib.sha256(b"a,b\n1,2\n").hexdigest() + ".csv"
    assert landing.keep("shop", b"a,b\n1,2\n", ".csv") == name
    assert landing.files.names("landing") == [f"shop/{name}"]
    assert landing.read("shop", name) == b"a,b\n1,2\n"
    assert suffix_of(name) == ".csv"


def test_changed_bytes_are_reported_not_read(landing: Landing) -> None:
    name = landing.keep("shop", b"truth", ".csv")
    landing.files.put(f"landing/shop/{name}", b"lies")
    with pytest.raises(TerminalError, match=f"landed bytes {name} were changed after they arrived: restore"):
        landing.read("shop", name)


def test_missing_bytes_are_reported_with_their_place(landing: Landing) -> None:
    with pytest.raises(TerminalError, match=r"landed bytes gone\.csv are missing below .*/landing: restore"):
        landing.read("shop", "gone.csv")


def test_a_half_written_file_of_a_killed_process_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    landing = Landing(files_at(str(tmp_path), tmp_path))
    whole = hashlib.sha256(b"whole").hexdigest() + ".csv"
    (tmp_path / "landing" / "shop").mkdir(parents=True)
    (tmp_path / "landing" / "shop" / f".{whole}.1.half").write_bytes(b"who")
    assert landing.names("shop") == []
    assert landing.keep("shop", b"whole", ".csv") == whole
    assert landing.read("shop", whole) == b"whole"
    assert landing.names("shop") == [whole]


def test_a_file_is_copied_and_lands_as_its_bytes_would(landing: Landing, tmp_path: Path) -> None:
    file, data = tmp_path / "march.csv", b"a,b\n" + b"1,2\n" * 2**21  # more than is read at a time
    file.write_bytes(data)
    name = landing.keep("shop", file, ".csv")
    assert landing.keep("shop", data, ".csv") == name
    assert landing.read("shop", name) == data
    with pytest.raises(InputError, match=r"april\.csv: cannot be read"):
        landing.keep("shop", tmp_path / "april.csv", ".csv")


def test_a_file_that_changes_while_it_is_copied_does_not_land(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "march.csv"
    file.write_bytes(b"a\n1\n")

    def later(path: Path) -> Iterator[bytes]:
        path.write_bytes(b"a\n1\n2\n")
        return parts_of(path)

    monkeypatch.setattr("perennial.store.landing.parts_of", later)
    with pytest.raises(TransientError, match="changed while it was read"):
        landing.keep("shop", file, ".csv")
    assert landing.names("shop") == []


def test_what_an_erasure_leaves_is_read_under_the_former_name_and_not_stored_again(landing: Landing) -> None:
    name = landing.keep("shop", b"ada\nbob\n", ".csv")
    landing.erase("shop", name, b"bob\n", ".csv")
    landing.erase("shop", name, b"bob\n", ".csv")
    left = landing.kept_as("shop", name)
    assert landing.read("shop", name) == b"bob\n"
    assert landing.keep("shop", b"ada\nbob\n", ".csv") == name
    assert landing.names("shop") == [left] and landing.erased("shop") == {name: left}
    landing.erase("shop", left, None, ".csv")
    assert landing.names("shop") == []
    with pytest.raises(LandingRemoved, match="were removed"):
        landing.read("shop", name)


def test_bytes_that_were_erased_while_another_process_stored_them_do_not_stay(landing: Landing) -> None:
    class Slow(Landing):
        """A process that is paused after it has looked for a note."""

        def was_erased(self, usecase: str, name: str) -> bool:
            noted = super().was_erased(usecase, name)
            if not noted:
                landing.files.put(f"landing/{usecase}/{name}.erased", b"")
            return noted

    Slow(landing.files).keep("shop", b"ada", ".csv")
    assert landing.names("shop") == []


def test_results_of_checks_are_kept_by_batch(files: Files) -> None:
    validations = Validations(files)
    validations.keep("shop", "b1", [{"success": True, "column": "größe"}])
    assert validations.read("shop", "b1") == [{"success": True, "column": "größe"}]
    assert validations.names() == ["shop/b1.json"]
    with pytest.raises(ValidationsLost, match=r"of batch b2 are missing: .*validations/shop/b2\.json"):
        validations.read("shop", "b2")
    files.put("validations/shop/b2.json", b"[{")
    with pytest.raises(ValidationsLost, match="of batch b2 are damaged"):
        validations.read("shop", "b2")


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_does_not_exist_is_reported_with_the_setting(tmp_path: Path) -> None:
    files = files_at("s3://nowhere/x", tmp_path)
    for ask in (lambda: Landing(files).keep("shop", b"x", ".csv"), lambda: files.names("landing")):
        with pytest.raises(
            InputError, match="PERENNIAL_FILES_URI: the bucket of s3://nowhere/x does not exist"
        ) as error:
            ask()
        assert (error.value.code, error.value.value) == ("bucket-missing", "s3://nowhere/x")
        assert "Create the bucket" in error.value.fix


@pytest.mark.usefixtures("bucket")
def test_credentials_that_are_refused_and_a_server_that_is_away_have_errors_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(BaseHTTPRequestHandler):
        """Answers every request with 403."""

        def do_PUT(self) -> None:
            self.send_response(403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET = do_PUT

        def log_request(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        files = files_at("s3://lake/x", tmp_path)
        for ask in (
            lambda: files.put("landing/a", b""),
            lambda: files.get("landing/a"),
            lambda: files.names("landing"),
        ):
            with pytest.raises(InputError, match="s3://lake/x does not let this machine in") as refused:
                ask()
            assert refused.value.code == "bucket-refused" and "AWS_ACCESS_KEY_ID" in refused.value.fix
        server.shutdown()
    with pytest.raises(TransientError, match="s3://lake/x does not answer") as away:
        files_at("s3://lake/x", tmp_path).put("landing/a", b"")
    assert away.value.code == "bucket-unreachable"


def test_an_address_that_is_none_is_reported_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PERENNIAL_FILES_URI: is not the address of a bucket") as error:
        files_at("s4://lake", tmp_path).names("landing")
    assert error.value.value == "s4://lake"
