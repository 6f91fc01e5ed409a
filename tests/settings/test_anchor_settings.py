"""Where anchors go is read from the environment, and a place or key inside the home is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perennial.errors import InputError
from perennial.secrets import masked
from perennial.settings import settings


def test_each_place_is_there_once(tmp_path: Path) -> None:
    hook = "https://hooks.example.com/T0/secret-part,with-comma"
    read = settings(
        {
            "PERENNIAL_ANCHORS": f"file:{tmp_path}/a.txt, git:{tmp_path}/repo,{hook},file:///mnt/b.txt,git:{tmp_path}/repo"
        }
    )
    assert read.anchors == (f"file:{tmp_path}/a.txt", f"git:{tmp_path}/repo", hook, "file:/mnt/b.txt")
    assert "secret-part" not in masked(f"{hook} did not answer")
    assert masked(str(tmp_path / "a.txt")) == str(tmp_path / "a.txt")
    assert settings({}).anchors == ()


def test_the_path_of_the_key_is_shown_and_the_key_itself_is_not(tmp_path: Path) -> None:
    file = tmp_path / "ledger-key"
    assert settings({"PERENNIAL_ANCHOR_KEY": str(file)}).anchor_key == file
    assert masked(str(file)) == str(file)
    secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    with pytest.raises(InputError, match="PERENNIAL_ANCHOR_KEY: holds a key, where the path") as raised:
        settings({"PERENNIAL_ANCHOR_KEY": secret})
    assert "AYEKF" not in str(raised.value)


@pytest.mark.parametrize("value", ["a.txt", "file:", "ftp://a/b", "https://", "file:/mnt/a;git:/mnt/b,x:y"])
def test_what_is_no_place_is_refused(value: str) -> None:
    with pytest.raises(InputError, match=r"^PERENNIAL_ANCHORS: .* is not a place for anchors"):
        settings({"PERENNIAL_ANCHORS": value})


@pytest.mark.parametrize("address", ["file:a.txt", "git:repo", "git:../repo"])
def test_a_place_that_depends_on_the_current_folder_is_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"^PERENNIAL_ANCHORS: '.*' depends on the folder that a command runs in"):
        settings({"PERENNIAL_ANCHORS": address})


@pytest.mark.parametrize("name", ["PERENNIAL_ANCHORS", "PERENNIAL_ANCHOR_KEY"])
def test_a_place_inside_the_home_is_refused_however_it_is_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "home", target_is_directory=True)
    for path in ("home/x", "other/../home/x", "link/x"):
        value = f"file:{tmp_path}/{path}" if name == "PERENNIAL_ANCHORS" else f"{tmp_path}/{path}"
        with pytest.raises(InputError, match=f"^{name}: .* is inside the home") as raised:
            settings({"PERENNIAL_HOME": str(tmp_path / "home"), name: value})
        assert raised.value.code == "anchor-in-home"
