"""How paths, packages and units of a host are, and what it has for programs; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Run = Callable[[list[str]], tuple[int, str, str]]

DEADLINE_SECONDS = 20
KIB_A_MIB = 1024
MEMORY = Path("/proc/meminfo")
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of control groups in version 2 and 1; a host that is a container has one."""


def within_deadline(module: Any) -> Run:
    """Return what runs a command on the host within a deadline: exit status, output and errors.

    Args:
        module: Ansible's.
    """

    def run(command: list[str]) -> tuple[int, str, str]:
        result: tuple[int, str, str] = module.run_command(
            ["timeout", str(DEADLINE_SECONDS), *command],
            environ_update={"LC_ALL": "C"},  # what is printed is read, whatever the language of the host
        )
        return result

    return run


UNSETTLED = frozenset({"half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending"})
"""States of dpkg in which files of a package are there, and the package is not installed."""


def packages(run: Run, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return the versions of those packages that are installed, by name, and which of them are held."""
    installed, held = {}, []
    for words in _statuses(run, names):
        # A package that is known but was never installed has no version, and its line one word less.
        if len(words) == 5 and words[4] == "installed":
            installed[words[0]] = words[1]
            if words[2] == "hold":
                held.append(words[0])
    return installed, held


def unsettled(run: Run, names: Iterable[str]) -> list[str]:
    """Return those packages that are being installed, or whose installation was cut off."""
    return [words[0] for words in _statuses(run, names) if words[-1] in UNSETTLED]


def _statuses(run: Run, names: Iterable[str]) -> list[list[str]]:
    # A status with a package that dpkg has never heard of is 1; the others are listed all the same.
    shown = run(["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${Status}\n", *names])[1]
    return [line.split() for line in shown.splitlines() if line.strip()]


def unit(run: Run, name: str) -> dict[str, bool]:
    """Return how a unit is.

    Returns:
        ``active``; ``enabled``; ``needs_reload``, whether systemd has yet to read its files; and ``settled``, which is
        active and enabled without that.
    """
    shown = run(["systemctl", "show", "--property=ActiveState,UnitFileState,NeedDaemonReload", name])[1]
    said = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    active, enabled = said.get("ActiveState") == "active", said.get("UnitFileState") == "enabled"
    return {
        "active": active,
        "enabled": enabled,
        "needs_reload": said.get("NeedDaemonReload") == "yes",
        "settled": active and enabled and said.get("NeedDaemonReload") == "no",
    }


def behind(run: Run, name: str, files: Iterable[str]) -> list[str]:
    """Return the files that a running unit has not read since they were written: what a killed play leaves.

    Args:
        run: Runs commands.
        name: The unit; one that is not active is behind nothing, it reads all when it starts.
        files: Read when the unit starts, or when it reloads.
    """
    options = ["--timestamp=us+utc", "--property=ActiveState,StateChangeTimestamp"]
    shown = run(["systemctl", "show", *options, name])[1]
    said = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    words = said.get("StateChangeTimestamp", "").split()
    if said.get("ActiveState") != "active" or len(words) < 3:
        return []
    # Without the day of the week, whose name depends on the language.
    changed = datetime.strptime(f"{words[1]} {words[2]} +0000", "%Y-%m-%d %H:%M:%S.%f %z").timestamp()
    now = time.time()
    return [file for file in files if Path(file).exists() and changed < Path(file).stat().st_mtime <= now]


def path(name: str) -> dict[str, Any]:
    """Return how a path is.

    Returns:
        ``exists``; ``is_folder``, links followed; ``target``, where a link leads, empty where it is none; ``uid`` and
        ``gid``, numbers, 0 where there is nothing; ``names``, what a folder holds.
    """
    place = Path(name)
    there = place.stat() if place.exists() else None
    return {
        "exists": there is not None,
        "is_folder": place.is_dir(),
        "target": str(place.resolve()) if place.is_symlink() else "",
        "uid": there.st_uid if there else 0,
        "gid": there.st_gid if there else 0,
        "names": sorted(entry.name for entry in place.iterdir()) if place.is_dir() else [],
    }


def capacity() -> dict[str, int]:
    """Return what the host has for programs.

    Ansible's own facts have it too, among all that they tell of the hardware: their programs take longer than a role.

    Returns:
        ``memory_mb``, in MiB; ``processors``, those that a process may use, as Docker counts them.
    """
    limits = [path.read_text() for path in MEMORY_LIMITS if path.exists()]
    return {"memory_mb": memory_mb(MEMORY.read_text(), limits), "processors": len(os.sched_getaffinity(0))}


def memory_mb(meminfo: str, limits: list[str]) -> int:
    """Return how much memory there is, in MiB.

    Args:
        meminfo: Content of /proc/meminfo.
        limits: Contents of the control group's limits; "max" and absurd ones are none.
    """
    match = re.search(r"^MemTotal:\s+(\d+) kB$", meminfo, re.MULTILINE)
    total = int(match[1]) // KIB_A_MIB if match else 0
    given = [int(limit) // KIB_A_MIB**2 for limit in limits if limit.strip().isdigit()]
    return min([total, *given])
