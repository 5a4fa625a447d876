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


def keep(path: Path, *, password: str = "", renew: bool = False, **other: Any) -> dict[str, Any]:
    """Run the module for one user."""
    users = [{"name": "alchemorsel", "path": str(path), "password": password, "renew": renew}]
    return run_module("redis_password", users=users, **other)


def digests(result: dict[str, Any]) -> list[str]:
    """Return what the one user may log in with."""
    found: list[str] = result["sha256"]["alchemorsel"]
    return found


def sha256(text: str) -> str:
    """Return a digest as Redis writes it."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_password_is_generated_once(path: Path) -> None:
    """The second run keeps it; only its hash comes back."""
    first, second = keep(path), keep(path)
    password = path.read_text().strip()
    assert (first["changed"], second["changed"]) == (True, False)
    assert digests(first) == digests(second) == [sha256(password)]
    assert len(password) >= 43  # 256 bits in base64
    assert password not in str(first)


def test_two_hosts_do_not_share_a_password(tmp_path: Path) -> None:
    """It is generated, not derived."""
    assert digests(keep(tmp_path / "a")) != digests(keep(tmp_path / "b"))


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


def test_former_password_is_valid_while_clients_change_over(path: Path) -> None:
    """Its digest stays beside the new one for as long as an overlap is wanted, and then goes."""
    keep(path, password="the-former-password")
    both = [sha256("the-latter-password"), sha256("the-former-password")]
    assert digests(keep(path, password="the-latter-password", overlap=True)) == both
    again = keep(path, password="the-latter-password", overlap=True)
    assert (digests(again), again["changed"]) == (both, False)
    after = keep(path, password="the-latter-password")
    assert (digests(after), after["changed"]) == (both[:1], True)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert not keep(path, password="the-latter-password")["changed"]


def test_former_password_itself_is_kept_nowhere(path: Path) -> None:
    """The file beside it holds a digest, for root's eyes only."""
    keep(path, password="the-former-password")
    keep(path, password="the-latter-password", overlap=True)
    former = path.with_name("redis_password.former")
    assert former.read_text().strip() == sha256("the-former-password")
    assert former.stat().st_mode & 0o777 == 0o600


def test_renewed_password_is_another_one(path: Path) -> None:
    """Generated ones are renewed; one that is given is the giver's to change."""
    before = digests(keep(path))
    renewed = digests(keep(path, renew=True, overlap=True))
    assert renewed[1:] == before
    assert renewed[0] != before[0]
    assert digests(keep(path, password="given-by-the-vault", renew=True)) == [sha256("given-by-the-vault")]


def test_renewal_that_was_cut_off_goes_on_with_the_same_password(path: Path) -> None:
    """A second renewal would shut out the clients that still have the first password."""
    keep(path)
    renewed = digests(keep(path, renew=True, overlap=True))
    assert digests(keep(path, renew=True, overlap=True)) == renewed


def test_each_user_has_a_password_of_its_own(tmp_path: Path) -> None:
    """One look for all of them."""
    users = [{"name": name, "path": str(tmp_path / name)} for name in ("alchemorsel", "exporter")]
    result = run_module("redis_password", users=users)
    assert {name: [sha256((tmp_path / name).read_text().strip())] for name in ("alchemorsel", "exporter")} == result[
        "sha256"
    ]
