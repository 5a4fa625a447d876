"""What modules of several roles ask of a host: paths, packages, units, memory and processors."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import (
    behind,
    capacity,
    memory_mb,
    packages,
    path,
    unit,
)

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

MEMINFO = "MemTotal:       16384000 kB\nMemFree:         1024 kB\n"
LISTING = """containerd 1.7.24~ds1-6 install ok installed
docker-ce 5:27.0.1-1 hold ok installed
runc  unknown ok not-installed
docker.io 26.1.5 deinstall ok config-files
"""


def saying(output: str):  # type: ignore[no-untyped-def]
    """Create a host with this output of every command."""
    return lambda command: (1, output, f"{command[0]} complains")


def test_only_installed_packages_count_and_holds_are_seen() -> None:
    """A package that left its configuration or is known by name alone is not there."""
    found = packages(saying(LISTING), ["containerd", "docker-ce", "runc", "docker.io"])
    assert found == ({"containerd": "1.7.24~ds1-6", "docker-ce": "5:27.0.1-1"}, ["docker-ce"])


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        ("ActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n", True),
        ("ActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n", False),
        ("ActiveState=active\nUnitFileState=disabled\nNeedDaemonReload=no\n", False),
        ("ActiveState=failed\nUnitFileState=enabled\nNeedDaemonReload=no\n", False),
        ("ActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n", False),
        ("", False),
    ],
)
def test_unit_is_settled_when_nothing_is_left_to_do(said: str, settled: bool) -> None:
    """Active, enabled, and its files read; a host without systemd has no such unit."""
    assert unit(saying(said), "example.service")["settled"] is settled


RELOADED = "2026-01-02 03:04:05.500000"


@pytest.mark.parametrize(
    ("state", "offset_s", "is_behind"),
    [("active", 0.1, True), ("active", -0.1, False), ("inactive", 0.1, False), ("active", 1e10, False)],
)
def test_unit_is_behind_files_that_were_written_after_its_start_or_reload(
    tmp_path: Path, state: str, offset_s: float, is_behind: bool
) -> None:
    """One that is down reads all when it starts; a file of the future is one whose clock was wrong."""
    file = tmp_path / "settings"
    file.touch()
    moment = datetime.fromisoformat(f"{RELOADED}+00:00").timestamp() + offset_s
    os.utime(file, (moment, moment))
    said = f"ActiveState={state}\nStateChangeTimestamp=Fr {RELOADED} UTC\n"
    found = behind(saying(said), "example.service", [str(file), str(tmp_path / "nothing")])
    assert found == ([str(file)] if is_behind else [])


def test_unit_that_never_ran_is_behind_nothing() -> None:
    """Systemd has no time for it."""
    assert behind(saying("ActiveState=active\nStateChangeTimestamp=\n"), "example.service", ["/etc/passwd"]) == []


def test_link_tells_where_it_leads(tmp_path: Path) -> None:
    """To the end, and whether that is there."""
    (tmp_path / "release").mkdir()
    (tmp_path / "current").symlink_to("release")
    found = path(str(tmp_path / "current"))
    assert (found["exists"], found["is_folder"], found["target"]) == (True, True, str(tmp_path / "release"))
    assert path(str(tmp_path / "release"))["target"] == ""
    (tmp_path / "release").rmdir()
    assert path(str(tmp_path / "current"))["exists"] is False


def test_folder_tells_what_it_holds(tmp_path: Path) -> None:
    """Hidden names too; what is no folder holds nothing."""
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "shown").mkdir()
    assert path(str(tmp_path))["names"] == [".hidden", "shown"]
    assert path(str(tmp_path / ".hidden"))["names"] == []
    assert path(str(tmp_path / "nothing"))["names"] == []


def test_module_says_all_at_once(tmp_path: Path) -> None:
    """What is not there is no failure."""
    told = run_module(
        "host_facts",
        check_mode=True,
        paths=[str(tmp_path / "nothing")],
        packages=["no-such-package"],
        units=["no-such.service"],
    )
    assert told["paths"][str(tmp_path / "nothing")]["exists"] is False
    assert told["packages"] == {}
    assert told["units"]["no-such.service"]["settled"] is False


@pytest.mark.parametrize(
    ("limits", "megabytes"), [([], 16000), (["max\n"], 16000), ([str(2**63)], 16000), ([f"{2**30}\n"], 1024)]
)
def test_memory_is_the_hosts_or_what_its_control_group_leaves(limits: list[str], megabytes: int) -> None:
    """No limit is written as a word, or as a number beyond all memory."""
    assert memory_mb(MEMINFO, limits) == megabytes


def test_capacity_is_this_machines() -> None:
    """Of the processors only those that may be used: what is kept from a process Docker does not hand out either."""
    assert capacity()["memory_mb"] > 0
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert capacity()["processors"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
