"""The load generator: wrk, closed loop, one thread, keep-alive connections, exact percentiles of every request."""

from __future__ import annotations

import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from bench.errors import GeneratorError
from tools.perf.peers.generator import GRACE_SECONDS, run_generator

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

SCRIPT = Path(__file__).with_name("wrk.lua")
JSON_BODY: Mapping[str, str] = MappingProxyType({"Content-Type": "application/json"})


class Figures(msgspec.Struct, frozen=True):
    """What wrk measured.

    Attributes:
        requests: Answered requests.
        duration_us: How long it sent, in microseconds.
        bytes: Received, headers included.
        p50_us: Median latency in microseconds.
        p99_us: 99th percentile.
        max_us: The longest.
        failed: Requests without an answer: connection errors and time-outs.
        not_2xx: Answers with another status than 2xx or 3xx.
    """

    requests: int
    duration_us: int
    bytes: int
    p50_us: int
    p99_us: int
    max_us: int
    failed: int
    not_2xx: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.duration_us * 1e6


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent.

    Attributes:
        url: Where to.
        bodies: Request bodies without line breaks, sent in turn.
        headers: Of every request.
    """

    url: str
    bodies: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_BODY)


@dataclass(frozen=True, slots=True)
class Wrk:
    """Runs wrk.

    Attributes:
        cores: On which it may run.
        connections: Kept open, each with one request under way at any time.
    """

    cores: Collection[int]
    connections: int

    def run(self, load: Load, seconds: float) -> tuple[Figures, float]:
        """Send for some time.

        Args:
            load: What.
            seconds: For how long; whole seconds, wrk knows no others.

        Returns:
            The figures, and how much of one core wrk itself used, from 0 to 1.

        Raises:
            GeneratorError: It could not be started, did not end, or said something unknown.
        """
        with tempfile.TemporaryDirectory(prefix="alchemorsel-wrk-") as folder:
            headers, bodies = Path(folder, "headers"), Path(folder, "bodies")
            headers.write_text("".join(f"{name}: {value}\n" for name, value in load.headers.items()))
            bodies.write_text("".join(f"{body}\n" for body in load.bodies))
            command = ["wrk", "--threads", "1", "--connections", str(self.connections)]
            command += ["--duration", f"{max(1, round(seconds))}s"]
            command += ["--timeout", "10s", "--script", str(SCRIPT), load.url, "--", str(headers), str(bodies)]
            before, started = children_cpu_seconds(), time.monotonic()
            output = run_generator("wrk", command, cores=self.cores, timeout_s=seconds + GRACE_SECONDS)
            elapsed = time.monotonic() - started
        return parse(output), (children_cpu_seconds() - before) / elapsed


def parse(output: str) -> Figures:
    """Read what the script printed last.

    Args:
        output: wrk's standard output.

    Raises:
        GeneratorError: There are no figures in it, or no request was answered.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise GeneratorError(f"wrk printed no figures:\n{output[-500:]}")
    try:
        figures = msgspec.json.decode(lines[-1], type=Figures)
    except msgspec.MsgspecError as error:
        raise GeneratorError(f"wrk's figures cannot be read ({error}): {lines[-1][:200]}") from error
    if not figures.requests or not figures.duration_us:
        raise GeneratorError(f"wrk got no answer at all ({figures.failed} requests failed)")
    return figures


def children_cpu_seconds() -> float:
    """Return the CPU time of ended children; the servers of a run end later, so that a difference is wrk's alone."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
