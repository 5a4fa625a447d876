"""One run from the first question to the result: make ready, warm up, run the phases, examine, judge."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.errors import BenchError, FileFormatError, RefusedError, StorageError, TargetError
from bench.evidence import rules
from bench.evidence.annotations import read_annotations
from bench.evidence.environment import describe_machine, describe_makers
from bench.evidence.gpu import summarize_gpu
from bench.evidence.rules import PhaseRecord
from bench.failures import NOT_SENT, TIMEOUT, count_failures, failure_kind
from bench.load.credentials import explain_key
from bench.load.plan import WORKLOADS, Phase, own_seed, plan
from bench.load.request_mix import ALL_TASKS
from bench.load.workload import TASKS
from bench.report.formats import format_ms
from bench.results import Annotation, Result, Verdict
from bench.run_folder import SAMPLES_FILE, storage_error
from bench.samples import Outcome, Sample, read_samples
from bench.verdict import verdicts
from bench.verdict.hit_ratio import compare
from bench.verdict.measurements import measure
from bench.verdict.thresholds import implied_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from bench.evidence.counters import Counters
    from bench.evidence.ollama import Ollama
    from bench.interfaces import Gpus, LoadGenerator, Observer, Service
    from bench.run_folder import RunFolder
    from bench.verdict.slo import Profile

SETTLE_SECONDS = 2.0
"""How long counters may lag behind the answers they count."""

WARM_UPS = 3
"""Attempts at the request that loads the model: one failure may be chance, three are not."""


class BrokenServiceError(Exception):
    """The service cannot be measured because it does not work: a FAIL, and no error of the harness."""


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
                self._load_model()
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
            known = self._prime(phase) if phase.name in {"cached", "mixed"} else phase
            if phase.name == "cached" and self.busy_share is not None:
                self._others.append(self.busy_share())
            self._run_phase(known, self.folder.phase_file(f"{phase.name}-{phase.task}.jsonl"))
            self._keep()
            self.folder.checkpoint(self._result(ended=False))
            samples = self.records[-1].samples
            kinds = count_failures(samples).keys()
            if TIMEOUT in kinds and kinds <= {TIMEOUT, NOT_SENT} and not any(sample.ok for sample in samples):
                raise BrokenServiceError(f"no request of phase {phase.name} {phase.task} was answered in time")

    def _load_model(self) -> None:
        """Warm-up of the uncached phases: one request nobody measures, so that the model is in memory.

        Raises:
            RefusedError: The service wants another key.
            TargetError: It is not reachable any more.
            BrokenServiceError: It answers, but not what was asked.
        """
        self.observer.began("warm-up: model", 1)
        task = self._warm_up_task()
        for attempt in range(WARM_UPS):
            answer = self.target.ask(task, f"{self.seed}-warm-up", attempt)
            if not answer["failure"]:
                self.observer.ended(_tell(answer))
                return
            if answer["status"] in {401, 403}:
                raise RefusedError(f"the warm-up request was refused: {answer['failure']}; {explain_key()}")
            if failure_kind(answer["failure"]) == TIMEOUT:
                break
        times = f"{attempt + 1} times" if attempt else "once"
        message = f"the warm-up request failed {times}: {answer['failure']}"
        if not answer["status"] and failure_kind(answer["failure"]) != TIMEOUT:
            raise TargetError(f"{self.target.url}: {message}")
        raise BrokenServiceError(f"{message}; nothing was measured")

    def _prime(self, phase: Phase) -> Phase:
        """Ask for each known request once, so that a cached phase starts with all of them in the cache.

        They are those that the uncached phase was answered, so this takes milliseconds unless the cache lost them.

        Raises:
            BrokenServiceError: One of them ran into the deadline, as each of the others would.
        """
        tasks = tuple(TASKS) if phase.task == ALL_TASKS else (phase.task,)
        distinct = min([phase.distinct, *(self._asked(task) for task in tasks if self._asked(task))])
        self.observer.began(f"priming: {phase.task}", distinct * len(tasks))
        answers: list[Outcome] = []
        for task, index in itertools.product(tasks, range(distinct)):
            answers.append(answer := self.target.ask(task, self.seed, index))
            self.observer.advanced(len(answers))
            if answer["failure"] and failure_kind(answer["failure"]) == TIMEOUT:
                raise BrokenServiceError(f"a known request of {task} was not answered: {answer['failure']}")
        self.observer.ended(_tell(answers[-1]))
        return replace(phase, distinct=distinct)

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
        summary = verdicts.summarize_latency(record.samples)
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
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            grown = self.target.counters().since(before)
            record = PhaseRecord(phase, samples, end, grown, attempt, began_s - self._began_s, gpu)
            if rules.agrees(record) or time.monotonic() > deadline:
                self.records.append(record)
                return record
            time.sleep(SETTLE_SECONDS / 20)

    def _result(self, *, ended: bool = True) -> Result:
        """Judge what there is; a result of a run that has not ended says so."""
        samples, duration_s = self.samples, time.perf_counter() - self._began_s
        stopped = self.stopped if ended else "the run was ended from outside, after the phases that are here"
        bound_ms = self.profile.load.max_lag_p99_ms
        findings = [finding for record in self.records for finding in rules.examine(record, bound_ms)]
        measurements = [found for record in self.records for found in measure(record)]
        bounds = [bound for bound in self.profile.thresholds if bound.phase in {"", *self._ran()}]
        bounds += implied_bounds(bounds, samples)
        thresholds = [verdicts.judge(bound, samples, measurements) for bound in bounds]
        reasons = verdicts.explain(thresholds, findings) if self.records else []
        if self.interrupted:
            reasons.insert(0, f"interrupted in or after phase {len(self.records)}; the figures are partial")
        if stopped:
            reasons.insert(0, stopped)
        annotations: list[Annotation] = []
        if self.annotations_file:
            try:
                annotations = read_annotations(self.annotations_file, self._started_at, duration_s)
            except FileFormatError as error:
                reasons.append(f"the annotations are left out: {error}")
        proven = not self.interrupted and all(finding.holds for finding in findings)
        broken = bool(stopped) and ended and self.error is None
        gated = [bound.verdict for bound in thresholds if bound.gated]
        return Result(
            target=self.target.url,
            profile=self.profile.name,
            profile_description=self.profile.description,
            hardware=self.profile.hardware,
            seed=self.seed,
            started_at=self._started_at.isoformat(timespec="seconds"),
            duration_s=duration_s,
            verdict=Verdict.INVALID
            if not proven or (stopped and not broken)
            else Verdict.FAIL
            if broken
            else verdicts.worst(gated),
            reasons=reasons,
            interrupted=self.interrupted,
            environment=self._facts | describe_makers(samples) | {"GPU": self.gpus.describe()} | describe_machine(),
            tasks=verdicts.summarize_tasks(samples, thresholds, findings),
            thresholds=thresholds,
            evidence=findings,
            phases=[verdicts.summarize_phase(record, self.profile.thresholds) for record in self.records],
            samples_file=SAMPLES_FILE,
            annotations=annotations,
            hit_ratios=[
                found
                for record in self.records
                if record.phase.name == "zipf" and (found := compare(record.phase, record.samples)) is not None
            ],
            measurements=measurements,
            stopped=stopped,
            samples_digest=self.folder.digest,
            others=max(self._others, default=None),
            load=_digest(phase for phase in plan(self.profile.load, "") if phase.name in self._ran()),
            bounds=_digest((bound.selector, bound.expression, bound.gated) for bound in self.profile.thresholds),
        )

    def _ran(self) -> set[str]:
        """Return the workloads to be run, since bounds of others have nothing to be compared with."""
        return set(self.workloads) - (set() if self.ollama else {"cold"})

    def _describe_ollama(self) -> dict[str, str]:
        if self.ollama is None:
            return {"Ollama": "not asked (--ollama): no cold starts, no memory of models, no account of its own"}
        try:
            return {"Ollama": f"{self.ollama.version()} at {self.ollama.url}"}
        except TargetError:
            return {"Ollama": f"does not tell its version, at {self.ollama.url}"}


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]


def _tell(answer: Outcome) -> str:
    if answer["failure"]:
        return f"failed: {answer['failure']}"
    return f"{answer['cache']}, {answer['provider'] or 'unnamed provider'}"
