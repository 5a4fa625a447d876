"""Cold starts: a question each time after Ollama was told to unload its models."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.load.plan import ClosedLoop, Phase
from bench.samples import Outcome, Sample
from bench.sequential.closed_loop import run_closed_loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.evidence.ollama import Ollama

SETTLE_SECONDS = 5.5
"""So long the service may go on believing that a model is loaded, because it has answered."""


class ColdStartRun:
    """Unloads, asks, and again.

    Args:
        ask: Sends a request: task, seed, index.
        ollama: The server whose models are unloaded.
    """

    def __init__(self, ask: Callable[[str, str, int], Outcome], ollama: Ollama) -> None:
        self._send = ask
        self._ollama = ollama

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Run a phase; see `bench.interfaces.LoadGenerator`.

        Raises:
            TargetError: Ollama does not answer, or does not unload.
        """
        assert isinstance(phase.arrivals, ClosedLoop)
        run_closed_loop(phase.arrivals, samples, progress, lambda index, epoch_ns: self._ask(phase, index, epoch_ns))

    def _ask(self, phase: Phase, index: int, epoch_ns: int) -> Sample:
        self._ollama.unload()
        time.sleep(SETTLE_SECONDS)
        began_ns = time.perf_counter_ns()
        outcome = self._send(phase.task, phase.seed, index)
        return Sample(
            phase=phase.name,
            task=phase.task,
            index=index,
            warmup=False,
            intended_ns=began_ns - epoch_ns,
            start_ns=began_ns - epoch_ns,
            latency_ns=time.perf_counter_ns() - began_ns,
            **outcome,
        )
