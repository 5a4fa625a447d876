"""What the GPUs did during a run: `nvidia-smi` is asked twice a second, and its answers are summed up by phase.

Energy is power integrated over the phase (trapezoids). It is all that the host's GPUs drew, their idle power included,
because that is what is paid for. Where no `nvidia-smi` answers, there is no figure, and the report says so.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Self

from bench.results import GpuUse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

INTERVAL_MS = 500
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_FIELDS = ("index", "name", "driver_version", "utilization.gpu", "memory.used", "power.draw")
_ARGUMENTS = (f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits", f"--loop-ms={INTERVAL_MS}")
_MAX_LINE = 300
"""Characters of a line; what says more in one is no `nvidia-smi`, and may never end it."""
_TERMINATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One GPU at one moment; None is what it does not tell (``[N/A]``, ``[Not Supported]``).

    Attributes:
        at_s: When the line arrived, in seconds of `time.perf_counter`.
        index: The GPU's number on its host.
        name: Its model.
        driver: Version of the driver.
        utilization: Share of the last sample period with a kernel running, from 0 to 1.
        memory_mib: Memory in use, in MiB.
        watts: Power drawn.
    """

    at_s: float
    index: int
    name: str
    driver: str
    utilization: float | None
    memory_mib: float | None
    watts: float | None


def parse_reading(line: str, at_s: float) -> Reading:
    """Read a line of `nvidia-smi`.

    Args:
        line: Comma-separated values of the fields that the sampler asks for, without units.
        at_s: When it arrived.

    Raises:
        ValueError: It is something else, such as an error in words.
    """
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(_FIELDS) or not cells[0].isdecimal():
        raise ValueError(line.strip())
    percent, memory, watts = (_number(cell) for cell in cells[3:])
    return Reading(at_s, int(cells[0]), cells[1], cells[2], None if percent is None else percent / 100, memory, watts)


def _number(cell: str) -> float | None:
    return float(cell) if _NUMBER.fullmatch(cell) else None


class GpuSampler:
    """Reads `nvidia-smi` in the background while used as a context manager.

    Args:
        command: How to run it, e.g. ``nvidia-smi`` or ``ssh HOST nvidia-smi``; empty for not at all.
        reason: Why there is no figure where there is none; what the program says takes its place.
        clock: Seconds, of the clock that phases are timed with.

    Attributes:
        command: Words of the command; none for not at all.
        readings: All so far, in order of time.
    """

    def __init__(self, command: str, reason: str = "", clock: Callable[[], float] = time.perf_counter) -> None:
        self.command = shlex.split(command)
        self._reason = reason
        self._clock = clock
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._said = ""
        self.readings: list[Reading] = []

    def __enter__(self) -> Self:
        if self.command:
            try:
                self._process = subprocess.Popen(
                    [*self.command, *_ARGUMENTS],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                self._reason = f"{self.command[0]}: {error.strerror}"
            else:
                self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_TERMINATE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_TERMINATE_SECONDS)

    def describe(self) -> str:
        """Return the GPUs and their driver in words, or why there is no figure of any."""
        if not self.readings:
            return f"none sampled ({self._said or self._reason or 'nvidia-smi said nothing'})"
        names = {reading.index: reading.name for reading in self.readings}
        counted = (f"{len(list(group))} x {name}" for name, group in groupby(sorted(names.values())))
        return f"{', '.join(counted)}, driver {self.readings[0].driver}"

    def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        with self._process.stdout as lines:
            while line := lines.readline(_MAX_LINE):
                try:
                    self.readings.append(parse_reading(line, self._clock()))
                except ValueError as error:
                    self._said = self._said or str(error)


def summarize_gpu(readings: Sequence[Reading], began_s: float, ended_s: float, requests: int) -> GpuUse | None:
    """Return what the GPUs did between two moments; None where fewer than two rounds of readings lie between them.

    Args:
        readings: All of the run, in order of time.
        began_s: Start, in the seconds of the readings' clock.
        ended_s: End, likewise.
        requests: How many were sent meanwhile.
    """
    within = [reading for reading in readings if began_s <= reading.at_s <= ended_s]
    indexes = sorted({reading.index for reading in within})
    by_gpu = [[reading for reading in within if reading.index == index] for index in indexes]
    if not by_gpu or min(map(len, by_gpu)) < 2:
        return None
    shares = [reading.utilization for reading in within if reading.utilization is not None]
    peaks = [max((reading.memory_mib or 0.0 for reading in ours), default=0.0) for ours in by_gpu]
    powers = [_mean_watts(ours) for ours in by_gpu]
    watts = sum(power for power in powers if power is not None) if None not in powers else None
    joules = None if watts is None else watts * (ended_s - began_s)
    return GpuUse(
        readings=min(map(len, by_gpu)),
        utilization=sum(shares) / len(shares) if shares else None,
        memory_mib=sum(peaks) if any(reading.memory_mib is not None for reading in within) else None,
        watts=watts,
        joules_per_1000=joules / requests * 1000 if joules is not None and requests else None,
    )


def _mean_watts(readings: Sequence[Reading]) -> float | None:
    """Mean power of one GPU over time, by trapezoids; None where it does not tell its power."""
    known = [(reading.at_s, reading.watts) for reading in readings if reading.watts is not None]
    span = known[-1][0] - known[0][0] if len(known) > 1 else 0.0
    if span <= 0:
        return None
    joules = sum((later - sooner) * (one + other) / 2 for (sooner, one), (later, other) in pairwise(known))
    return joules / span
