"""What a process and its descendants use."""

from __future__ import annotations

from contextlib import suppress

import psutil  # type: ignore[import-untyped] # has none


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it and live, parents first; empty where it is gone."""
    return [process.pid for process in _tree(pid)]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that a process and its living descendants have used so far."""
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):  # It ended in the meantime.
            times = process.cpu_times()
            total += times.user + times.system
    return total


def resident_bytes(pid: int) -> int:
    """Return the resident memory of the largest process of a tree: the worker, where a parent only watches."""
    largest = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):  # As above.
            largest = max(largest, process.memory_info().rss)
    return largest


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        found = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    return [process for process in found if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
