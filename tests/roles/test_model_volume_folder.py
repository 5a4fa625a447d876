"""The trial of the role model_volume: a folder that its owner writes in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.roles.role_script import run_script

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

USER = {"owner": str(os.getuid()), "group": str(os.getgid()), "mode": "0755"}
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")


def tried(path: Path, *how: str, **wanted: str) -> subprocess.CompletedProcess[str]:
    """Run the script on a folder, and want it as empty as before."""
    result = run_script("model_volume", "try_folder.sh", str(path), *{**USER, **wanted}.values(), *how)
    assert not path.exists() or list(path.iterdir()) == []
    return result


@needs_root
@pytest.mark.parametrize("named", [{}, {"owner": "root", "group": "root"}])
def test_folder_that_is_as_wanted_is_written_to(tmp_path: Path, named: dict[str, str]) -> None:
    """Its file does not stay; in check mode there is none."""
    tmp_path.chmod(0o755)
    assert tried(tmp_path, "ready", **named).stdout == "settled\nwritten\n"
    assert tried(tmp_path, "look", **named).stdout == "settled\n"


@pytest.mark.parametrize("other", [{"mode": "0700"}, {"mode": "u=rwx"}, {"owner": "59000"}, {"group": "nobody-has-it"}])
def test_folder_that_is_not_as_wanted_is_told(tmp_path: Path, other: dict[str, str]) -> None:
    """It is still to be changed, so nothing is tried."""
    tmp_path.chmod(0o755)
    result = tried(tmp_path, "ready", **other)
    assert (result.returncode, result.stdout) == (0, "")


def test_missing_folder_is_told_and_no_failure_unless_required(tmp_path: Path) -> None:
    """As on a fresh host in check mode."""
    result = tried(tmp_path / "models", "ready")
    assert (result.returncode, result.stdout) == (0, "")
    assert tried(tmp_path / "models").returncode == 1


@needs_root
def test_parent_that_is_closed_to_the_owner_is_a_failure(tmp_path: Path) -> None:
    """Root itself would get through."""
    folder = tmp_path / "closed" / "models"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o755)
    os.chown(folder, 59000, 59000)
    result = tried(folder, owner="59000", group="59000")
    assert (result.returncode, result.stdout) == (1, "settled\n")
    assert "59000:59000 cannot write" in result.stderr
    assert "ermission denied" in result.stderr
