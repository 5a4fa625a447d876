"""The module redis_password, on real files. The file's owner is root, so the tests run as root does."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to root")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a place for the password in folders that do not exist."""
    return tmp_path / "alchemorsel" / "secrets" / "redis_password"


def keep(path: Path, **other: Any) -> dict[str, Any]:
    """Run the module."""
    return run_module("redis", "redis_password", path=str(path), **other)


def test_password_is_generated_once(path: Path) -> None:
    """The second run keeps it; only its hash comes back."""
    first, second = keep(path), keep(path)
    password = path.read_text().strip()
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["sha256"] == second["sha256"] == hashlib.sha256(password.encode()).hexdigest()
    assert len(password) >= 43  # 256 bits in base64
    assert password not in str(first)


def test_two_hosts_do_not_share_a_password(tmp_path: Path) -> None:
    """It is generated, not derived."""
    assert keep(tmp_path / "a")["sha256"] != keep(tmp_path / "b")["sha256"]


def test_only_root_may_read_it(path: Path) -> None:
    """The folder is root's only as well; its parent, which others use, is not closed."""
    keep(path)
    modes = [folder.stat().st_mode & 0o777 for folder in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o755]


def test_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    """A path in a folder that others use must not lock them out."""
    tmp_path.chmod(0o755)
    keep(tmp_path / "password")
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_mode_that_somebody_opened_up_is_mended(path: Path) -> None:
    """And reported as a change."""
    keep(path)
    path.chmod(0o644)
    assert keep(path)["changed"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_given_password_replaces_the_one_in_the_file(path: Path) -> None:
    """A rotation in the inventory reaches the host, and the password is in no result."""
    keep(path)
    result = keep(path, password="given-by-the-vault")
    assert result["changed"]
    assert path.read_text() == "given-by-the-vault\n"
    assert "given-by-the-vault" not in str(result)
    assert not keep(path, password="given-by-the-vault")["changed"]


def test_check_mode_writes_nothing(path: Path) -> None:
    """It says that it would."""
    assert keep(path, check_mode=True)["changed"]
    assert not path.parent.parent.exists()
