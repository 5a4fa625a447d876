"""The module model_volume_selftest: a folder that its owner writes in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

USER = {"owner": str(os.getuid()), "group": str(os.getgid()), "mode": "0755"}
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")


def tried(path: Path, **options: Any) -> dict[str, Any]:
    """Run the module on a folder, and want it as empty as before."""
    told = run_module("model_volume_selftest", path=str(path), **{**USER, **options})
    assert not path.exists() or list(path.iterdir()) == []
    assert told["changed"] is False
    return told


@needs_root
def test_folder_that_is_as_wanted_is_written_to(tmp_path: Path) -> None:
    """Its file does not stay; in check mode there is none."""
    tmp_path.chmod(0o755)
    told, looked = tried(tmp_path), tried(tmp_path, check_mode=True)
    assert (told["settled"], told["written"]) == (True, True)
    assert (looked["settled"], looked["written"]) == (True, False)


@pytest.mark.parametrize("other", [{"mode": "0700"}, {"mode": "u=rwx"}, {"owner": "59000"}, {"group": "nobody-has-it"}])
def test_folder_that_is_not_as_wanted_is_told(tmp_path: Path, other: dict[str, str]) -> None:
    """It is still to be changed, so nothing is tried."""
    tmp_path.chmod(0o755)
    told = tried(tmp_path, **other)
    assert (told["settled"], told["written"]) == (False, False)


def test_missing_folder_is_told_and_no_failure_unless_required(tmp_path: Path) -> None:
    """As on a fresh host in check mode."""
    told = tried(tmp_path / "models")
    assert (told["settled"], told["written"], told.get("failed")) == (False, False, None)
    assert tried(tmp_path / "models", required=True)["failed"]


@needs_root
def test_parent_that_is_closed_to_the_owner_is_a_failure_where_required(tmp_path: Path) -> None:
    """Root itself would get through."""
    folder = tmp_path / "closed" / "models"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o755)
    os.chown(folder, 59000, 59000)
    someone = {"owner": "59000", "group": "59000"}
    told = tried(folder, **someone)
    assert (told["settled"], told["written"]) == (True, False)
    required = tried(folder, required=True, **someone)
    assert required["failed"]
    assert "59000:59000 cannot write" in required["msg"]
    assert "ermission denied" in required["msg"]
