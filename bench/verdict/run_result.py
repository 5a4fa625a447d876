"""From the records of a run to its result: evidence examined, bounds judged, reasons told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import FileFormatError
from bench.evidence.annotations import read_annotations
from bench.evidence.environment import describe_machine, describe_makers
from bench.evidence.rules import examine
from bench.load.plan import plan
from bench.results import Annotation, Result, Verdict
from bench.run_folder import SAMPLES_FILE
from bench.verdict.hit_ratio import compare
from bench.verdict.measurements import measure
from bench.verdict.summaries import summarize_phase, summarize_tasks
from bench.verdict.thresholds import implied_bounds
from bench.verdict.verdicts import explain, judge, worst

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from bench.evidence.rules import PhaseRecord
    from bench.verdict.slo import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run.

    Attributes:
        url: Of the service.
        profile: What was to be sent and which bounds to hold it to.
        workloads: Those of the profile that were to be run; bounds of others have nothing to be compared with.
        seed: Names the requests.
        started_at: When it began.
        duration_s: How long it has taken.
        records: The phases that were run.
        facts: What service and Ollama say of themselves.
        gpu: The GPUs, in words.
        annotations_file: File of annotations; None without one.
        samples_digest: Of the file of raw samples.
        others: Largest share of this machine that other programs used right before a cached phase; None where nobody
            looked.
        interrupted: The run was stopped by the user.
        stopped: Why else it ended early, in a sentence.
        is_broken: It ended early because the service does not work.
    """

    url: str
    profile: Profile
    workloads: Collection[str]
    seed: str
    started_at: datetime
    duration_s: float
    records: Sequence[PhaseRecord]
    facts: Mapping[str, str]
    gpu: str
    annotations_file: Path | None
    samples_digest: str
    others: float | None
    interrupted: bool
    stopped: str
    is_broken: bool


def judge_run(run: Run) -> Result:
    """Return the result of a run."""
    profile, records = run.profile, run.records
    samples = [sample for record in records for sample in record.samples]
    findings = [finding for record in records for finding in examine(record, profile.load.max_lag_p99_ms)]
    measurements = [found for record in records for found in measure(record)]
    bounds = [bound for bound in profile.thresholds if bound.phase in {"", *run.workloads}]
    bounds += implied_bounds(bounds, samples)
    thresholds = [judge(bound, samples, measurements) for bound in bounds]
    reasons = explain(thresholds, findings) if records else []
    if run.interrupted:
        reasons.insert(0, f"interrupted in or after phase {len(records)}; the figures are partial")
    if run.stopped:
        reasons.insert(0, run.stopped)
    annotations: list[Annotation] = []
    if run.annotations_file:
        try:
            annotations = read_annotations(run.annotations_file, run.started_at, run.duration_s)
        except FileFormatError as error:
            reasons.append(f"the annotations are left out: {error}")
    if run.interrupted or not all(finding.holds for finding in findings) or (run.stopped and not run.is_broken):
        verdict = Verdict.INVALID
    elif run.is_broken:
        verdict = Verdict.FAIL
    else:
        verdict = worst(bound.verdict for bound in thresholds if bound.gated)
    return Result(
        target=run.url,
        profile=profile.name,
        profile_description=profile.description,
        hardware=profile.hardware,
        seed=run.seed,
        started_at=run.started_at.isoformat(timespec="seconds"),
        duration_s=run.duration_s,
        verdict=verdict,
        reasons=reasons,
        interrupted=run.interrupted,
        environment={**run.facts, **describe_makers(samples), "GPU": run.gpu, **describe_machine()},
        tasks=summarize_tasks(samples, thresholds, findings),
        thresholds=thresholds,
        evidence=findings,
        phases=[summarize_phase(record, profile.thresholds) for record in records],
        samples_file=SAMPLES_FILE,
        annotations=annotations,
        hit_ratios=[
            found
            for record in records
            if record.phase.name == "zipf" and (found := compare(record.phase, record.samples)) is not None
        ],
        measurements=measurements,
        stopped=run.stopped,
        samples_digest=run.samples_digest,
        others=run.others,
        load=_digest(phase for phase in plan(profile.load, "") if phase.name in run.workloads),
        bounds=_digest((bound.selector, bound.expression, bound.gated) for bound in profile.thresholds),
    )


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
