"""One run from the first question to the result: make ready, warm up, run the phases, examine, judge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.errors import BenchError, BrokenServiceError, RefusedError, StorageError, TargetError
from bench.evidence import rules
from bench.evidence.gpu import summarize_gpu
from bench.evidence.rules import PhaseRecord
from bench.evidence.settling import settle
from bench.failures import NOT_SENT, TIMEOUT, count_failures
from bench.load.plan import WORKLOADS, Phase, own_seed, plan
from bench.load.request_mix import ALL_TASKS
from bench.report.formats import format_ms
from bench.run_folder import storage_error
from bench.samples import Sample, read_samples
from bench.verdict.run_result import Run, judge_run
from bench.verdict.summaries import summarize_latency
from bench.warm_up import WarmUp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from bench.evidence.counters import Counters
    from bench.evidence.ollama import Ollama
    from bench.interfaces import Gpus, LoadGenerator, Observer, Service
    from bench.results import Result
    from bench.run_folder import RunFolder
    from bench.verdict.slo import Profile


@dataclass(slots=True)
class Session:
    """A run of one profile against one target.

    Attributes:
        target: The service; it must be ready.
        generator: Makes the load, with the same seed.
        profile: What to send and which bounds to hold it to.
        observer: Is told how it goes.
        seed: Names the requests; random, so that no earlier run has asked the same.
        gpus: Are read meanwhile.
        folder: Keeps the samples.
        workloads: Those of the profile that are run.
        sequential_runs: Generators of the workloads that are not the load generator's, by workload.
        ollama: The server behind the service, if it may be asked; without it there are no cold starts.
        busy_share: Tells how busy other programs keep this machine; None where nobody looks.
        annotations_file: File of annotations (see `bench.evidence.annotations`); None without one.
        records: The phases that were run, filled as the run goes on.
        interrupted: The run was stopped by the user.
        stopped: Why else it ended early, in a sentence.
        error: What ended it, where that was not the service.
    """

    target: Service
    generator: LoadGenerator
    profile: Profile
    observer: Observer
    seed: str
    gpus: Gpus
    folder: RunFolder
    annotations_file: Path | None = None
    workloads: Collection[str] = WORKLOADS
    sequential_runs: Mapping[str, LoadGenerator] = field(default_factory=dict)
    ollama: Ollama | None = None
    busy_share: Callable[[], float] | None = None
    records: list[PhaseRecord] = field(default_factory=list)
    interrupted: bool = False
    stopped: str = ""
    error: BenchError | None = None
    _started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _began_s: float = 0.0
    _facts: dict[str, str] = field(default_factory=dict)
    _kept: int = 0
    _others: list[float] = field(default_factory=list)
    _warm_up: WarmUp = field(init=False)

    def __post_init__(self) -> None:
        self._warm_up = WarmUp(self.target, self.observer, self.seed)

    def run(self) -> Result:
        """Run all phases; on Ctrl-C, or where something fails, end early with what there is.

        Raises:
            RefusedError: The service refuses the API key; nothing was measured.
            TargetError: The service does not answer the first request; nothing was measured.
        """
        self._started_at, self._began_s = datetime.now(UTC), time.perf_counter()
        self._facts = self.target.facts() | self._describe_ollama()
        with self.gpus:
            try:
                self._warm_up.load_model(self._warm_up_task())
                self._run_phases()
            except KeyboardInterrupt:
                self.interrupted = True
            except BrokenServiceError as broken:
                self.stopped = str(broken)
            except (BenchError, OSError) as error:
                if isinstance(error, (RefusedError, TargetError)) and not self.records:
                    raise
                self._stop(error if isinstance(error, BenchError) else storage_error(self.folder.path, error))
            try:
                self._keep()
            except StorageError as error:
                self._stop(error)
        return self._result()

    def _stop(self, error: BenchError) -> None:
        """End the run by an error; the phase under way counts only if its samples could be kept."""
        self.error = self.error or error
        self.stopped = self.stopped or str(error)
        if isinstance(error, StorageError):
            del self.records[self._kept :]

    def _keep(self) -> None:
        """Keep the samples of the phases that have ended."""
        samples = [sample for record in self.records[self._kept :] for sample in record.samples]
        self.folder.keep(samples)
        self._kept = len(self.records)

    @property
    def samples(self) -> list[Sample]:
        """All raw samples so far."""
        return [sample for record in self.records for sample in record.samples]

    def _phases(self) -> list[Phase]:
        return [
            phase
            for phase in plan(self.profile.load, self.seed)
            if phase.name in self.workloads and (phase.name != "cold" or self.ollama is not None)
        ]

    def _warm_up_task(self) -> str:
        """Return the cheapest task, unless it is not measured and may not work."""
        tasks = [phase.task for phase in self._phases()]
        return "ingredients" if not tasks or {ALL_TASKS, "ingredients"} & set(tasks) else tasks[0]

    def _run_phases(self) -> None:
        for phase in self._phases():
            known = self._warm_up.prime(phase, self._asked) if phase.name in {"cached", "mixed"} else phase
            if phase.name == "cached" and self.busy_share is not None:
                self._others.append(self.busy_share())
            self._run_phase(known, self.folder.phase_file(f"{phase.name}-{phase.task}.jsonl"))
            self._keep()
            self.folder.checkpoint(self._result(ended=False))
            samples = self.records[-1].samples
            kinds = count_failures(samples).keys()
            if TIMEOUT in kinds and kinds <= {TIMEOUT, NOT_SENT} and not any(sample.ok for sample in samples):
                raise BrokenServiceError(f"no request of phase {phase.name} {phase.task} was answered in time")

    def _asked(self, task: str) -> int:
        """How many new requests of a task were answered in its uncached phase; 0 where there was none."""
        asked = (record for record in self.records if (record.phase.name, record.phase.task) == ("uncached", task))
        return len({sample.index for record in asked for sample in record.samples if sample.ok})

    def _run_phase(self, phase: Phase, file: Path) -> None:
        """Run a phase; where the generator was late, it is run once more, and the first attempt counts for nothing."""
        bound_ms = self.profile.load.max_lag_p99_ms
        record = self._attempt(phase, file, 1)
        if rules.is_late(record, bound_ms):
            lag = format_ms(rules.lag_p99_ms(record.samples))
            self.observer.ended(f"generator late (lag p99 {lag}), so once more")
            self.records.pop()
            again = phase.seeded(own_seed(phase, self.seed, 2))
            record = self._attempt(again, file.with_suffix(".again.jsonl"), 2)
        summary = summarize_latency(record.samples)
        shape = f"p50 {format_ms(summary.p50_ms)}, p95 {format_ms(summary.p95_ms)}" if summary else "no proven sample"
        self.observer.ended(shape)

    def _attempt(self, phase: Phase, file: Path, attempt: int) -> PhaseRecord:
        loaded = self.ollama.steady() if self.ollama else ()
        before, began_s = self.target.counters(), time.perf_counter()
        self.observer.began(f"{phase.name}: {phase.task}", phase.arrivals.count)
        try:
            self.sequential_runs.get(phase.name, self.generator).run(phase, file, self.observer.advanced)
        finally:
            record = self._record(phase, file, before, attempt, began_s)
        if self.ollama:
            now = self.ollama.steady()
            record = replace(record, ollama_asked=set(now) != set(loaded), models=now)
            self.records[-1] = record
        return record

    def _record(self, phase: Phase, file: Path, before: Counters, attempt: int, began_s: float) -> PhaseRecord:
        """Keep what a phase left behind; the service gets a moment to count its last answers."""
        samples, end = read_samples(file)
        ended_s = time.perf_counter()
        if end and end.epoch_ns:
            began_s, ended_s = end.epoch_ns / 1e9, (end.epoch_ns + end.wall_ns) / 1e9
        gpu = summarize_gpu(self.gpus.readings, began_s, ended_s, len(samples))
        record = PhaseRecord(phase, samples, end, attempt=attempt, began_s=began_s - self._began_s, gpu=gpu)
        record = settle(record, lambda: self.target.counters().since(before))
        self.records.append(record)
        return record

    def _result(self, *, ended: bool = True) -> Result:
        """Judge what there is; a result of a run that has not ended says so."""
        stopped = self.stopped if ended else "the run was ended from outside, after the phases that are here"
        return judge_run(
            Run(
                url=self.target.url,
                profile=self.profile,
                workloads=self._ran(),
                seed=self.seed,
                started_at=self._started_at,
                duration_s=time.perf_counter() - self._began_s,
                records=self.records,
                facts=self._facts,
                gpu=self.gpus.describe(),
                annotations_file=self.annotations_file,
                samples_digest=self.folder.digest,
                others=max(self._others, default=None),
                interrupted=self.interrupted,
                stopped=stopped,
                is_broken=bool(stopped) and ended and self.error is None,
            )
        )

    def _ran(self) -> set[str]:
        """Return the workloads to be run."""
        return set(self.workloads) - (set() if self.ollama else {"cold"})

    def _describe_ollama(self) -> dict[str, str]:
        if self.ollama is None:
            return {"Ollama": "not asked (--ollama): no cold starts, no memory of models, no account of its own"}
        try:
            return {"Ollama": f"{self.ollama.version()} at {self.ollama.url}"}
        except TargetError:
            return {"Ollama": f"does not tell its version, at {self.ollama.url}"}
