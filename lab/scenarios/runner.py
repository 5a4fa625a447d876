"""Runs scenarios on releases one after the other: a deadline and a transcript for each, one JUnit file for all."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from junitparser import Failure, JUnitXml, TestCase, TestSuite
from rich.table import Table
from rich.text import Text

from lab.command import follow
from lab.errors import CommandTimeoutError
from lab.paths import LAB, ROOT
from lab.progress import console, step
from lab.scenarios.output import begun_phase, find_fault, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.scenarios.matrix import Job

    Molecule = Callable[[str, Job, Callable[[str], None]], int]

FOLDER = LAB / "scenarios"
"""Transcripts and `junit.xml`."""

_BIN = Path(sys.executable).parent
_SIGN_OF_LIFE_S = 60.0
_DEADLINES_S = {"test": 3600, "destroy": 300}
"""The longest scenario takes a quarter of an hour on two cores that do nothing else."""


def run_molecule(command: str, job: Job, on_line: Callable[[str], None]) -> int:
    """Run molecule of this virtual environment.

    Args:
        command: `test`, from nothing to nothing, or `destroy`.
        job: The scenario and its release.
        on_line: Is given each line as it comes.

    Raises:
        CommandTimeoutError: It took longer than an hour, or five minutes to destroy, and was ended.
        CommandFailedError: Molecule is not installed.
    """
    argv = [str(_BIN / "molecule"), command, "--no-command-borders", "--scenario-name", job.scenario]
    # Programs of the virtual environment before those of the system; a line when it is printed, not a block later.
    env = os.environ | {"PATH": f"{_BIN}:{os.environ['PATH']}", "LAB_SUITE": job.suite, "PYTHONUNBUFFERED": "1"}
    return follow(argv, on_line, timeout_s=_DEADLINES_S[command], env=env, cwd=ROOT)


@dataclass(frozen=True)
class Result:
    """What came of a job."""

    job: Job
    seconds: float
    fault: str
    """"" where it passed."""


class Runner:
    """Runs jobs and keeps what they printed.

    Args:
        molecule: Runs a command of molecule on a job; see `run_molecule`.
        folder: For transcripts and `junit.xml`.
    """

    def __init__(self, molecule: Molecule = run_molecule, folder: Path = FOLDER) -> None:
        self._molecule = molecule
        self._folder = folder

    def transcript(self, job: Job) -> Path:
        """Return the file that a job's output goes to; a later run replaces it."""
        return self._folder / f"{job.scenario}-{job.suite}.txt"

    def run(self, jobs: Sequence[Job]) -> list[Result]:
        """Run the jobs, whatever comes of each; whatever ends this, results so far are in `junit.xml` and printed."""
        results: list[Result] = []
        try:
            for number, job in enumerate(jobs, 1):
                results.append(self._run_shown(job, f"{number}/{len(jobs)} {job.scenario} on {job.suite}"))
                write_junit(results, self._folder / "junit.xml")
        finally:
            console.print(table(results))
        return results

    def run_one(self, job: Job, show: Callable[[str], None]) -> Result:
        """Run one job.

        Args:
            job: What to run.
            show: Is given each line of its output, as molecule colours it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        with self.transcript(job).open("w", encoding="utf-8") as file:

            def take(line: str) -> None:
                print(plain(line), file=file, flush=True)
                show(line)

            try:
                status = self._molecule("test", job, take)
                fault = find_fault(self.transcript(job).read_text("utf-8"))
                if status and not fault:
                    fault = f"exit status {status}"
            except CommandTimeoutError as error:
                fault = str(error)
                take(fault)
                self._remove_hosts(job, take)
        return Result(job, time.monotonic() - begun, fault)

    def _run_shown(self, job: Job, title: str) -> Result:
        with step(title, sign_of_life_s=_SIGN_OF_LIFE_S) as shown:

            def tell(line: str) -> None:
                if phase := begun_phase(plain(line)):
                    shown.tell(phase)

            result = self.run_one(job, tell)
            shown.has_failed = bool(result.fault)
        if result.fault:
            console.print(f"  {result.fault}\n  {self.transcript(job)}", markup=False)
        return result

    def _remove_hosts(self, job: Job, take: Callable[[str], None]) -> None:
        """Give the machine back what a run that was ended holds."""
        try:
            self._molecule("destroy", job, take)
        except CommandTimeoutError as error:
            take(str(error))


def write_junit(results: Sequence[Result], file: Path) -> None:
    """Write a test case for each result, its class named after the release."""
    suite = TestSuite("scenarios")
    for result in results:
        case = TestCase(result.job.scenario, f"scenarios.{result.job.suite}", round(result.seconds, 1))
        case.result = [Failure(result.fault)] if result.fault else []
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    document.write(str(file), pretty=True)


def table(results: Sequence[Result]) -> Table:
    """Return a line for each result."""
    shown = Table("scenario", "release", "result")
    shown.add_column("seconds", justify="right")
    for result in results:
        outcome = Text(result.fault, "red") if result.fault else Text("passed", "green")
        shown.add_row(result.job.scenario, result.job.suite, outcome, f"{result.seconds:.0f}")
    return shown
