"""The checksums of the role airgap: a bundle is whole, or it is refused by name."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.roles.role_script import run_script
from tests.roles.templates import evaluate, role_variables

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Create a bundle with checksums of two files."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "ollama.tar").write_text("image")
    (tmp_path / "a wheel.whl").write_text("wheel")
    assert run("checksums", tmp_path).returncode == 0
    return tmp_path


def run(action: str, bundle: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of the role on a bundle."""
    return run_script("airgap", f"{action}.sh", str(bundle))


def test_bundle_with_checksums_is_complete(bundle: Path) -> None:
    """The sums of all files come back, by path."""
    checked = run("verify", bundle)
    assert checked.returncode == 0, checked.stderr
    variables = role_variables("airgap")
    files = evaluate(variables["__airgap_files"], {"__airgap_checksums": {"stdout": checked.stdout}})
    assert set(files) == {"images/ollama.tar", "a wheel.whl"}
    assert files["images/ollama.tar"].startswith("6105d6cc76af400325e94d588ce511be")


def test_sha256sum_reads_the_checksums(bundle: Path) -> None:
    """Anybody can check a bundle without this project."""
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=bundle, check=True, capture_output=True)


def test_interrupted_bundle_is_refused(bundle: Path) -> None:
    """The checksums are removed before a bundle is changed, so what an interruption leaves has none."""
    (bundle / "SHA256SUMS").unlink()
    result = run("verify", bundle)
    assert result.returncode == 1
    assert "is not a whole bundle: SHA256SUMS cannot be read" in result.stderr


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A wrong path is told as such."""
    assert "No such file" in run("verify", tmp_path / "none").stderr


def test_missing_damaged_and_foreign_files_are_named_at_once(bundle: Path) -> None:
    """All that is wrong is in one message."""
    (bundle / "images" / "ollama.tar").write_text("imago")
    (bundle / "a wheel.whl").unlink()
    (bundle / "other.whl").write_text("unchecked")
    result = run("verify", bundle)
    assert result.returncode == 1
    assert "missing: a wheel.whl; damaged: images/ollama.tar; not of the bundle: other.whl. Copy it" in result.stderr


def test_many_files_are_counted(bundle: Path) -> None:
    """A message stays readable where a whole folder is missing."""
    for number in range(9):
        (bundle / f"{number}.whl").touch()
    assert "4.whl and 4 more" in run("verify", bundle).stderr


def test_damaged_checksums_are_refused(bundle: Path) -> None:
    """A line that is none hides no file."""
    with (bundle / "SHA256SUMS").open("a") as sums:
        sums.write("no checksum\n")
    assert "malformed: SHA256SUMS" in run("verify", bundle).stderr


def test_empty_bundle_gets_no_checksums(tmp_path: Path) -> None:
    """A bundle of nothing would be found whole."""
    result = run("checksums", tmp_path)
    assert (result.returncode, "is empty" in result.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
