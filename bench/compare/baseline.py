"""What is kept of a run to compare it with others: batches and quantiles in a small file, instead of raw samples."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from bench.compare.batches import batch
from bench.errors import FileFormatError, NotComparableError
from bench.evidence.rules import is_proven
from bench.failures import count_failures
from bench.results import Result, Verdict, load_result
from bench.run_folder import read_run
from bench.verdict.thresholds import parse_threshold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.samples import Sample

SCHEMA = 1
"""Version of the baseline file."""

_KNOWN = re.compile(r" over \d+ known requests")
"""How many of them a run had in time is an outcome, and no load."""

QUANTILES = 200
"""Raw latencies that are kept of a scope, evenly spaced in rank, for the effect size."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The latencies of one task by one cache path in one phase.

    Attributes:
        phase: As in `bench.samples.Sample`.
        task: As there.
        cache: As there.
        gated: Whether a latency bound of the run's profile gates it.
        samples: How many proven samples it comes from.
        p50_ms: Median of each batch, in milliseconds, in order of time.
        p95_ms: The batches' p95, likewise; empty where there are too few samples.
        quantiles_ms: Raw latencies, sorted, evenly spaced in rank.
    """

    phase: str
    task: str
    cache: str
    gated: bool
    samples: int
    p50_ms: list[float]
    p95_ms: list[float]
    quantiles_ms: list[float]

    @property
    def name(self) -> str:
        """What a reader calls it; the phase is left out where it says no more than the cache outcome."""
        usual = {"cached": "hit", "uncached": "miss"}.get(self.phase) == self.cache
        return f"{self.task} {self.cache}" if usual else f"{self.phase} {self.task} {self.cache}"


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The failures of one task in one phase, after the warm-up.

    Attributes:
        phase: As in `bench.samples.Sample`.
        task: As there.
        sent: Requests.
        failed: How many of them failed.
        kinds: By kind.
    """

    phase: str
    task: str
    sent: int
    failed: int
    kinds: dict[str, int]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """A run, condensed.

    Attributes:
        target: URL that was measured.
        profile: Profile of slo.yml, so also the load.
        started_at: UTC, ISO 8601.
        environment: As in `bench.results.Result`.
        scopes: In the order in which they were measured.
        failures: Of every task in every phase; None in files from before they were kept.
        load: How requests arrived, in words, by phase and task; empty in files from before that was kept.
        bounds: Digest of the bounds; empty likewise.
        others: As in `bench.results.Result`; None likewise.
        kind: Says what the file is.
        schema: Version of this format.
    """

    target: str
    profile: str
    started_at: str
    environment: dict[str, str]
    scopes: list[Scope]
    failures: list[Failures] | None = None
    load: dict[str, str] = {}
    bounds: str = ""
    others: float | None = None
    kind: str = "alchemorsel bench baseline"
    schema: int = SCHEMA

    def refuse_other_load(self, profile: str, load: Mapping[str, str]) -> None:
        """Refuse to be compared with a run under other load.

        Args:
            profile: The run's.
            load: As `load`, of that run.

        Raises:
            NotComparableError: It was, or will be, under another one.
        """
        if self.profile != profile:
            raise NotComparableError(f"different load: OLD is of profile {self.profile}, NEW of {profile}")
        for phase in self.load:
            if self.load[phase] != load.get(phase, self.load[phase]):
                raise NotComparableError(f"different load in {phase}: OLD {self.load[phase]}, NEW {load[phase]}")


def describe_load(arrivals: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return what a run was asked to send, in words, by phase and task.

    Args:
        arrivals: Phase, task and arrivals, in words, of each phase.
    """
    return {f"{phase} {task}": _KNOWN.sub("", how) for phase, task, how in arrivals}


def condense(result: Result, samples: Sequence[Sample]) -> Baseline:
    """Return what is kept of a run.

    Args:
        result: The run.
        samples: Its raw samples.

    Raises:
        NotComparableError: The run proves nothing: it is INVALID, or was interrupted, or has no proven sample.
    """
    if result.verdict is Verdict.INVALID:
        why = "; ".join(result.reasons) or "its evidence does not hold"
        raise NotComparableError(f"the run of {result.started_at} is INVALID, so no base for a comparison: {why}")
    scopes = list(_scopes(result, samples))
    if not scopes:
        raise NotComparableError(f"the run of {result.started_at} has no proven sample")
    return Baseline(
        target=result.target,
        profile=result.profile,
        started_at=result.started_at,
        environment=result.environment,
        scopes=scopes,
        failures=list(_failures(samples)),
        load=describe_load((phase.phase, phase.task, phase.arrivals) for phase in result.phases),
        bounds=result.bounds,
        others=result.others,
    )


def _failures(samples: Sequence[Sample]) -> Iterator[Failures]:
    measured = sorted((sample for sample in samples if not sample.warmup), key=lambda one: (one.phase, one.task))
    for (phase, task), group in groupby(measured, lambda one: (one.phase, one.task)):
        ours = list(group)
        kinds = count_failures(ours)
        yield Failures(phase=phase, task=task, sent=len(ours), failed=sum(kinds.values()), kinds=kinds)


def _scopes(result: Result, samples: Sequence[Sample]) -> Iterator[Scope]:
    bounds = (parse_threshold(one.selector, one.expression, gated=one.gated) for one in result.thresholds)
    gates = [bound for bound in bounds if bound.gated and bound.metric == "latency"]
    proven = sorted(filter(is_proven, samples), key=_scope)
    by_scope = {key: sorted(group, key=lambda sample: sample.intended_ns) for key, group in groupby(proven, _scope)}
    for (phase, task, cache), ours in by_scope.items():
        latencies = [sample.latency_ns / 1e6 for sample in ours]
        ordered = sorted(latencies)
        kept = min(QUANTILES, len(ordered))
        yield Scope(
            phase=phase,
            task=task,
            cache=cache,
            gated=any(gate.selects(ours[0]) for gate in gates),
            samples=len(ours),
            p50_ms=batch(latencies, 50),
            p95_ms=batch(latencies, 95),
            quantiles_ms=[ordered[(2 * number + 1) * len(ordered) // (2 * kept)] for number in range(kept)],
        )


def _scope(sample: Sample) -> tuple[str, str, str]:
    return sample.phase, sample.task, sample.cache


def encode_baseline(baseline: Baseline) -> bytes:
    """Return the baseline as JSON, a few kilobytes for each scope, that fits a repository."""
    return msgspec.json.format(msgspec.json.encode(_rounded(baseline)), indent=1) + b"\n"


def _rounded(baseline: Baseline) -> Baseline:
    """Round to microseconds: what a clock of milliseconds' work can tell apart."""
    names = ("p50_ms", "p95_ms", "quantiles_ms")
    scopes = [
        msgspec.structs.replace(scope, **{name: [round(value, 3) for value in getattr(scope, name)] for name in names})
        for scope in baseline.scopes
    ]
    return msgspec.structs.replace(baseline, scopes=scopes)


def load_baseline(path: Path) -> Baseline:
    """Read one side of a comparison.

    Args:
        path: A baseline file, a run's folder, or its result.json with the raw samples beside it.

    Raises:
        FileFormatError: It is none of these, or of another version.
        NotComparableError: The run proves nothing.
    """
    if path.is_dir() or path.name == "result.json":
        result = load_result(path)
        folder = path if path.is_dir() else path.parent
        return condense(result, read_run(folder, result))
    try:
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError as error:
        raise FileFormatError(f"cannot be read ({error.strerror}); expected a run or a baseline", str(path)) from error
    except msgspec.MsgspecError as error:
        raise FileFormatError(f"no baseline and no run: {error}", str(path)) from error
    if baseline.schema != SCHEMA:
        raise FileFormatError(f"has schema {baseline.schema}; this version reads {SCHEMA}", str(path))
    return baseline
