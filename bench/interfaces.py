"""What a session needs of others, so that each can be something else in a test: observer, service, generator, GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from bench.evidence.counters import Counters
    from bench.evidence.gpu import Reading
    from bench.load.plan import Phase
    from bench.samples import Outcome


class Observer(Protocol):
    """Somebody who watches a run; all calls come from the run's own thread."""

    def began(self, label: str, total: int) -> None:
        """Report the start of a step with its number of requests."""

    def advanced(self, done: int) -> None:
        """So many of them are done."""

    def ended(self, note: str) -> None:
        """Report the end of the step with a note on its outcome."""


class Service(Protocol):
    """The service under test, as a session needs it; `bench.load.target.Target` is the real one."""

    @property
    def url(self) -> str:
        """Its base URL."""

    def facts(self) -> dict[str, str]:
        """Return the service's description of itself as labels and texts."""

    def counters(self) -> Counters:
        """Return the service's counters so far."""

    def ask(self, task: str, seed: str, index: int) -> Outcome:
        """Send one request outside of any measurement."""


class LoadGenerator(Protocol):
    """What makes the load; `bench.load.generator.Generator` is the real one."""

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Run one phase to its end and leave its samples in the file."""


class Gpus(Protocol):
    """What tells how busy GPUs are; `bench.evidence.gpu.GpuSampler` is the real one."""

    @property
    def readings(self) -> list[Reading]:
        """All so far, in order of time."""

    def __enter__(self) -> Self:
        """Begin to read."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End to read."""

    def describe(self) -> str:
        """Which GPUs, or why none."""
