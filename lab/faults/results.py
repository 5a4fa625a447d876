"""The rows of all runs in one file, and the files of each row: samples, result, and the benchmark's page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from bench.atomic_file import write_atomically
from bench.evidence.counters import Counters
from bench.evidence.environment import describe_machine
from bench.evidence.rules import PhaseRecord
from bench.report.page import render
from bench.results import Annotation, Result, ThresholdResult, Verdict, encode_result
from bench.run_folder import RESULT_FILE, SAMPLES_FILE, RunFolder
from bench.verdict.summaries import summarize_phase
from lab.faults.row import Row, evidence
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lab.faults.fault import Fault
    from lab.faults.watch import Watched

REPORTS = ROOT / "reports" / "faults"
"""A folder for each row."""

ROWS_FILE = ROOT / "docs" / "examples" / "faults.json"
"""The rows, as docs/reliability.md shows them."""


def load_rows(file: Path) -> list[Row]:
    """Return the rows of a file; none where there is none."""
    return msgspec.json.decode(file.read_bytes(), type=list[Row]) if file.exists() else []


def save_rows(file: Path, new: Iterable[Row], order: Sequence[str]) -> list[Row]:
    """Put rows into a file in place of earlier ones of the same faults, and return all.

    Args:
        file: Where they are kept.
        new: The rows.
        order: Names of all faults; what is none of them goes.
    """
    rows = {row.name: row for row in (*load_rows(file), *new)}
    kept = [rows[name] for name in order if name in rows]
    write_atomically(file, msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    return kept


def write_report(folder: RunFolder, url: str, fault: Fault, row: Row, watched: Watched) -> None:
    """Write samples, result and page of a row.

    Args:
        folder: Of the row.
        url: Of the site.
        fault: Of the row.
        row: What came of it.
        watched: What happened.

    Raises:
        StorageError: They cannot be written.
    """
    folder.keep(watched.samples)
    result = _result(folder, url, fault, row, watched)
    folder.finish(
        {
            RESULT_FILE: lambda: encode_result(result),
            "report.html": lambda: render(result, watched.samples).encode(),
        }
    )


def _result(folder: RunFolder, url: str, fault: Fault, row: Row, watched: Watched) -> Result:
    injected_s = watched.began_s + watched.moments.injected_ns / 1e9
    healed_s = watched.began_s + watched.moments.healed_ns / 1e9
    annotations = [Annotation(at_s=injected_s, what=f"{fault.part}: {fault.title}")]
    if not fault.heals_itself:
        annotations.append(Annotation(at_s=healed_s, what="healed"))
    if row.noticed_s is not None:
        annotations.append(Annotation(at_s=injected_s + row.noticed_s, what=f"noticed: {row.noticed}"))
    if row.recovery_s is not None:
        begun_s = injected_s if fault.heals_itself else healed_s
        annotations.append(Annotation(at_s=begun_s + row.recovery_s, what="as before"))
    record = PhaseRecord(watched.phase, watched.samples, watched.end, Counters(), began_s=watched.began_s)
    phase = summarize_phase(record, [])
    return Result(
        target=url,
        profile=fault.name,
        profile_description=f"{fault.part}: {fault.title}.",
        hardware="the lab's host",
        seed=watched.phase.seed,
        started_at=row.started_at,
        duration_s=watched.began_s + phase.wall_s,
        verdict=Verdict(row.verdict),
        reasons=row.reasons,
        interrupted=False,
        environment=describe_machine(),
        tasks=[],
        thresholds=_thresholds(row),
        evidence=evidence(watched),
        phases=[phase],
        samples_file=SAMPLES_FILE,
        annotations=sorted(annotations, key=lambda each: each.at_s),
        samples_digest=folder.digest,
    )


def _thresholds(row: Row) -> list[ThresholdResult]:
    """Return the row's bounds as the page shows bounds."""
    took_ms = None if row.recovery_s is None else row.recovery_s * 1000
    return [
        _threshold("lost{keys:cached}", "count<=0", "requests", 0, row.known_lost),
        _threshold("recovery", f"max<={row.bound_s * 1000:g}", "ms", row.bound_s * 1000, took_ms),
    ]


def _threshold(selector: str, expression: str, unit: str, bound: float, value: float | None) -> ThresholdResult:
    is_kept = value is not None and value <= bound
    return ThresholdResult(
        selector=selector,
        expression=expression,
        task="",
        # The verdict is the row's: some may lose requests, or be refused.
        gated=False,
        unit=unit,
        bound=bound,
        value=value,
        lower=None,
        upper=None,
        samples=1,
        verdict=Verdict.PASS if is_kept else Verdict.FAIL,
    )


def now() -> str:
    """Return the time of day, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
