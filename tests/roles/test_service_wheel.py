"""The action service_wheel: equal sources give equal releases, and what cannot be installed is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.roles.ansible_module import run_action

ROOT = Path(__file__).parents[2]
NAME = "alchemorsel_ai-1.2.3-py3-none-any.whl"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Give a small package with the checkout's own build settings, and requirements beside it."""
    package = tmp_path / "ai_service"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text('"""A package."""\n\n__version__ = "1.2.3"\n')
    (package / "inner" / "page.html").write_text("<html>")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "pinned.txt").write_text("starlette==1.0\n")
    return package


def run(source: Path, **arguments: Any) -> dict[str, Any]:
    """Run the action for a host with Python 3.11.2."""
    given = {"requirements": str(source.parent / "pinned.txt"), "python_version": "3.11.2", **arguments}
    return run_action("service_wheel", source=str(source), **given)


def unpack(archive: Path) -> dict[str, bytes]:
    """Return the contents of an archive's files, by name."""
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as opened:
        for name in opened.getnames():
            file = opened.extractfile(name)
            assert file is not None, f"{name} is not a regular file"
            files[name] = file.read()
    return files


def test_wheel_is_described_by_version_and_python(source: Path) -> None:
    """The version is the package's own; whether the host's Python fits is the wheel's to say."""
    described = run(source)
    assert (described["version"], described["requires_python"], described["fits_python"]) == ("1.2.3", ">=3.11", True)
    assert not described["changed"]


@pytest.mark.parametrize(
    ("python_version", "fits"), [("3.10.12", False), ("3.13.5", True), ("3.15.0b2", True), ("", False)]
)
def test_python_that_the_wheel_does_not_support_is_found(source: Path, python_version: str, fits: bool) -> None:
    """The play ends with it before anything is installed."""
    assert run(source, python_version=python_version)["fits_python"] is fits


def test_place_times_modes_byte_code_and_hidden_files_change_nothing(source: Path, tmp_path: Path) -> None:
    """What does not change what runs makes no other release: not even the wheel's bytes differ."""
    before = run(source, dest=str(tmp_path / "before.tar"))
    other = tmp_path / "elsewhere" / "ai_service"
    shutil.copytree(source.parent, other.parent, ignore=shutil.ignore_patterns("elsewhere", "*.tar"))
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"code")
    (other / "stale.pyc").write_bytes(b"code")
    (other / ".page.html.swp").write_text("draft")
    (other.parent / ".gitignore").write_text("*.html\n")
    os.utime(other / "inner" / "page.html", (1, 1))
    (other / "inner" / "page.html").chmod(0o600)
    after = run(other, dest=str(tmp_path / "after.tar"))
    assert after == before
    assert unpack(tmp_path / "after.tar") == unpack(tmp_path / "before.tar")


@pytest.mark.parametrize("changed", ["ai_service/inner/page.html", "ai_service/new.py", "pinned.txt", "pyproject.toml"])
def test_any_changed_content_changes_the_digest(source: Path, changed: str) -> None:
    """A change in a file, in the requirements or in what the wheel says of itself is another release."""
    before = run(source)["digest"]
    path = source.parent / changed
    path.write_text((path.read_text() if path.exists() else "").replace("Alchemorsel:", "cooks:") + "# changed\n")
    if changed == "pyproject.toml":
        assert "cooks:" in path.read_text()
    assert run(source)["digest"] != before


def test_archive_holds_the_wheel_by_its_hash_and_the_requirements(source: Path, tmp_path: Path) -> None:
    """So that pip checks the service's own wheel as it checks the others."""
    packed = run(source, dest=str(tmp_path / "release.tar"))
    files = unpack(tmp_path / "release.tar")
    assert packed == {**run(source), "changed": True}
    assert set(files) == {"requirements.txt", "wheels/service.txt", f"wheels/{NAME}"}
    assert files["requirements.txt"] == b"starlette==1.0\n"
    digest = hashlib.sha256(files[f"wheels/{NAME}"]).hexdigest()
    assert files["wheels/service.txt"].decode() == f"./wheels/{NAME} --hash=sha256:{digest}\n"


def test_wheelhouse_is_packed_and_makes_no_other_release(source: Path, tmp_path: Path) -> None:
    """A host that reaches no index finds its wheels in the archive; other files of the folder stay behind."""
    house = tmp_path / "house"
    house.mkdir()
    (house / "starlette-1.0-py3-none-any.whl").write_bytes(b"wheel")
    (house / "SHA256SUMS").write_bytes(b"sums")
    packed = run(source, wheelhouse=str(house), dest=str(tmp_path / "release.tar"))
    assert unpack(tmp_path / "release.tar")["wheels/starlette-1.0-py3-none-any.whl"] == b"wheel"
    assert "wheels/SHA256SUMS" not in unpack(tmp_path / "release.tar")
    assert packed["digest"] == run(source)["digest"]


def test_prebuilt_wheel_stands_in_for_sources(source: Path, tmp_path: Path) -> None:
    """A collection brings no sources, and the release is the one that its sources would be."""
    run(source, dest=str(tmp_path / "release.tar"))
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / NAME).write_bytes(unpack(tmp_path / "release.tar")[f"wheels/{NAME}"])
    installed = tmp_path / "collection" / "ai_service"
    requirements = str(tmp_path / "pinned.txt")
    assert run(installed, prebuilt=str(dist), requirements=requirements) == run(source)


def test_sources_go_before_a_prebuilt_wheel(source: Path, tmp_path: Path) -> None:
    """What a checkout deploys is what it holds, not what was built of it once."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "alchemorsel_ai-1.0-py3-none-any.whl").write_bytes(b"old")
    assert run(source, prebuilt=str(tmp_path / "dist"))["version"] == "1.2.3"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda source: (source / "__init__.py").write_text(""), "cannot be built: "),
        (lambda source: (source.parent / "pyproject.toml").write_text("[project"), "cannot be built: "),
        (lambda source: (source.parent / "pyproject.toml").unlink(), "is not a package with pyproject.toml beside it"),
        (shutil.rmtree, "is not a package with pyproject.toml beside it"),
        (lambda source: (source.parent / "pinned.txt").unlink(), "No such file or directory"),
    ],
)
def test_what_is_no_source_is_refused_in_one_line(source: Path, made: Any, told: str) -> None:
    """A wrong path or a broken package is told, not packed."""
    made(source)
    result = run(source)
    assert result["failed"]
    assert told in result["msg"]
    assert "\n" not in result["msg"]


@pytest.mark.parametrize(
    ("wheels", "told"),
    [("", "has 0 wheels instead of one"), ("ab", "has 2 wheels instead of one"), ("a", "is not a wheel")],
)
def test_prebuilt_wheel_that_is_none_is_refused(source: Path, tmp_path: Path, wheels: str, told: str) -> None:
    """Neither several are guessed from, nor is a damaged one packed."""
    (tmp_path / "dist").mkdir()
    for name in wheels:
        (tmp_path / "dist" / f"{name}.whl").write_bytes(b"damaged")
    (tmp_path / "pyproject.toml").unlink()
    result = run(source, prebuilt=str(tmp_path / "dist"))
    assert result["failed"]
    assert told in result["msg"]


@pytest.mark.parametrize("folder", ["house", "nowhere"])
def test_wheelhouse_without_wheels_is_refused(source: Path, tmp_path: Path, folder: str) -> None:
    """An empty or wrong folder is told before anything is built."""
    (tmp_path / "house").mkdir()
    result = run(source, wheelhouse=str(tmp_path / folder))
    assert result["failed"]
    assert "has no wheels" in result["msg"]


def test_control_node_without_hatchling_is_told_what_to_do(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Ansible of the distribution has none."""
    monkeypatch.setitem(sys.modules, "hatchling.build", None)
    result = run(source)
    assert result["failed"]
    assert "Ansible's Python has no hatchling.build, which builds the service's wheel" in result["msg"]
    assert f"`make setup` in {source.parent} makes an Ansible with it" in result["msg"]


def test_check_mode_describes_and_writes_nothing(source: Path, tmp_path: Path) -> None:
    """The release that would be built has the name that it will have."""
    told = run(source, check_mode=True, dest=str(tmp_path / "release.tar"))
    assert told == {**run(source), "changed": True}
    assert {path.name for path in tmp_path.iterdir()} == {"ai_service", "pinned.txt", "pyproject.toml"}
