"""The module config_files: a set of folders and files in one round trip, whole or not at all."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING, Any

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def have(*, files: list[dict[str, Any]], folders: list[dict[str, Any]] | None = None, **options: Any) -> dict[str, Any]:
    """Run the module on paths that belong to whoever runs the tests."""
    return run_module(
        "config_files",
        folders=[{**OWN, **folder} for folder in folders or []],
        files=[{**OWN, **file} for file in files],
        **options,
    )


def test_folders_and_files_are_made_once(tmp_path: Path) -> None:
    """Missing parents too; the second time nothing is changed."""
    folder, file = tmp_path / "a" / "b", tmp_path / "a" / "b" / "settings"
    wanted: dict[str, Any] = {
        "folders": [{"path": str(folder), "mode": "0700"}],
        "files": [{"path": str(file), "content": "one\n", "mode": "0640"}],
    }
    made = have(**wanted)
    assert made["paths"] == [str(folder), str(file)]
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("one\n", 0o640)
    assert (folder.stat().st_mode & 0o777, folder.parent.stat().st_mode & 0o777) == (0o700, 0o755)
    again = have(**wanted)
    assert (again["changed"], again["paths"], again["diff"]) == (False, [], [])


def test_check_mode_changes_nothing_and_shows_all(tmp_path: Path) -> None:
    """On a host where neither folder nor owner is there yet, too."""
    file = tmp_path / "new" / "settings"
    told = run_module(
        "config_files",
        check_mode=True,
        folders=[{"path": str(file.parent)}],
        files=[{"path": str(file), "content": "one\n", "group": "not-yet-there", "validate": "not-yet-there %s"}],
    )
    assert told["changed"]
    assert told["paths"] == [str(file.parent), str(file)]
    assert told["diff"][1]["after"] == "one\n"
    assert not file.parent.exists()


def test_one_refused_file_keeps_all_from_being_replaced(tmp_path: Path) -> None:
    """The program's own words are told, and the set stays as it was."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old\n")
    told = have(
        files=[
            {"path": str(first), "content": "new\n"},
            {"path": str(second), "content": "wrong\n", "validate": "grep --no-messages right %s"},
        ]
    )
    assert told["failed"]
    assert str(second) in told["msg"]
    assert first.read_text() == "old\n"
    assert not second.exists()


def test_validation_sees_the_new_content(tmp_path: Path) -> None:
    """What is accepted is what will be there."""
    file = tmp_path / "settings"
    assert have(files=[{"path": str(file), "content": "right\n", "validate": "grep right %s"}])["changed"]
    assert file.read_text() == "right\n"


def test_replaced_content_is_kept_where_asked_to(tmp_path: Path) -> None:
    """The first content replaces nothing, so there is nothing to keep."""
    file = tmp_path / "settings"
    assert have(files=[{"path": str(file), "content": "old\n", "backup": True}])["backups"] == {}
    kept = have(files=[{"path": str(file), "content": "new\n", "backup": True}])["backups"]
    assert [(path, os.path.basename(kept[path])[:9]) for path in kept] == [(str(file), "settings.")]  # noqa: PTH119 - a string
    with open(kept[str(file)], encoding="utf-8") as backup:  # noqa: PTH123 - a string
        assert backup.read() == "old\n"


def test_secret_is_written_and_shown_nowhere(tmp_path: Path) -> None:
    """Neither in the diff nor in what the module says it was given."""
    file = tmp_path / "password"
    told = have(files=[{"path": str(file), "secret": "hunter2-and-more\n", "mode": "0600"}])
    assert file.read_text() == "hunter2-and-more\n"
    assert "hunter2" not in str(told)
    assert told["diff"][0]["after"] == "a secret\n"


def test_mode_alone_is_a_change_and_is_shown(tmp_path: Path) -> None:
    """What somebody opened up is closed again."""
    file = tmp_path / "password"
    file.write_text("kept\n")
    file.chmod(0o644)
    told = have(files=[{"path": str(file), "content": "kept\n", "mode": "0600"}])
    assert told["paths"] == [str(file)]
    assert (told["diff"][0]["before"]["mode"], told["diff"][0]["after"]["mode"]) == ("0644", "0600")
    assert file.stat().st_mode & 0o777 == 0o600


def test_folder_in_a_files_place_is_refused(tmp_path: Path) -> None:
    """And a file in a folder's; nothing is deleted to make room."""
    (tmp_path / "settings").mkdir()
    (tmp_path / "folder").write_text("")
    assert "is a folder" in have(files=[{"path": str(tmp_path / "settings"), "content": ""}])["msg"]
    assert "is a file" in have(files=[], folders=[{"path": str(tmp_path / "folder")}])["msg"]


def test_content_and_secret_exclude_each_other(tmp_path: Path) -> None:
    """One of them is needed."""
    path = str(tmp_path / "settings")
    assert have(files=[{"path": path}])["failed"]
    assert have(files=[{"path": path, "content": "a", "secret": "b"}])["failed"]


def test_file_that_is_only_compared_is_shown_and_left_as_it_is(tmp_path: Path) -> None:
    """Content and mode; the others of its set are written, and it is not validated yet."""
    written, compared, opened = tmp_path / "written", tmp_path / "compared", tmp_path / "opened"
    for path in (compared, opened):
        path.write_text("old\n")
        path.chmod(0o644)
    told = have(
        files=[
            {"path": str(written), "content": "new\n"},
            {"path": str(compared), "content": "new\n", "validate": "false %s", "only_compare": True},
            {"path": str(opened), "content": "old\n", "mode": "0600", "only_compare": True},
        ]
    )
    assert told["paths"] == [str(written), str(compared), str(opened)]
    assert [diff["after"] for diff in told["diff"][:2]] == ["new\n", "new\n"]
    assert [path.read_text() for path in (written, compared, opened)] == ["new\n", "old\n", "old\n"]
    assert (opened.stat().st_mode & 0o777, sorted(tmp_path.iterdir())) == (0o644, [compared, opened, written])
