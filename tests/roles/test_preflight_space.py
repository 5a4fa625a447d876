"""The measuring of space, on real files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ansible_collections.alchemorsel.ai.plugins.module_utils.preflight_space import (
    allocated_bytes,
    measure,
    nearest_existing_parent,
)

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path


def test_path_that_does_not_exist_is_measured_where_it_would_lie(tmp_path: Path) -> None:
    """The nearest existing parent's file system counts."""
    missing = tmp_path / "srv" / "models"
    assert nearest_existing_parent(missing) == tmp_path
    space = measure(missing)
    file_system = os.statvfs(tmp_path)
    assert space["existing_parent"] == str(tmp_path)
    assert space["used_bytes"] == 0
    assert 0 < space["free_bytes"] <= file_system.f_blocks * file_system.f_frsize


def test_what_the_folder_holds_is_counted(tmp_path: Path) -> None:
    """Files in subfolders count, a hard link only once."""
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    before = allocated_bytes(tmp_path)
    (blobs / "weights").write_bytes(b"x" * 300_000)
    once = allocated_bytes(tmp_path)
    assert once - before >= 300_000
    (blobs / "again").hardlink_to(blobs / "weights")
    assert allocated_bytes(tmp_path) == once


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    """A link to something large does not make the folder large."""
    large = tmp_path / "large"
    large.write_bytes(b"x" * 300_000)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(large)
    assert allocated_bytes(folder) < 300_000


def test_file_in_the_way_is_said_to_be_no_directory(tmp_path: Path) -> None:
    """A file where a folder should be made is recognised."""
    (tmp_path / "file").touch()
    assert not measure(tmp_path / "file" / "models")["is_directory"]


def test_module_answers_in_check_mode_as_well(tmp_path: Path) -> None:
    """Reading is the same in check mode, and never a change."""
    result = run_module("preflight_facts", check_mode=True, paths=[str(tmp_path)])
    assert result["changed"] is False
    assert result["spaces"][0]["path"] == str(tmp_path)


def test_relative_path_is_refused() -> None:
    """A path that would depend on the working directory is an error."""
    result = run_module("preflight_facts", paths=["models"])
    assert result["failed"]
    assert "absolute" in result["msg"]


def test_what_a_path_holds_is_not_counted_where_enough_is_free(tmp_path: Path) -> None:
    """A data root has hundreds of thousands of files."""
    (tmp_path / "layer").write_bytes(b"x" * 300_000)
    assert measure(tmp_path, enough_bytes=0)["used_bytes"] == 0
    assert measure(tmp_path, enough_bytes=2**62)["used_bytes"] >= 300_000


def test_module_measures_the_engines_data_root_last(tmp_path: Path) -> None:
    """Where it was asked for."""
    told = run_module("preflight_facts", paths=[str(tmp_path)], file_systems=["/var/lib"], data_root="/srv/docker")
    assert [space["path"] for space in told["spaces"]] == [str(tmp_path), "/var/lib", "/srv/docker"]
    assert told["data_root"] == "/srv/docker"
    assert run_module("preflight_facts")["data_root"] is None
