"""Jobs one after the other: each with its transcript and record, going on after a failure, a table at the end."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TextIO

from lab.errors import CommandTimeoutError, LabError
from lab.progress import console, step
from lab.scenarios import record, report
from lab.scenarios.phases import PhaseReader, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.scenarios.matrix import Job
    from lab.scenarios.phases import Phase
    from lab.scenarios.record import Records, Run
    from lab.scenarios.tree import Tree

_SIGN_OF_LIFE_S = 60.0


class Runner(Protocol):
    """Runs one scenario in a process of its own."""

    def test(self, job: Job, on_line: Callable[[str], None]) -> int:
        """From nothing to nothing; returns the exit status, raises CommandTimeoutError at its deadline."""

    def destroy(self, job: Job, on_line: Callable[[str], None]) -> int:
        """Remove what a run that was ended left behind; returns the exit status."""


class Session:
    """Runs jobs and keeps what came of them."""

    def __init__(
        self,
        runner: Runner,
        records: Records,
        tree: Callable[[], Tree],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wire it.

        Args:
            runner: runs a scenario.
            records: keeps transcripts and results.
            tree: looks at the checkout.
            clock: seconds, from any beginning.
        """
        self._runner = runner
        self._records = records
        self._tree = tree
        self._clock = clock

    def run(self, jobs: Sequence[Job], *, resume: bool = False) -> list[Run]:
        """Run the jobs, whatever comes of each.

        Args:
            jobs: in their order.
            resume: leave out those whose last run passed with the files as they are now.

        Returns:
            The last run of every job, those that were left out included.

        Raises:
            LabError: a record cannot be read, or resuming where nobody can tell what changed.
            KeyboardInterrupt: what ran until then is recorded and shown.
        """
        before = self._passed_before(jobs) if resume else {}
        todo = [job for job in jobs if job not in before]
        expected = {job: self._records.expected_seconds(job) for job in todo}
        console.print(report.outlook(list(before), expected), markup=False)
        runs = list(before.values())
        try:
            for number, (job, seconds) in enumerate(expected.items(), 1):
                about = f", about {report.span(seconds)}" if seconds else ""
                runs.append(self._run_shown(job, f"{number}/{len(todo)} {job.scenario} on {job.suite}{about}"))
        finally:
            if runs:
                console.print(report.table(runs))
        return runs

    def run_one(self, job: Job, show: Callable[[str, Phase | None], None]) -> Run:
        """Run one job.

        Args:
            job: what to run.
            show: is given each line of its output, as molecule colours it, and the phase that is under way.

        Raises:
            KeyboardInterrupt: the run is recorded as interrupted.
        """
        transcript = self._records.transcript(job)
        transcript.parent.mkdir(parents=True, exist_ok=True)
        tree, begun, began_s = self._tree(), datetime.now(UTC), self._clock()
        reader, result = PhaseReader(), record.INTERRUPTED
        with transcript.open("w") as file:

            def take(line: str) -> None:
                reader.take(line, self._clock() - began_s)
                print(plain(line), file=file, flush=True)
                show(line, reader.phases[-1] if reader.phases else None)

            try:
                status = self._runner.test(job, take)
                result = record.PASSED if status == 0 and reader.is_complete else record.FAILED
            except CommandTimeoutError as error:
                result = record.TIMED_OUT
                print(error, file=file)
                self._clear_away(job, file)
            finally:
                seconds = self._clock() - began_s
                run = self._keep(
                    job, tree, result=result, begun=begun, seconds=seconds, phases=tuple(reader.finish(seconds))
                )
        return run

    def _keep(
        self, job: Job, tree: Tree, *, result: str, begun: datetime, seconds: float, phases: tuple[Phase, ...]
    ) -> Run:
        is_same = self._tree().fingerprint == tree.fingerprint
        run = record.Run(
            scenario=job.scenario,
            suite=job.suite,
            result=result,
            begun=begun.isoformat(timespec="seconds"),
            seconds=round(seconds, 1),
            revision=tree.revision,
            is_clean=tree.is_clean and is_same,
            fingerprint=tree.fingerprint if is_same else "",
            cpus=os.cpu_count() or 1,
            phases=phases,
        )
        self._records.write(run)
        return run

    def _clear_away(self, job: Job, transcript: TextIO) -> None:
        """Give the machine back what a run that was ended holds."""
        try:
            self._runner.destroy(job, lambda line: print(plain(line), file=transcript, flush=True))
        except CommandTimeoutError as error:
            print(error, file=transcript)

    def _passed_before(self, jobs: Sequence[Job]) -> dict[Job, Run]:
        now = self._tree().fingerprint
        if not now:
            raise LabError("this is no checkout of git: nobody can tell what changed since the last run; run all of it")
        runs = (self._records.last(job) for job in jobs)
        return {run.job: run for run in runs if run and run.result == record.PASSED and run.fingerprint == now}

    def _run_shown(self, job: Job, title: str) -> Run:
        with step(title, sign_of_life_s=_SIGN_OF_LIFE_S) as shown:

            def show(_line: str, phase: Phase | None) -> None:
                if phase:
                    shown.tell(report.name(phase))

            run = self.run_one(job, show)
            shown.has_failed = run.result != record.PASSED
        if shown.has_failed:
            console.print(f"  {report.explanation(run)}\n  {self._records.transcript(job)}", markup=False)
        return run
