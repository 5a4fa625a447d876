"""One run from the first question to the result: make ready, warm up, run the phases, examine, judge."""

from __future__ import annotations

import secrets
import tempfile
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench import evidence, verdict
from bench.environment import describe_machine, describe_service
from bench.evidence import PhaseRecord
from bench.generator import Generator
from bench.plan import Phase, plan
from bench.results import Result, Verdict
from bench.samples import Outcome, Sample, read_samples

if TYPE_CHECKING:
    from bench.counters import Counters
    from bench.slo import Profile
    from bench.target import Target

SETTLE_SECONDS = 2.0
"""How long counters may lag behind the answers they count."""

SAMPLES_FILE = "samples.jsonl"


class Observer(Protocol):
    """Somebody who watches a run; all calls come from the run's own thread."""

    def began(self, label: str, total: int) -> None:
        """A step of so many requests begins."""

    def advanced(self, done: int) -> None:
        """So many of them are done."""

    def ended(self, note: str) -> None:
        """The step is over; the note says what came of it."""


@dataclass(slots=True)
class Session:
    """A run of one profile against one target.

    Attributes:
        target: The service; it must be ready.
        profile: What to send and which bounds to hold it to.
        observer: Is told how it goes.
        log: File that collects Locust's own output.
        seed: Names the requests; random, so that no earlier run has asked the same.
        records: The phases that were run, filled as the run goes on.
        interrupted: The run was stopped by the user.
    """

    target: Target
    profile: Profile
    observer: Observer
    log: Path
    seed: str = field(default_factory=lambda: secrets.token_hex(8))
    records: list[PhaseRecord] = field(default_factory=list)
    interrupted: bool = False

    def run(self) -> Result:
        """Run all phases; on Ctrl-C end early with what there is.

        Raises:
            GeneratorError: Locust failed.
        """
        started_at, started = datetime.now(UTC), time.monotonic()
        version = self.target.version()
        self.log.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="alchemorsel-bench-") as folder:
            try:
                self._run_phases(Path(folder))
            except KeyboardInterrupt:
                self.interrupted = True
        return self._result(version, started_at, time.monotonic() - started)

    @property
    def samples(self) -> list[Sample]:
        """All raw samples so far."""
        return [sample for record in self.records for sample in record.samples]

    def _run_phases(self, folder: Path) -> None:
        generator = Generator(self.target.url, self.seed, self.log)
        self._load_model()
        for phase in plan(self.profile.load):
            known = phase if phase.name == "uncached" else self._prime(phase)
            self._run_phase(generator, known, folder / f"{phase.name}-{phase.task}.jsonl")

    def _load_model(self) -> None:
        """Warm-up of the uncached phases: one request nobody measures, so that the model is in memory."""
        self.observer.began("warm-up: model", 1)
        answer = self.target.ask("ingredients", f"{self.seed}-warm-up", 0)
        self.observer.ended(_tell(answer))

    def _prime(self, phase: Phase) -> Phase:
        """Ask for each known request once, so that a cached phase starts with all of them in the cache.

        They are those that the uncached phase was answered, so this takes milliseconds unless the cache lost them.
        """
        first = next((record for record in self.records if record.phase.task == phase.task), None)
        asked = len({sample.index for sample in first.samples if sample.ok}) if first else 0
        ready = replace(phase, distinct=max(1, min(phase.distinct, asked)))
        self.observer.began(f"priming: {phase.task}", ready.distinct)
        answers: list[Outcome] = []
        for index in range(ready.distinct):
            answers.append(self.target.ask(phase.task, self.seed, index))
            self.observer.advanced(index + 1)
        self.observer.ended(_tell(answers[-1]))
        return ready

    def _run_phase(self, generator: Generator, phase: Phase, file: Path) -> None:
        before = self.target.counters()
        self.observer.began(f"{phase.name}: {phase.task}", phase.arrivals.count)
        try:
            generator.run(phase, file, self.observer.advanced)
        finally:
            record = self._record(phase, file, before)
        summary = verdict.summarize_latency(record.samples)
        shape = f"p50 {summary.p50_ms:,.1f} ms, p95 {summary.p95_ms:,.1f} ms" if summary else "no proven sample"
        self.observer.ended(shape)

    def _record(self, phase: Phase, file: Path, before: Counters) -> PhaseRecord:
        """Keep what a phase left behind; the service gets a moment to count its last answers."""
        samples, end = read_samples(file)
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            record = PhaseRecord(phase, samples, end, self.target.counters().since(before))
            if evidence.agrees(record) or time.monotonic() > deadline:
                self.records.append(record)
                return record
            time.sleep(SETTLE_SECONDS / 20)

    def _result(self, version: str, started_at: datetime, duration_s: float) -> Result:
        samples = self.samples
        bound_ms = self.profile.load.max_lag_p99_ms
        findings = [finding for record in self.records for finding in evidence.examine(record, bound_ms)]
        thresholds = [verdict.judge(threshold, samples) for threshold in self.profile.thresholds]
        reasons = verdict.explain(thresholds, findings)
        if self.interrupted:
            reasons.insert(0, f"interrupted in or after phase {len(self.records)}; the figures are partial")
        proven = not self.interrupted and all(finding.holds for finding in findings)
        gated = [bound.verdict for bound in thresholds if bound.gated]
        return Result(
            target=self.target.url,
            profile=self.profile.name,
            profile_description=self.profile.description,
            hardware=self.profile.hardware,
            seed=self.seed,
            started_at=started_at.isoformat(timespec="seconds"),
            duration_s=duration_s,
            verdict=verdict.worst(gated) if proven else Verdict.INVALID,
            reasons=reasons,
            interrupted=self.interrupted,
            environment=describe_service(version, samples) | describe_machine(),
            tasks=verdict.summarize_tasks(samples, thresholds, findings),
            thresholds=thresholds,
            evidence=findings,
            phases=[verdict.summarize_phase(record) for record in self.records],
            samples_file=SAMPLES_FILE,
        )


def _tell(answer: Outcome) -> str:
    if answer["failure"]:
        return f"failed: {answer['failure']}"
    return f"{answer['cache']}, {answer['provider'] or 'unnamed provider'}"
