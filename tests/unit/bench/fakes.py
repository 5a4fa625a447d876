"""What a session needs of others: a service, generators of load, GPUs and an observer that are none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from bench.errors import GeneratorError
from bench.evidence.gpu import Reading
from bench.load.plan import OpenLoop
from bench.samples import Outcome, encode_lines
from tests.unit.bench.records import counters, end, hit, miss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.evidence.counters import Counters
    from bench.load.plan import Phase
    from bench.samples import Sample


@dataclass
class FakeService:
    """Counts what the fake generator sends, and what it is asked directly."""

    url: str = "http://fake"
    answers: dict[tuple[str, str], int] = field(default_factory=dict)
    calls: dict[tuple[str, str], int] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)

    def facts(self) -> dict[str, str]:
        """Return a version."""
        return {"service version": "1.2.3"}

    def counters(self) -> Counters:
        """Return the counts so far."""
        return counters(dict(self.answers), dict(self.calls))

    def ask(self, task: str, seed: str, index: int) -> Outcome:
        """Answer at once."""
        self.asked.append((task, seed, index))
        status, failure = self.refusals.pop(0) if self.refusals else (200, "")
        return Outcome(
            status=status,
            cache="hit",
            cache_detail="",
            provider="ollama",
            model="m",
            degraded=False,
            request_id="r",
            server_timing="",
            retry_after="",
            failure=failure,
            digest="",
        )


@dataclass
class FakeGenerator:
    """Writes honest samples; late in its first attempts at a task, or interrupted in one, if told so."""

    service: FakeService
    late_attempts: dict[str, int] = field(default_factory=dict)
    interrupted_in: str = ""
    failing_in: str = ""
    failure: Exception = field(default_factory=lambda: GeneratorError("Locust was killed"))
    answers: Callable[..., Sample] | None = None
    on_phase: Callable[[Phase], None] = lambda _phase: None
    phases: list[Phase] = field(default_factory=list)

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Send everything at once."""
        self.phases.append(phase)
        self.on_phase(phase)
        if phase.task == self.interrupted_in:
            raise KeyboardInterrupt
        if phase.task == self.failing_in:
            samples.write_bytes(encode_lines([miss(task=phase.task)]))
            raise self.failure
        count, cached = phase.arrivals.count, isinstance(phase.arrivals, OpenLoop)
        late = cached and self.late_attempts.get(phase.task, 0) > 0
        if late:
            self.late_attempts[phase.task] -= 1
        start_ns = 20_000_000 if late else 0
        make = self.answers or (hit if cached else miss)
        made = [make(task=phase.task, index=number, start_ns=start_ns) for number in range(count)]
        key = (phase.task, made[0].cache)
        self.service.answers[key] = self.service.answers.get(key, 0) + count
        if not cached:
            self.service.calls[phase.task, "ollama"] = count
        progress(count)
        samples.write_bytes(encode_lines([*made, end(count)]))


@dataclass
class Notes:
    """Remembers what it was told."""

    lines: list[str] = field(default_factory=list)

    def began(self, label: str, total: int) -> None:
        """Remember a step."""
        self.lines.append(f"{label} {total}")

    def advanced(self, done: int) -> None:
        """Remember progress."""
        self.lines.append(f".. {done}")

    def ended(self, note: str) -> None:
        """Remember what came of it."""
        self.lines.append(f"-> {note}")


@dataclass
class FakeGpus:
    """Two readings whenever it is looked at, as long as the session has it open."""

    open: bool = False

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(self, *_error: object) -> None:
        self.open = False

    @property
    def readings(self) -> list[Reading]:
        """Return one GPU at full load, now and since long ago."""
        assert self.open
        return [Reading(at, 0, "a GPU", "1.0", 1.0, 2048.0, 100.0) for at in (0.0, time.perf_counter())]

    def describe(self) -> str:
        """Return a GPU."""
        return "1 x a GPU, driver 1.0"


@dataclass
class FakeProbe:
    """Asks for streams, or cold models, without any of either."""

    service: FakeService
    phases: list[Phase] = field(default_factory=list)

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Answer everything at once."""
        self.phases.append(phase)
        made = [miss(phase=phase.name, task=phase.task, index=number) for number in range(phase.arrivals.count)]
        self.service.answers[phase.task, "miss"] = self.service.answers.get((phase.task, "miss"), 0) + len(made)
        self.service.calls[phase.task, "ollama"] = self.service.calls.get((phase.task, "ollama"), 0) + len(made)
        progress(len(made))
        samples.write_bytes(encode_lines([*made, end(len(made))]))
