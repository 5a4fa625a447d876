"""The module package_repository: what apt is asked, and an index that apt accepts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.roles.ansible_module import load_plugin, run_module

if TYPE_CHECKING:
    import pytest

package_repository = load_plugin("package_repository")
FAKE_APT = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *--simulate*) printf 'Inst tiny (1 stable [all])\\nInst needed (2 stable [all])\\nConf tiny (1 stable [all])\\n' ;;
esac
"""


def test_apt_solves_for_a_machine_that_has_nothing() -> None:
    """What this host has installed already must be downloaded too: another host may lack it."""
    arguments = package_repository.apt(Path("/work"), "--download-only", "install", "docker.io")
    assert "Dir::State::status=/work/status" in arguments
    assert "Dir::Cache::archives=/work" in arguments
    assert arguments[-3:] == ["--download-only", "install", "docker.io"]


def test_entry_says_where_the_package_is_and_what_it_must_be(tmp_path: Path) -> None:
    """Apt refuses a package whose size or digest differs from its entry."""
    package = tmp_path / "tiny_1_all.deb"
    package.write_bytes(b"package")
    digest = hashlib.sha256(b"package").hexdigest()
    assert package_repository.stanza("Package: tiny\nVersion: 1\n", package) == (
        f"Package: tiny\nVersion: 1\nFilename: ./tiny_1_all.deb\nSize: 7\nSHA256: {digest}\n"
    )


def test_release_vouches_for_the_index() -> None:
    """The index is checked by the Release file as a package is by the index."""
    text = package_repository.release(b"index")
    assert f" {hashlib.sha256(b'index').hexdigest()} 5 Packages\n" in text
    assert text.startswith("Date: ")


def test_check_mode_solves_the_packages_and_downloads_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how many there would be; the folder of the archive need not exist."""
    program, log = tmp_path / "apt-get", tmp_path / "log"
    program.write_text(FAKE_APT.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    result = run_module(
        "package_repository", check_mode=True, path=str(tmp_path / "none/packages.tar"), packages=["tiny"]
    )
    assert (result["changed"], result["files"]) == (True, 2)
    assert "--download-only" not in log.read_text()
    assert not (tmp_path / "none").exists()
