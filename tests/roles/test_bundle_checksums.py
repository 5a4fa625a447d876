"""The module bundle_checksums: a bundle is whole, or it is refused by name."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module

if TYPE_CHECKING:
    from pathlib import Path

bundle_checksums = load_plugin("bundle_checksums")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Give a sealed bundle of two files."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "ollama.tar").write_text("image")
    (tmp_path / "wheel.whl").write_text("wheel")
    bundle_checksums.seal(tmp_path)
    return tmp_path


def run(bundle: Path, action: str) -> dict[str, Any]:
    """Run the module."""
    return run_module("bundle_checksums", path=str(bundle), action=action)


def test_sealed_bundle_is_whole(bundle: Path) -> None:
    """The sums of all files come back, by path."""
    assert set(run(bundle, "verify")["files"]) == {"images/ollama.tar", "wheel.whl"}


def test_seal_is_what_sha256sum_reads(bundle: Path) -> None:
    """Anybody can check a bundle without this project."""
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=bundle, check=True, capture_output=True)


def test_interrupted_bundle_is_refused(bundle: Path) -> None:
    """The seal is broken before a bundle is changed, so what an interruption leaves has none."""
    run(bundle, "open")
    result = run(bundle, "verify")
    assert result["failed"]
    assert "is not a whole bundle: SHA256SUMS cannot be read" in result["msg"]


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A wrong path is told as such."""
    assert "No such file" in run(tmp_path / "none", "verify")["msg"]


def test_missing_damaged_and_foreign_files_are_named_at_once(bundle: Path) -> None:
    """All that is wrong is in one message."""
    (bundle / "images" / "ollama.tar").write_text("imago")
    (bundle / "wheel.whl").unlink()
    (bundle / "other.whl").write_text("unchecked")
    with pytest.raises(bundle_checksums.BundleError) as refused:
        bundle_checksums.verify(bundle)
    assert "missing: wheel.whl; damaged: images/ollama.tar; not of the bundle: other.whl" in str(refused.value)


def test_many_files_are_counted(bundle: Path) -> None:
    """A message stays readable where a whole folder is missing."""
    for number in range(9):
        (bundle / f"{number}.whl").touch()
    with pytest.raises(bundle_checksums.BundleError, match=r"4\.whl and 4 more"):
        bundle_checksums.verify(bundle)


def test_empty_bundle_is_not_sealed(tmp_path: Path) -> None:
    """A bundle of nothing would be found whole."""
    assert "is empty" in run(tmp_path, "seal")["msg"]
