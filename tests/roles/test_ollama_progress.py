"""The file in which the module ollama_model says how far it is."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin

if TYPE_CHECKING:
    from pathlib import Path

ollama_progress = load_plugin("ollama_progress", "module_utils")


class Clock:
    """Seconds that a test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def held(path: Path) -> dict[str, Any]:
    """Return what a progress file holds."""
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def test_file_is_the_modules_own_and_gone_after_it(tmp_path: Path) -> None:
    """Nobody else reads it, and nothing is left."""
    path = tmp_path / "progress"
    with ollama_progress.ProgressFile(str(path)) as progress:
        progress.report("pulling", 1, 2)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_file_holds_the_last_that_was_told(tmp_path: Path) -> None:
    """Of the same thing no more than two lines a second; what is new at once, whole, whatever was there before it."""
    path, clock = tmp_path / "progress", Clock()
    with ollama_progress.ProgressFile(str(path), clock) as progress:
        progress.report("having it answer")
        progress.report("pulling", 1000, 2000)
        assert held(path) == {"doing": "pulling", "done": 1000, "total": 2000}
        progress.report("pulling", 1500, 2000)
        assert held(path)["done"] == 1000
        clock.now += ollama_progress.WRITE_INTERVAL
        progress.report("pulling", 1600, 2000)
        assert held(path)["done"] == 1600


@pytest.mark.parametrize("taken_by", ["symlink", "hard link"])
def test_name_that_is_taken_is_taken_over_and_nothing_written_through_it(tmp_path: Path, taken_by: str) -> None:
    """A run that was killed leaves its file, which tells of nothing any more; a link of that name is no way out."""
    path, target = tmp_path / "progress", tmp_path / "precious"
    target.write_text("precious")
    if taken_by == "symlink":
        path.symlink_to(target)
    else:
        path.hardlink_to(target)
    with ollama_progress.ProgressFile(str(path)) as progress:
        progress.report("pulling", 1, 2)
        assert held(path)["done"] == 1
    assert target.read_text() == "precious"
    assert not path.exists()


def test_where_no_file_can_be_made_nobody_is_told(tmp_path: Path) -> None:
    """The module does its work all the same."""
    with ollama_progress.ProgressFile(str(tmp_path / "missing" / "progress")) as progress:
        progress.report("pulling", 1, 2)


def test_without_a_file_nobody_is_told() -> None:
    """As when the module is run without its action plugin."""
    with ollama_progress.ProgressFile(None) as progress:
        progress.report("pulling", 1, 2)
