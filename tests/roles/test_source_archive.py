"""The action source_archive: equal sources give equal digests and bytes, and nothing else does."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.roles.ansible_module import load_plugin, run_action

if TYPE_CHECKING:
    from pathlib import Path

source_archive = load_plugin("source_archive", "action")


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, Path]:
    """Give a small package and its requirements."""
    package = tmp_path / "service"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text('"""A package."""\n\n__version__ = "1.2.3"\n')
    (package / "inner" / "__init__.py").write_text("")
    (package / "page.html").write_text("<html>")
    requirements = tmp_path / "pinned.txt"
    requirements.write_text("starlette==1.0\n")
    return package, requirements


def test_archive_holds_package_and_requirements(source: tuple[Path, Path]) -> None:
    """Every file of the package is packed under the package's name, the requirements beside it."""
    files = source_archive.collect(*source)
    with tarfile.open(fileobj=io.BytesIO(source_archive.pack(files))) as archive:
        packed = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]  # regular files only
    assert packed == {
        "requirements.txt": b"starlette==1.0\n",
        "service/__init__.py": b'"""A package."""\n\n__version__ = "1.2.3"\n',
        "service/inner/__init__.py": b"",
        "service/page.html": b"<html>",
    }


def test_times_modes_byte_code_and_hidden_files_change_nothing(source: tuple[Path, Path]) -> None:
    """What does not change what runs changes neither digest nor bytes."""
    before = source_archive.collect(*source)
    package = source[0]
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"code")
    (package / "stale.pyc").write_bytes(b"code")
    (package / ".page.html.swp").write_text("draft")
    os.utime(package / "page.html", (1, 1))
    (package / "page.html").chmod(0o600)
    after = source_archive.collect(*source)
    assert source_archive.digest_of(after) == source_archive.digest_of(before)
    assert source_archive.pack(after) == source_archive.pack(before)


@pytest.mark.parametrize("changed", ["service/page.html", "service/inner/__init__.py", "pinned.txt"])
def test_any_changed_content_changes_the_digest(source: tuple[Path, Path], tmp_path: Path, changed: str) -> None:
    """A change in any file, the requirements included, is another release."""
    before = source_archive.digest_of(source_archive.collect(*source))
    (tmp_path / changed).write_text("changed")
    assert source_archive.digest_of(source_archive.collect(*source)) != before


def test_renamed_file_changes_the_digest(source: tuple[Path, Path]) -> None:
    """Names count, not only contents."""
    before = source_archive.digest_of(source_archive.collect(*source))
    (source[0] / "page.html").rename(source[0] / "index.html")
    assert source_archive.digest_of(source_archive.collect(*source)) != before


def test_border_between_name_and_content_counts() -> None:
    """Two different sets of files never run together into the same bytes."""
    assert source_archive.digest_of({"ab": b"c"}) != source_archive.digest_of({"a": b"bc"})


def test_version_is_what_the_package_says(source: tuple[Path, Path]) -> None:
    """The version is read without running the package."""
    assert source_archive.version_of(source_archive.collect(*source), "service") == "1.2.3"


def test_package_without_version_is_refused(source: tuple[Path, Path]) -> None:
    """A package that says no version gets an error that says what is missing."""
    (source[0] / "__init__.py").write_text("")
    with pytest.raises(source_archive.SourceError, match="no line __version__"):
        source_archive.version_of(source_archive.collect(*source), "service")


def test_folder_that_is_no_package_is_refused(tmp_path: Path, source: tuple[Path, Path]) -> None:
    """A wrong path is told, not packed."""
    with pytest.raises(source_archive.SourceError, match="has no __init__"):
        source_archive.collect(tmp_path, source[1])


def test_missing_requirements_are_refused(tmp_path: Path, source: tuple[Path, Path]) -> None:
    """A release without its requirements could not run."""
    with pytest.raises(source_archive.SourceError, match="is not a file"):
        source_archive.collect(source[0], tmp_path / "nowhere.txt")


def test_wheels_are_packed_beside_the_package(tmp_path: Path, source: tuple[Path, Path]) -> None:
    """A host that reaches no index finds its wheels in the archive; other files of the folder stay behind."""
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "starlette-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (tmp_path / "house" / "SHA256SUMS").write_bytes(b"sums")
    assert source_archive.collect_wheels(tmp_path / "house") == {"wheels/starlette-1.0-py3-none-any.whl": b"wheel"}
    params = {"package": str(source[0]), "requirements": str(source[1]), "dest": str(tmp_path / "source.tar.gz")}
    result = run_action("source_archive", wheelhouse=str(tmp_path / "house"), **params)
    with tarfile.open(tmp_path / "source.tar.gz") as archive:
        assert "wheels/starlette-1.0-py3-none-any.whl" in archive.getnames()
    assert result["digest"] == run_action("source_archive", **params)["digest"]


@pytest.mark.parametrize("folder", ["house", "nowhere"])
def test_wheelhouse_without_wheels_is_refused(tmp_path: Path, source: tuple[Path, Path], folder: str) -> None:
    """An empty or wrong folder is told before anything is built."""
    (tmp_path / "house").mkdir()
    result = run_action(
        "source_archive",
        package=str(source[0]),
        requirements=str(source[1]),
        wheelhouse=str(tmp_path / folder),
    )
    assert result["failed"]
    assert "has no wheels" in result["msg"]


def test_check_mode_describes_and_writes_nothing(tmp_path: Path, source: tuple[Path, Path]) -> None:
    """The release that would be built has the name that it will have."""
    params = {"package": str(source[0]), "requirements": str(source[1])}
    packed = {**params, "dest": str(tmp_path / "source.tar.gz")}
    told = run_action("source_archive", check_mode=True, **packed)
    assert not (tmp_path / "source.tar.gz").exists()
    assert told == {**run_action("source_archive", **params), "changed": True}
