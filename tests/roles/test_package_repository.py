"""The module package_repository: what apt is asked, and an index that apt accepts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.roles.ansible_module import load_plugin

package_repository = load_plugin("package_repository")


def test_apt_solves_for_a_machine_that_has_nothing() -> None:
    """What this host has installed already must be downloaded too: another host may lack it."""
    arguments = package_repository.apt_arguments(Path("/work"), ["docker.io"])
    assert "Dir::State::status=/work/status" in arguments
    assert "Dir::Cache::archives=/work" in arguments
    assert arguments[-2:] == ["install", "docker.io"]
    assert "--download-only" in arguments


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
