"""Containers that outlived their engine: nobody else would end them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

_DEADLINE_S = 20.0


def end(containerd_socket: Path, proc: Path = Path("/proc")) -> None:
    """End every container whose shim reports to the containerd of this socket.

    Killing a container's first process ends all of them; its shim goes last, so that nothing is left without a parent.

    Args:
        containerd_socket: tells the lab's shims from those of other engines on the machine.
        proc: where the process table is mounted.
    """
    ending = [pid for shim in shims(containerd_socket, proc) for pid in (*_children(shim, proc), shim)]
    for pid in ending:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _DEADLINE_S
    while any(_command(pid, proc) for pid in ending) and time.monotonic() < deadline:
        time.sleep(0.1)


def shims(containerd_socket: Path, proc: Path = Path("/proc")) -> list[int]:
    """Process ids of the shims that belong to the containerd of this socket."""
    found = []
    for process in proc.glob("[0-9]*"):
        words = _command(int(process.name), proc)
        is_shim = bool(words) and Path(os.fsdecode(words[0])).name.startswith("containerd-shim")
        if is_shim and os.fsencode(containerd_socket) in words:
            found.append(int(process.name))
    return sorted(found)


def _command(pid: int, proc: Path) -> list[bytes]:
    """Return a process's arguments; an empty list for an ended process or a zombie."""
    with contextlib.suppress(OSError):
        return [word for word in (proc / f"{pid}/cmdline").read_bytes().split(b"\0") if word]
    return []


def _children(pid: int, proc: Path) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in (proc / f"{pid}/task/{pid}/children").read_text().split()]
    return []
