"""Writes what runs of scenarios showed into `docs/roles.md` (`make docs`), from `docs/scenario_runs.json`.

``python -m docs.scenario_runs .lab/scenarios`` takes up the runs of a checkout before that: the last one of each
scenario and release, where the files were those of a commit.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from docs.role_evidence import CLAIMS, Subjects, of_role, of_scenario
from lab.images import SUITES
from lab.paths import ROOT
from lab.scenarios import record, report
from lab.scenarios.matrix import SCENARIOS, Job
from lab.scenarios.record import COMMITTED, Records, Run
from lab.scenarios.tree import is_in_history
from tools.docs.role_tables import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.scenarios.phases import Phase

PAGE = Path(__file__).with_name("roles.md")
BEGIN = "<!-- runs: made from docs/scenario_runs.json by `make docs` -->\n"
END = "<!-- /runs -->\n"
DEBIAN = dict(zip(SUITES, ("12", "13"), strict=True))
"""Numbers of the releases."""


def committed() -> list[Run]:
    """The runs that the page shows.

    Raises:
        LabError: the file holds something else.
    """
    return record.read_many(COMMITTED)


def taken_up(known: Sequence[Run], new: Sequence[Run], is_ours: Callable[[str], bool]) -> tuple[list[Run], list[str]]:
    """Known runs with new ones in their place, scenario by scenario.

    Args:
        known: runs that are shown already.
        new: runs of a checkout; of two of the same job, the one that began later is shown.
        is_ours: whether a revision is part of this history, so that others find it.

    Returns:
        The runs, and why some were left out.
    """
    last = {run.job: run for run in known}
    left_out = []
    for run in new:
        if run.result == record.INTERRUPTED:
            left_out.append(f"{run.job}: interrupted")
        elif not run.is_clean:
            left_out.append(f"{run.job}: the files were not those of a commit")
        elif not is_ours(run.revision):
            left_out.append(f"{run.job}: revision {run.revision[:7]} is not of this history")
        elif run.job not in last or last[run.job].begun <= run.begun:
            last[run.job] = run
    jobs = [Job(scenario, suite) for scenario in SCENARIOS for suite in SUITES]
    return [last[job] for job in jobs if job in last], left_out


def to_json(runs: Sequence[Run]) -> str:
    """A list with a line a run, so that a difference is a run's."""
    return "[\n" + ",\n".join(json.dumps(run.to_json()) for run in runs) + "\n]\n"


def with_tables(text: str, runs: list[Run]) -> str:
    """The page's text with the tables of these runs between its markers.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lost a marker of its tables: {BEGIN.strip()} ... {END.strip()}")
    return f"{before}{begin}\n{role_table(runs)}\n## The runs\n\n{run_table(runs)}\n{end}{after}"


def role_table(runs: list[Run]) -> str:
    """A row a role, then one a scenario of a whole site: where each claim was shown, and how long the scenario took."""
    rows = []
    for role in (folder.name for folder in roles()):
        times = [_times(role, suite, runs) for suite in SUITES]
        rows.append([f"[{role}](../roles/{role}/README.md)", *_releases(of_role(role, runs)), *times])
    for scenario in (name for name in SCENARIOS if not Subjects.of(name).brought):
        own = [run for run in runs if run.scenario == scenario and run.result == record.PASSED]
        times = [" ".join(f"{run.seconds:.0f} s" for run in own if run.suite == suite) for suite in SUITES]
        rows.append([f"scenario {scenario}", *_releases(of_scenario(own)), *times])
    return _table(["", *CLAIMS, *(f"Debian {DEBIAN[suite]}" for suite in SUITES)], rows)


def run_table(runs: list[Run]) -> str:
    """A row a run: what came of it, when, of which revision, and how long each phase took."""
    rows = [
        [
            f"[{run.scenario}](../molecule/{run.scenario}/molecule.yml)",
            DEBIAN[run.suite],
            run.result if run.result == record.PASSED else f"**{report.explanation(run)}**",
            run.begun[:10],
            f"`{run.revision[:7]}`",
            f"{run.seconds:.0f} s",
            " · ".join(map(_phase, run.phases)),
        ]
        for run in runs
    ]
    return _table(["Scenario", "Debian", "Result", "Day", "Revision", "Took", "Phases, in seconds"], rows)


def main(argv: list[str] | None = None) -> None:
    """Take up runs where a folder is named, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where a checkout keeps its runs: .lab/scenarios")
    folder = parser.parse_args(argv).folder
    if folder is not None:
        runs, left_out = taken_up(committed(), Records(folder).all(), partial(is_in_history, root=ROOT))
        COMMITTED.write_text(to_json(runs))
        sys.stderr.writelines(f"left out: {reason}\n" for reason in left_out)
    PAGE.write_text(with_tables(PAGE.read_text(), committed()))


def _releases(suites: Mapping[str, list[str]]) -> list[str]:
    return [" ".join(DEBIAN[suite] for suite in suites[claim]) for claim in CLAIMS]


def _times(role: str, suite: str, runs: list[Run]) -> str:
    """How long the scenarios took that are about a role; with a name where it is not the role's own."""
    here = [run for run in runs if run.suite == suite and run.result == record.PASSED]
    times = []
    for run in here:
        subjects = Subjects.of(run.scenario)
        if role in subjects.brought and role in subjects.about:
            times.append(f"{'' if run.scenario == role else run.scenario} {run.seconds:.0f} s".strip())
    return ", ".join(times)


def _phase(phase: Phase) -> str:
    tests = f" ({phase.passed} tests)" if phase.tests else ""
    mark = "" if phase.is_good else f" **{phase.fault}**"
    return f"{report.name(phase)}{tests} {phase.seconds:.0f}{mark}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
