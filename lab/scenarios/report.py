"""Runs of scenarios in words: what is ahead, why one failed, the table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from lab.scenarios import record
from lab.scenarios.phases import SUCCESSFUL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.scenarios.matrix import Job
    from lab.scenarios.phases import Phase
    from lab.scenarios.record import Run


def span(seconds: float) -> str:
    """A time as one says it: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def outlook(before: Sequence[Job], expected: Mapping[Job, float | None]) -> str:
    """What will run and about how long it takes.

    Args:
        before: jobs that need not run again.
        expected: the others, with the seconds of their last good run where there was one.
    """
    known = [seconds for seconds in expected.values() if seconds]
    words = f"{len(expected)} to run"
    if known:
        words += f", about {span(sum(known))}"
    if unknown := [str(job) for job, seconds in expected.items() if not seconds]:
        words += f"; nobody knows how long: {', '.join(unknown)}"
    if before:
        words += f"; passed before with these files: {', '.join(map(str, before))}"
    return words


def explanation(run: Run) -> str:
    """Why a run did not pass, as far as molecule said."""
    bad = next((phase for phase in run.phases if not phase.is_good), None)
    if bad is None:
        missing = ": molecule did not show all the phases that it announced" if run.result == record.FAILED else ""
        return run.result + missing
    # Where molecule was content, its word does not tell the fault.
    fault = f": {bad.fault}" if bad.outcome == SUCCESSFUL else ""
    return f"{run.result} in {name(bad)}{fault}"


def name(phase: Phase) -> str:
    """A phase with the last part of the playbook or folder that it names."""
    return f"{phase.action} {phase.argument.rpartition('/')[2]}".strip()


def table(runs: Sequence[Run]) -> Table:
    """A line a run."""
    shown = Table("scenario", "release", "result", "phases, in seconds")
    shown.add_column("seconds", justify="right")
    for run in runs:
        phases = " · ".join(map(_timed, run.phases))
        colour = "green" if run.result == record.PASSED else "red"
        shown.add_row(run.scenario, run.suite, f"[{colour}]{run.result}[/]", phases, f"{run.seconds:.0f}")
    return shown


def _timed(phase: Phase) -> str:
    mark = "" if phase.is_good else f" ✗ {phase.fault}"
    return f"{name(phase)} {phase.seconds:.0f}{mark}"
