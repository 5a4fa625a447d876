"""The result of a run: its data, and its file."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from bench.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1
"""Version of the result file; raised when a field changes its meaning or goes."""


class Verdict(enum.StrEnum):
    """What a run or one bound of it came to; the worst one is the run's."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"

    @property
    def exit_status(self) -> int:
        """0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 INVALID."""
        return list(Verdict).index(self)


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of one task by one cache path, in milliseconds, nearest-rank percentiles of proven raw samples."""

    samples: int
    min_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Nearest-rank percentiles of the successes of a phase, in milliseconds."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float


class TaskResult(msgspec.Struct, frozen=True, kw_only=True):
    """One task.

    Attributes:
        task: Its name.
        uncached: Latencies of computed answers.
        cached: Latencies of cached answers.
        ratio: How many times faster the cache is at the median.
        ratio_low: Lower bound of the ratio's 95 % interval; None where the samples are too few for one.
        ratio_high: Upper bound, likewise.
        verdict: The task's own.
    """

    task: str
    uncached: Latency | None
    cached: Latency | None
    ratio: float | None
    ratio_low: float | None = None
    ratio_high: float | None = None
    verdict: Verdict


class ThresholdResult(msgspec.Struct, frozen=True, kw_only=True):
    """One bound and what was measured.

    Attributes:
        selector: The threshold's selector as written in slo.yml.
        expression: Its expression as written.
        task: The task it is scoped to; empty for all.
        gated: Whether it decides the verdict.
        unit: ``ms`` or ``share``.
        bound: The bound, in that unit.
        value: What was measured, in that unit; None without samples.
        lower: Lower confidence bound, None where so few samples give none.
        upper: Upper confidence bound, likewise.
        samples: How many samples were judged.
        independent: How many independent ones these are worth; None where that does not matter.
        verdict: What it came to; never INVALID.
        note: Why, where that is not plain to see.
    """

    selector: str
    expression: str
    task: str
    gated: bool
    unit: str
    bound: float
    value: float | None
    lower: float | None
    upper: float | None
    samples: int
    verdict: Verdict
    independent: float | None = None
    note: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of evidence, applied to one phase. A rule that does not hold makes the run INVALID."""

    rule: str
    phase: str
    task: str
    holds: bool
    detail: str


class GpuUse(msgspec.Struct, frozen=True, kw_only=True):
    """What all GPUs of a host together did during a phase; None is what they do not tell.

    Attributes:
        readings: How many readings of each GPU it comes from.
        utilization: Mean share of time with a kernel running, from 0 to 1, over all GPUs.
        memory_mib: Most memory in use, in MiB, summed over GPUs.
        watts: Mean power, summed over GPUs, idle power included.
        joules_per_1000: Energy of the phase by its requests, for 1,000 of them.
    """

    readings: int
    utilization: float | None
    memory_mib: float | None
    watts: float | None
    joules_per_1000: float | None


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to the site during a run.

    Attributes:
        at_s: When, in seconds since the run began.
        what: In words.
    """

    at_s: float
    what: str


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one phase sent and got.

    Attributes:
        phase: ``cached`` or ``uncached``.
        task: The service's task.
        arrivals: How requests arrived, in words.
        planned: Arrivals that were due.
        sent: Requests that were sent.
        dropped: Arrivals that were not sent, because the service had not answered too many that were; they failed.
        warmup: Requests left out as warm-up.
        counted: Samples that count for latency: proven successes.
        failures: Failed requests after the warm-up, by reason.
        cache: Requests by ``Cache-Status`` outcome, warm-up included.
        lag_p99_ms: p99 of actual minus intended start, warm-up excluded.
        wall_s: Duration in seconds.
        generator_cpu: Processor time of the generator divided by the duration.
        goodput: Answers per second that succeeded within their latency bound; None where there is no such bound.
        started_s: First intended start, in seconds since the run began.
        gpu: What the GPUs did; None where nothing was sampled.
        offered: Arrivals a second that were due; None where that has no meaning.
        achieved: Successes a second.
        within: Successes a second within each tail bound, by the bound in milliseconds.
        response: What callers waited, from when their requests were due.
        service: What answers took from when requests were sent.
    """

    phase: str
    task: str
    arrivals: str
    planned: int
    sent: int
    dropped: int = 0
    warmup: int
    counted: int
    failures: dict[str, int]
    cache: dict[str, int]
    lag_p99_ms: float
    wall_s: float
    generator_cpu: float
    goodput: float | None = None
    started_s: float = 0.0
    gpu: GpuUse | None = None
    offered: float | None = None
    achieved: float | None = None
    within: dict[str, float] = {}
    response: Times | None = None
    service: Times | None = None


class HitRatio(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests of a Zipf mix needed no computation: by theory (`bench.verdict.hit_ratio`), and measured.

    Attributes:
        task: The service's task.
        catalogue: How many different requests there were.
        exponent: How unevenly they were asked.
        requests: How many were sent.
        predicted: Expected share of requests that need no computation.
        low: Least share that chance explains.
        high: Greatest.
        measured: Share of the successes that were hits, stale or coalesced.
    """

    task: str
    catalogue: int
    exponent: float
    requests: int
    predicted: float
    low: float
    high: float
    measured: float


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """Values of a metric that is no latency of requests.

    Attributes:
        metric: Its name, as thresholds name it.
        phase: The workload it comes from.
        task: The service's task; empty where it belongs to none.
        values: In the metric's unit.
        note: How they came about, in a line.
    """

    metric: str
    phase: str
    task: str
    values: list[float]
    note: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    Attributes:
        target: URL of the service that was measured.
        profile: Name of the profile in slo.yml.
        profile_description: Its description there.
        hardware: The hardware its gated bounds are meant for.
        seed: Names the requests.
        started_at: UTC, ISO 8601.
        duration_s: Of the whole run, in seconds.
        verdict: The run's verdict.
        reasons: Why the verdict is not PASS, a sentence each.
        interrupted: The run was stopped before its end; what is here is what there was.
        environment: What was measured and on what, as words: CPU, cores, versions, model.
        tasks: The three tasks.
        thresholds: The bounds.
        evidence: The rules of evidence.
        phases: What was sent.
        samples_file: Name of the file of raw samples, beside this one.
        annotations: What was done to the site meanwhile.
        hit_ratios: Of Zipf mixes: predicted and measured.
        measurements: Of herds, streams and models.
        stopped: Why the run ended before its end, in a sentence; empty where it did not, or was interrupted.
        samples_digest: SHA-256 of the file of raw samples; empty in results from before it was kept.
        others: Largest share of this machine that other programs used right before a cached phase; None where nobody
            looked.
        load: Digest of what was to be sent; runs of the same digest were under the same load.
        bounds: Digest of the bounds.
        schema: Version of this format.
    """

    target: str
    profile: str
    profile_description: str
    hardware: str
    seed: str
    started_at: str
    duration_s: float
    verdict: Verdict
    reasons: list[str]
    interrupted: bool
    environment: dict[str, str]
    tasks: list[TaskResult]
    thresholds: list[ThresholdResult]
    evidence: list[Finding]
    phases: list[PhaseResult]
    samples_file: str
    annotations: list[Annotation] = msgspec.field(default_factory=list, name="marks")
    hit_ratios: list[HitRatio] = []
    measurements: list[Measurement] = []
    stopped: str = ""
    samples_digest: str = ""
    others: float | None = None
    load: str = ""
    bounds: str = ""
    schema: int = SCHEMA


def encode_result(result: Result) -> bytes:
    """Return the result as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def load_result(path: Path) -> Result:
    """Read a result file.

    Args:
        path: The file, or the folder of a run.

    Raises:
        FileFormatError: There is none, or it is not a result of this version.
    """
    file = path / "result.json" if path.is_dir() else path
    try:
        result = msgspec.json.decode(file.read_bytes(), type=Result)
    except OSError as error:
        raise FileFormatError(f"cannot be read ({error.strerror}); expected a run's result.json", str(file)) from error
    except msgspec.MsgspecError as error:
        raise FileFormatError(f"no result of a run: {error}", str(file)) from error
    if result.schema != SCHEMA:
        raise FileFormatError(f"has schema {result.schema}; this version reads {SCHEMA}", str(file))
    return result
