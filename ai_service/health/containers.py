"""How this host's containers are, read from the file that a timer of root's writes: the service never asks Docker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STALE_S = 120.0
"""The timer writes every 30 s; four times that is no hiccup."""
MAX_BYTES = 64 * 1024


class Container(msgspec.Struct, frozen=True):
    """State of one container of this host; null is an unknown value.

    Attributes:
        name: Name of the container.
        state: Docker's state, `missing`, or `unknown` where Docker does not answer.
        health: `healthy`, `unhealthy`, `starting`, or `none` without a health check.
        restarts: How often Docker has restarted it.
        memory_bytes: Memory in use.
        memory_limit_bytes: Memory limit.
        cpu_cores: Average number of CPUs in use since the previous report.
        cpu_limit_cores: CPU limit.
        gpu: Whether it has GPUs.
    """

    name: str
    state: str
    health: str = "none"
    restarts: int | None = None
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None
    cpu_cores: float | None = None
    cpu_limit_cores: float | None = None
    gpu: bool | None = None


class ContainersReport(msgspec.Struct, frozen=True):
    """State of this host's containers.

    Attributes:
        age_s: Seconds since the report was written.
        stale: Whether the report is older than two minutes.
    """

    age_s: float
    stale: bool
    containers: list[Container]


class _File(msgspec.Struct, frozen=True):
    time: float
    containers: list[Container]


_decode = msgspec.json.Decoder(_File).decode


class ContainerStatus:
    """The file.

    Args:
        path: Where it is.
        clock: Seconds since the epoch.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def report(self) -> ContainersReport | None:
        """Return the report read from the container status file.

        Returns:
            None where there is no such file, or nothing that can be understood in it: containers of other hosts are
            theirs to tell.
        """
        try:
            with self._path.open("rb") as file:
                found = _decode(file.read(MAX_BYTES))
        except (OSError, ValueError, RecursionError):
            return None
        age_s = max(0.0, self._clock() - found.time)
        return ContainersReport(round(age_s, 1), age_s > STALE_S, found.containers)
