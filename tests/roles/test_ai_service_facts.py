"""The module ai_service_facts: what it says of a host's releases, Python and credentials."""

from __future__ import annotations

import os
import platform
import pwd
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ai_service_facts = load_plugin("ai_service_facts")


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
    assert ai_service_facts.find_releases(tmp_path) == (["a", "b", "c"], [])


def test_folder_without_marker_is_half_made(tmp_path: Path) -> None:
    """What an interrupted run left is never taken for a release."""
    make_release(tmp_path, "whole", 100)
    make_release(tmp_path, "half", None)
    assert ai_service_facts.find_releases(tmp_path) == (["whole"], ["half"])


def test_host_without_releases_has_none(tmp_path: Path) -> None:
    """A host that never had the service is no error."""
    assert ai_service_facts.find_releases(tmp_path / "releases") == ([], [])


def test_files_beside_the_releases_are_left_out(tmp_path: Path) -> None:
    """Only folders are releases."""
    (tmp_path / "notes.txt").write_text("")
    assert ai_service_facts.find_releases(tmp_path) == ([], [])


def test_interpreter_tells_version_and_venv() -> None:
    """The interpreter itself is asked."""
    assert ai_service_facts.probe_python(sys.executable)[0] == platform.python_version()


def test_another_interpreter_is_asked_itself(tmp_path: Path) -> None:
    """Not the one that runs the module."""
    other = tmp_path / "python4"
    other.write_text("#!/bin/sh\necho '[\"4.0.1\", false]'\n")
    other.chmod(0o755)
    assert ai_service_facts.probe_python(str(other)) == ("4.0.1", False)


def test_missing_interpreter_has_no_version() -> None:
    """An interpreter that is not there is reported, not raised."""
    assert ai_service_facts.probe_python("python3.99") == ("", False)


def test_program_that_is_no_python_has_no_version() -> None:
    """A program that runs but is no Python is not taken for one."""
    assert ai_service_facts.probe_python("true") == ("", False)


def test_credential_that_changed_under_the_service_is_stale(tmp_path: Path) -> None:
    """Content counts: what the service holds against what the file has now."""
    held = tmp_path / "held"
    held.mkdir()
    files = {}
    for name, given, now in (("same", b"a", b"a"), ("changed", b"a", b"b"), ("gone", b"a", None), ("new", None, b"a")):
        if given is not None:
            (held / name).write_bytes(given)
        if now is not None:
            (tmp_path / name).write_bytes(now)
        files[name] = str(tmp_path / name)
    assert ai_service_facts.stale_credentials(held, files) == ["changed", "gone", "new"]


def test_service_that_does_not_run_holds_nothing_stale(tmp_path: Path) -> None:
    """Without a running service there is nothing to restart."""
    (tmp_path / "password").write_bytes(b"a")
    assert ai_service_facts.stale_credentials(tmp_path / "held", {"password": str(tmp_path / "password")}) == []


def facts(path: Path, **params: Any) -> dict[str, Any]:
    """Run the module on a folder; there are no units of that name, and no edge."""
    needed = {"unit": "none@.service", "user": "nobody-here", "group": "no-group", "edge_socket": str(path / "none")}
    return run_module("ai_service_facts", path=str(path), **{**needed, **params})


def test_host_that_has_nothing_gives_every_value(tmp_path: Path) -> None:
    """Every return value exists on a fresh host, in check mode too."""
    result = facts(
        tmp_path / "opt",
        check_mode=True,
        instances=["1"],
        exists=[str(tmp_path), str(tmp_path / "nowhere")],
        files=[str(tmp_path / "settings.env")],
    )
    assert result["exists"] == [str(tmp_path)]
    assert (result["serving"], result["files"], result["has_group"]) == (False, {}, False)
    assert (result["whole"], result["half_made"], result["current"]) == ([], [], "")
    nothing = {"release": "", "settings": "", "active": False, "settled": False, "stale_credentials": []}
    assert result["instances"] == {"1": {**nothing, "drained": False}}


def test_link_to_the_current_release_is_returned(tmp_path: Path) -> None:
    """Also where its target is gone."""
    (tmp_path / "current").symlink_to("/nowhere/1.0")
    assert facts(tmp_path)["current"] == "/nowhere/1.0"


def test_contents_of_the_files_are_returned(tmp_path: Path) -> None:
    """What a failed rollout restores."""
    (tmp_path / "settings.env").write_text("A=1\n")
    files = [str(tmp_path / "settings.env"), str(tmp_path / "gone")]
    assert facts(tmp_path, files=files)["files"] == {files[0]: "A=1\n"}


def test_link_without_target_exists(tmp_path: Path) -> None:
    """An interrupted deployment may leave one."""
    (tmp_path / "blue").symlink_to("/nowhere/1.0")
    wanted = [str(tmp_path / "blue")]
    assert facts(tmp_path, exists=wanted)["exists"] == wanted


def test_instances_are_those_desired_and_those_the_host_has(tmp_path: Path) -> None:
    """By number, so that 10 comes after 2; settings under validation are no instance."""
    folder = tmp_path / "instances"
    folder.mkdir()
    (folder / "10").symlink_to("/opt/releases/a")
    (folder / "10.env").write_text("A=1\n")
    (folder / "next.env").write_text("A=2\n")
    result = facts(tmp_path, instances=["1", "2"])
    assert list(result["instances"]) == ["1", "2", "10"]
    assert (result["instances"]["10"]["release"], result["instances"]["10"]["settings"]) == ("/opt/releases/a", "A=1\n")


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[str]:
    """Run a stand-in for HAProxy's runtime socket with one answer to `show stat`."""
    path = tmp_path / "edge.sock"
    table = "# pxname,svname,scur,status,\napi,1,0,DRAIN,\napi,2,0,UP,\napi,3,0,MAINT,\npage,4,0,MAINT,\n"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == b"show stat\n"
                connection.sendall(table.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        yield str(path)
        thread.join(5)


def test_instances_that_the_edge_drains_are_marked(edge: str) -> None:
    """Those of the API's backend only, and those in maintenance too: neither gets requests."""
    assert ai_service_facts.drained(edge) == {"1", "3"}


def test_without_an_edge_nothing_is_drained(tmp_path: Path) -> None:
    """A host before its first deployment has no runtime socket."""
    assert ai_service_facts.drained(str(tmp_path / "none.sock")) == set()


def test_releases_before_the_edge_are_known(tmp_path: Path) -> None:
    """Only a release whose marker says so can listen on a Unix socket."""
    for name, marker in (("new", '{"unix_socket": true}'), ("old", '{"version": "0.1.0"}'), ("odd", "[")):
        make_release(tmp_path, name, 100)
        (tmp_path / name / "release.json").write_text(marker)
    assert ai_service_facts.without_edge(tmp_path, ["new", "old", "odd"]) == ["old", "odd"]


def test_only_what_served_was_deployed(tmp_path: Path) -> None:
    """A release that was built and failed its trial is whole, and nothing to go back to."""
    for name, finished_at, served_at in (("a", 100, 400), ("b", 200, 250), ("broken", 300, None)):
        make_release(tmp_path, name, finished_at)
        if served_at is not None:
            (tmp_path / name / "deployed").write_text("")
            os.utime(tmp_path / name / "deployed", (served_at, served_at))
    assert ai_service_facts.find_deployed(tmp_path, ["broken", "b", "a"]) == ["a", "b"]


def test_account_is_home_and_shell() -> None:
    """What somebody changed by hand is seen; a host that never had the service has no user."""
    assert ai_service_facts.account("root") == ["/root", pwd.getpwnam("root").pw_shell]
    assert ai_service_facts.account("nobody-here") == []
