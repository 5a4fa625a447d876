"""The module release_facts: what it says of the releases and of the Python on a host."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from pathlib import Path

_PATH = Path(__file__).parents[2] / "roles" / "ai_service" / "library" / "release_facts.py"
_SPEC = importlib.util.spec_from_file_location("release_facts", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
release_facts = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(release_facts)


def make_release(releases: Path, name: str, finished_at: int | None) -> None:
    """Make a release's folder; without a time it is not finished."""
    (releases / name).mkdir()
    if finished_at is not None:
        (releases / name / "release.json").write_text("{}")
        os.utime(releases / name / "release.json", (finished_at, finished_at))


def test_whole_releases_come_newest_first(tmp_path: Path) -> None:
    """The order is that of being finished, not that of the names."""
    make_release(tmp_path, "b", 100)
    make_release(tmp_path, "a", 200)
    make_release(tmp_path, "c", 50)
    assert release_facts.find_releases(tmp_path, "release.json") == (["a", "b", "c"], [])


def test_folder_without_marker_is_half_made(tmp_path: Path) -> None:
    """What an interrupted run left is never taken for a release."""
    make_release(tmp_path, "whole", 100)
    make_release(tmp_path, "half", None)
    assert release_facts.find_releases(tmp_path, "release.json") == (["whole"], ["half"])


def test_host_without_releases_has_none(tmp_path: Path) -> None:
    """A host that never had the service is no error."""
    assert release_facts.find_releases(tmp_path / "releases", "release.json") == ([], [])


def test_files_beside_the_releases_are_left_out(tmp_path: Path) -> None:
    """Only folders are releases."""
    (tmp_path / "notes.txt").write_text("")
    assert release_facts.find_releases(tmp_path, "release.json") == ([], [])


def test_interpreter_tells_version_and_venv() -> None:
    """The interpreter itself is asked."""
    assert release_facts.probe_python(sys.executable)[0] == platform.python_version()


def test_missing_interpreter_has_no_version() -> None:
    """An interpreter that is not there is reported, not raised."""
    assert release_facts.probe_python("python3.99") == ("", False)


def test_program_that_is_no_python_has_no_version() -> None:
    """A program that runs but is no Python is not taken for one."""
    assert release_facts.probe_python("true") == ("", False)
