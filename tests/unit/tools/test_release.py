"""A release is built from what is committed, and says the same version everywhere."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tools import release
from tools.release import NOTES, SUMS, ReleaseError, mismatches, require_releasable, sections, version, write_sums

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2026-11-30

### Upgrade notes
Do this.

## [1.2.2] - 2026-01-01
- Before.
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a committed tree of version 1.2.3."""
    (tmp_path / "ai_service").mkdir()
    (tmp_path / "ai_service/__init__.py").write_text('"""Service."""\n\n__version__ = "1.2.3"\n')
    (tmp_path / "galaxy.yml").write_text("version: 1.2.3\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "x")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *arguments], cwd=folder, timeout=60, check=True)


def test_a_committed_tree_of_one_version_is_released(checkout: Path) -> None:
    """Nothing is in the way."""
    require_releasable(checkout)
    assert version(checkout) == "1.2.3"


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("new.txt", "x", "not committed: new.txt"),
        ("galaxy.yml", "version: 1.2.2\n", "galaxy.yml: version 1.2.2, but ai_service/__init__.py says 1.2.3"),
        ("CHANGELOG.md", CHANGELOG.replace("d]\n", "d]\n- New.\n"), "[Unreleased] is not empty"),
        ("CHANGELOG.md", CHANGELOG.replace("1.2.3", "1.3.0"), "the newest release is 1.3.0, not 1.2.3"),
        ("CHANGELOG.md", CHANGELOG.replace(" - 2026-11-30", ""), "[1.2.3] has no date"),
        ("CHANGELOG.md", CHANGELOG.replace(" - 2026-11-30", " - soon"), "[1.2.3] has no date"),
        ("CHANGELOG.md", CHANGELOG.replace("### Upgrade notes\nDo this.\n", ""), "[1.2.3] is empty"),
        ("ai_service/__init__.py", '__version__ = "1.2"\n', "not of the form 1.2.3"),
    ],
)
def test_what_is_in_the_way_is_named(checkout: Path, file: str, text: str, problem: str) -> None:
    """A dirty tree, another version, a changelog that does not know of it."""
    (checkout / file).write_text(text)
    with pytest.raises(ReleaseError) as refused:
        require_releasable(checkout)
    assert problem in str(refused.value)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path, checkout: Path) -> None:
    """There is no telling what it holds."""
    (checkout / ".git").rename(tmp_path / "moved")
    with pytest.raises(ReleaseError, match="Not a git checkout"):
        require_releasable(checkout)


def test_checksums_hold_and_notes_are_the_versions_own(tmp_path: Path, checkout: Path) -> None:
    """As `sha256sum --check` reads them; a file that is missing is named."""
    dist = tmp_path / "dist"
    dist.mkdir()
    with pytest.raises(ReleaseError, match=r"alchemorsel_ai-1.2.3-py3-none-any.whl, alchemorsel-ai-1.2.3.tar.gz"):
        write_sums(dist, "1.2.3", "")
    for name in ("alchemorsel_ai-1.2.3-py3-none-any.whl", "alchemorsel-ai-1.2.3.tar.gz"):
        (dist / name).write_text(name)
    write_sums(dist, "1.2.3", sections(checkout)["1.2.3"][1])
    subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=dist, timeout=60, check=True)
    notes = (dist / NOTES).read_text()
    assert "Do this." in notes
    assert "Before." not in notes


def test_this_checkout_says_one_version() -> None:
    """Service, collection and changelog; lines that are not released yet do not hinder work, only a release."""
    assert [problem for problem in mismatches(release.ROOT) if "[Unreleased] is not empty" not in problem] == []
