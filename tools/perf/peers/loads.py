"""The loads, one after the other: hits, hits at a steady rate, misses, herds; each on servers with fresh caches."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.formats import format_ms
from tools.perf.budgets.cached_rate import RATE
from tools.perf.budgets.herd import DELAY_MS as HERD_DELAY_MS
from tools.perf.budgets.overhead import DELAY_MS as MISS_DELAY_MS
from tools.perf.peers import comparison, herd, misses, steady
from tools.perf.peers.candidates import CACHING, Candidate, enter
from tools.perf.peers.field import DIRECT, ECHO, EDGE, INSTANCE, LITELLM, NGINX, PORTKEY, Field
from tools.perf.peers.pacer import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from tools.perf.peers.cores import Cores
    from tools.perf.peers.load_table import LoadTable, Trial
    from tools.perf.peers.ranking import RankedCandidate, Slot
    from tools.perf.peers.wrk import Wrk

HITS = "hits"
LOADS = (HITS, steady.LOAD, misses.LOAD, herd.LOAD)
ASKED_ANEW = (DIRECT, INSTANCE, EDGE, NGINX, LITELLM, PORTKEY)
"""Who takes part in misses; in herds all but the stand-in, which knows nothing of equal requests."""
YARDSTICKS = (ECHO, DIRECT)


@dataclass(slots=True)
class Session:
    """One run of the comparison.

    Attributes:
        work: For logs and configurations.
        cores: Who runs where.
        wrk: The generator of closed loops.
        console: Where a line about each measurement goes.
        tell: Is told what is being done.
        names: Who takes part, beside the yardsticks.
        rounds: How often each is measured in each load.
        seconds: Of each measurement.
        ranking: What hits came to, so far.
        tables: What the other loads came to, so far.
        interrupted: By Ctrl-C or an error; what was measured stays.
    """

    work: Path
    cores: Cores
    wrk: Wrk
    console: Console
    tell: Callable[[str], None]
    names: Sequence[str]
    rounds: int
    seconds: float
    ranking: list[RankedCandidate] = field(default_factory=list, init=False)
    tables: list[LoadTable] = field(default_factory=list, init=False)
    interrupted: bool = field(default=False, init=False)
    _done: int = field(default=0, init=False)

    def measure(self, loads: Sequence[str]) -> None:
        """Measure some loads.

        Args:
            loads: Some of `LOADS`, in that order.

        Raises:
            BenchError: A process of the run failed.
            LabError: A program could not be installed.
            KeyboardInterrupt: Before any round was whole.
        """
        cached = [load for load in loads if load in {HITS, steady.LOAD}]
        measures = {misses.LOAD: self._measure_misses, herd.LOAD: self._measure_herds}
        try:
            if cached:
                self._measure_hits(cached)
            for load in loads:
                if load in measures and not self.interrupted:
                    measures[load]()
        except BaseException as error:
            self.interrupted = True
            if not (isinstance(error, KeyboardInterrupt) and (self.ranking or self.tables)):
                raise

    def _measure_hits(self, loads: Sequence[str]) -> None:
        with self._field() as where:
            candidates = [self._enter(where, name) for name in self._chosen(CACHING)]
            if HITS in loads:
                self.ranking = comparison.compare(
                    candidates,
                    self.wrk,
                    rounds=self.rounds,
                    seconds=self.seconds,
                    warmup_seconds=1,
                    done=lambda candidate, slot: self._tell_hits(candidate.title, slot),
                )
                self.interrupted = len(self.ranking[0].slots) < self.rounds
            if steady.LOAD in loads and not self.interrupted:
                pacer = Pacer(self.cores.generator, RATE)
                self._keep(
                    steady.compare(candidates, pacer, rounds=self.rounds, seconds=self.seconds, done=self._tell_trial)
                )

    def _measure_misses(self) -> None:
        with self._field(MISS_DELAY_MS) as where:
            running = [where.start(name) for name in self._chosen(ASKED_ANEW)]
            found = misses.compare(
                where, running, self.wrk, rounds=self.rounds, seconds=self.seconds, done=self._tell_trial
            )
        self._keep(found)

    def _measure_herds(self) -> None:
        with self._field(HERD_DELAY_MS) as where:
            running = [where.start(name) for name in self._chosen(ASKED_ANEW) if name != DIRECT]
            if running:
                self._keep(herd.compare(where, running, rounds=self.rounds, done=self._tell_trial))

    def _chosen(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in {*self.names, *YARDSTICKS}]

    @contextmanager
    def _field(self, delay_ms: float = 0.0) -> Iterator[Field]:
        """Run servers of their own, so that no load finds another's answers."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.work)))
            yield Field(stack, folder, self.cores, self.tell, delay_ms)

    def _enter(self, where: Field, name: str) -> Candidate:
        candidate = enter(where, self.wrk, name)
        self.console.print(f"[green]✓[/] {candidate.title}: {candidate.answer_bytes} bytes an answer", highlight=False)
        return candidate

    def _keep(self, table: LoadTable) -> None:
        self.tables.append(table)
        self.interrupted = table.rounds < self.rounds

    def _tell_hits(self, title: str, slot: Slot) -> None:
        figures = slot.figures
        self._tell(HITS, title, f"{figures.rate:>8,.0f}/s  p99 {format_ms(figures.p99_us / 1000)}", slot.problem)

    def _tell_trial(self, title: str, trial: Trial) -> None:
        told = "  ".join(f"{heading} {value:,.4g}" for heading, value in trial.values.items())
        self._tell("", title, told, trial.problem)

    def _tell(self, load: str, title: str, told: str, problem: str) -> None:
        self._done += 1
        self.tell(f"{self._done} measurements")
        red = f"  [red]{problem}[/]" if problem else ""
        self.console.print(f"{self._done:>3} {load} {title:<18} {told}{red}", soft_wrap=True, highlight=False)
