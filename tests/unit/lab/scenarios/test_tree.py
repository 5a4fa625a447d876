"""A tree's fingerprint follows every file that scenarios run from, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.command import run
from lab.scenarios.tree import Tree, is_in_history

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a role, a page and one commit."""
    for name in ("roles/redis/tasks.yml", "docs/roles.md", "README.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("first\n")
    (tmp_path / ".gitignore").write_text("/.lab\n")
    run(["git", "init", "--quiet"], timeout_s=60, cwd=tmp_path)
    commit_all(tmp_path)
    return tmp_path


def commit_all(checkout: Path) -> None:
    """Commit what there is, also where nothing changed."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    run(["git", "add", "."], timeout_s=60, cwd=checkout)
    run(["git", *who, "commit", "--quiet", "--allow-empty", "--message", "Change"], timeout_s=60, cwd=checkout)


def test_commit_is_clean(checkout: Path) -> None:
    """And its revision is told in full."""
    tree = Tree.here(checkout)
    assert tree.is_clean
    assert len(tree.revision) == 40


@pytest.mark.parametrize("name", ["roles/redis/tasks.yml", "roles/redis/new.yml"])
def test_file_of_a_role_changes_it(checkout: Path, name: str) -> None:
    """Committed before or not; taken back, it is the same tree again."""
    before = Tree.here(checkout)
    (checkout / name).write_text("second\n")
    changed = Tree.here(checkout)
    assert not changed.is_clean
    assert changed.fingerprint != before.fingerprint
    run(["git", "reset", "--quiet", "--hard"], timeout_s=60, cwd=checkout)
    run(["git", "clean", "--quiet", "--force"], timeout_s=60, cwd=checkout)
    assert Tree.here(checkout) == before


@pytest.mark.parametrize("name", ["docs/roles.md", "README.md", "roles/README.md", ".lab/scenarios/run.json"])
def test_documents_and_ignored_files_do_not(checkout: Path, name: str) -> None:
    """A page that tells of the runs does not void them."""
    before = Tree.here(checkout)
    file = checkout / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("second\n")
    assert Tree.here(checkout) == before


def test_looking_touches_nothing(checkout: Path) -> None:
    """What is staged and what is not stays as it was."""
    (checkout / "roles/redis/new.yml").write_text("second\n")
    before = run(["git", "status", "--porcelain"], timeout_s=60, cwd=checkout)
    Tree.here(checkout)
    assert run(["git", "status", "--porcelain"], timeout_s=60, cwd=checkout) == before


def test_history_is_what_led_to_the_commit(checkout: Path) -> None:
    """Not a branch beside it, and no revision that nobody has."""
    first = Tree.here(checkout).revision
    commit_all(checkout)
    second = Tree.here(checkout).revision
    assert first != second
    assert is_in_history(first, checkout)
    run(["git", "reset", "--quiet", "--hard", first], timeout_s=60, cwd=checkout)
    assert is_in_history(first, checkout)
    assert not is_in_history(second, checkout)
    assert not is_in_history("0" * 40, checkout)


def test_folder_without_git_has_no_revision(tmp_path: Path) -> None:
    """An unpacked archive can be tested all the same."""
    assert Tree.here(tmp_path) == Tree(revision="", is_clean=False, fingerprint="")
