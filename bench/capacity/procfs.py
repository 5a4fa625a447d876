"""What Linux tells of a process and its descendants."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it and live, parents first; empty where it is gone."""
    found = [pid] if _lives(pid) else []
    for known in found:  # It grows as children are found.
        found += filter(_lives, _children(known))
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process and its living descendants have used so far.

    Its resolution is the kernel's clock tick, mostly 10 ms.
    """
    return sum(_cpu_seconds(member) for member in tree(pid))


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the largest process of a tree: the worker, where a parent only watches."""
    return max((_resident_bytes(member) for member in tree(pid)), default=0)


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, _read(task).split())


def _lives(pid: int) -> bool:
    state = _stat(pid)[:1]
    return bool(state) and state != ["Z"]


def _stat(pid: int) -> list[str]:
    """The fields of proc_pid_stat(5) from the third on; the second, a name in parentheses, may hold spaces."""
    return _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)  # utime and stime are fields 14 and 15
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND if fields else 0.0


def _resident_bytes(pid: int) -> int:
    lines = _read(Path(f"/proc/{pid}/status")).splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # It ended in the meantime.
        return ""
