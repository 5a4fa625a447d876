"""A session runs every job, whatever comes of each, and its records say what passed with which files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.errors import CommandTimeoutError, LabError
from lab.scenarios import record, report
from lab.scenarios.matrix import Job
from lab.scenarios.record import Records
from lab.scenarios.session import Session
from lab.scenarios.tree import Tree
from tests.unit.lab.scenarios import captured_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REDIS = Job("redis", "trixie")
OLLAMA = Job("ollama", "trixie")
MODEL_VOLUME = Job("model_volume", "trixie")
TREE = Tree(revision="0123abc", is_clean=True, fingerprint="f00d")


class FakeMolecule:
    """Prints what molecule once printed; ends each job as it is told to."""

    def __init__(self, endings: dict[Job, int | BaseException] | None = None) -> None:
        self.endings = endings or {}
        self.tested: list[Job] = []
        self.destroyed: list[Job] = []
        self.while_testing: Callable[[], None] = lambda: None
        self.destroy_ending: int | BaseException = 0

    def test(self, job: Job, on_line: Callable[[str], None]) -> int:
        """A captured run of the scenario."""
        self.tested.append(job)
        captured = {"redis": captured_output.redis, "ollama": captured_output.ollama}
        for line in captured.get(job.scenario, captured_output.model_volume_failed)():
            on_line(line)
        self.while_testing()
        return self._end(self.endings.get(job, 0))

    def destroy(self, job: Job, on_line: Callable[[str], None]) -> int:
        """Remember it."""
        self.destroyed.append(job)
        on_line("PLAY [Destroy]")
        return self._end(self.destroy_ending)

    @staticmethod
    def _end(ending: int | BaseException) -> int:
        if isinstance(ending, BaseException):
            raise ending
        return ending


class Checkout:
    """A tree that a test may change."""

    def __init__(self, tree: Tree = TREE) -> None:
        self.tree = tree

    def __call__(self) -> Tree:
        """Return it as it is now."""
        return self.tree


@pytest.fixture
def records(tmp_path: Path) -> Records:
    """Of a checkout where nothing ran yet."""
    return Records(tmp_path / "scenarios", tmp_path / "committed.json")


def test_run_is_recorded_with_all_it_showed(records: Records) -> None:
    """Phases, result, revision; and the transcript is molecule's output without colours."""
    (run,) = Session(FakeMolecule(), records, Checkout()).run([REDIS])
    assert run.result == record.PASSED
    assert (run.revision, run.is_clean, run.fingerprint) == ("0123abc", True, "f00d")
    assert records.last(REDIS) == run
    assert records.all() == [run]
    transcript = records.transcript(REDIS).read_text()
    assert "INFO     redis ➜ idempotence: Executed: Successful" in transcript
    assert "\x1b" not in transcript


def test_session_goes_on_after_a_failure(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one runs; what failed is told with its phase and transcript."""
    molecule = FakeMolecule({MODEL_VOLUME: 1})
    runs = Session(molecule, records, Checkout()).run([MODEL_VOLUME, REDIS])
    assert [(run.job, run.result) for run in runs] == [(MODEL_VOLUME, record.FAILED), (REDIS, record.PASSED)]
    said = capsys.readouterr().out
    assert "✗ 1/2 model_volume on trixie" in said
    assert "failed in side_effect disk_life.yml" in said
    assert "✓ 2/2 redis on trixie" in said
    assert str(records.transcript(MODEL_VOLUME)) in said


def test_good_exit_status_without_all_phases_is_no_pass(records: Records) -> None:
    """Molecule's word alone is not taken."""
    (run,) = Session(FakeMolecule({MODEL_VOLUME: 0}), records, Checkout()).run([MODEL_VOLUME])
    assert run.result == record.FAILED
    assert report.explanation(replace(run, phases=())).endswith(
        "molecule did not show all the phases that it announced"
    )


def test_phase_that_tested_nothing_is_named(records: Records) -> None:
    """Molecule is content with tests that were all skipped."""
    (run,) = Session(FakeMolecule(), records, Checkout()).run([REDIS])
    hollow = tuple(replace(phase, passed=0) if phase.tests == "tests/removal" else phase for phase in run.phases)
    failed = replace(run, result=record.FAILED, phases=hollow)
    assert report.explanation(failed) == "failed in verify removal: tested nothing"


def test_scenario_that_hangs_is_recorded_and_its_hosts_removed(records: Records) -> None:
    """The next one runs on a free machine."""
    molecule = FakeMolecule({REDIS: CommandTimeoutError("molecule test …: not finished after 3600 s")})
    runs = Session(molecule, records, Checkout()).run([REDIS, OLLAMA])
    assert [run.result for run in runs] == [record.TIMED_OUT, record.PASSED]
    assert molecule.destroyed == [REDIS]
    assert records.transcript(REDIS).read_text().endswith("not finished after 3600 s\nPLAY [Destroy]\n")


def test_scenario_that_hangs_even_in_its_end_stops_nobody(records: Records) -> None:
    """Both deadlines are in the transcript, and the next one runs."""
    molecule = FakeMolecule({REDIS: CommandTimeoutError("molecule test …: not finished")})
    molecule.destroy_ending = CommandTimeoutError("molecule destroy …: not finished")
    runs = Session(molecule, records, Checkout()).run([REDIS, OLLAMA])
    assert [run.result for run in runs] == [record.TIMED_OUT, record.PASSED]
    assert "molecule destroy …: not finished" in records.transcript(REDIS).read_text()


def test_interruption_is_recorded_and_ends_the_session(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    """What ran before it is shown."""
    molecule = FakeMolecule({OLLAMA: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        Session(molecule, records, Checkout()).run([REDIS, OLLAMA, MODEL_VOLUME])
    assert molecule.tested == [REDIS, OLLAMA]
    interrupted = records.last(OLLAMA)
    assert interrupted is not None
    assert interrupted.result == record.INTERRUPTED
    assert "passed" in capsys.readouterr().out


def test_resuming_runs_what_has_not_passed(records: Records) -> None:
    """What failed runs again, what passed does not; all of it is in the result."""
    Session(FakeMolecule({OLLAMA: 2}), records, Checkout()).run([REDIS, OLLAMA])
    molecule = FakeMolecule()
    runs = Session(molecule, records, Checkout()).run([REDIS, OLLAMA, MODEL_VOLUME], resume=True)
    assert molecule.tested == [OLLAMA, MODEL_VOLUME]
    assert [run.job for run in runs] == [REDIS, OLLAMA, MODEL_VOLUME]


def test_resuming_with_other_files_runs_all_of_it(records: Records) -> None:
    """What passed then says nothing of the files of now."""
    Session(FakeMolecule(), records, Checkout()).run([REDIS])
    molecule = FakeMolecule()
    Session(molecule, records, Checkout(replace(TREE, fingerprint="beef"))).run([REDIS], resume=True)
    assert molecule.tested == [REDIS]


def test_files_that_change_during_a_run_are_not_shown_by_it(records: Records) -> None:
    """It is of no revision, and resuming runs it again."""
    checkout, molecule = Checkout(), FakeMolecule()

    def edit() -> None:
        checkout.tree = replace(TREE, fingerprint="beef")

    molecule.while_testing = edit
    (run,) = Session(molecule, records, checkout).run([REDIS])
    assert (run.is_clean, run.fingerprint) == (False, "")
    Session(molecule, records, checkout).run([REDIS], resume=True)
    assert molecule.tested == [REDIS, REDIS]


def test_page_that_is_committed_during_a_run_changes_nothing(records: Records) -> None:
    """Another revision with the same files: the run is of the one that it began with."""
    checkout, molecule = Checkout(), FakeMolecule()

    def commit() -> None:
        checkout.tree = replace(TREE, revision="4567def")

    molecule.while_testing = commit
    (run,) = Session(molecule, records, checkout).run([REDIS])
    assert (run.revision, run.is_clean, run.fingerprint) == ("0123abc", True, "f00d")


def test_resuming_without_git_is_refused(records: Records) -> None:
    """Nobody can tell what changed; running without it works."""
    session = Session(FakeMolecule(), records, Checkout(Tree(revision="", is_clean=False, fingerprint="")))
    assert session.run([REDIS])[0].result == record.PASSED
    with pytest.raises(LabError, match="no checkout of git"):
        session.run([REDIS], resume=True)


def test_outlook_is_of_the_last_good_run(records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    """And names what nobody has seen running."""
    seconds = iter(range(0, 100_000, 30)).__next__
    Session(FakeMolecule(), records, Checkout(), clock=seconds).run([REDIS])
    (run,) = records.all()
    capsys.readouterr()
    Session(FakeMolecule(), records, Checkout(), clock=seconds).run([REDIS, OLLAMA])
    said = capsys.readouterr().out
    assert f"2 to run, about {run.seconds / 60:.0f} min; nobody knows how long: ollama:trixie" in said


def test_run_that_failed_says_nothing_of_how_long_one_takes(records: Records) -> None:
    """The committed record does, where there is a good run in it."""
    Session(FakeMolecule({REDIS: 1}), records, Checkout()).run([REDIS])
    assert records.expected_seconds(REDIS) is None
    good = replace(records.all()[0], result=record.PASSED, seconds=69.0)
    records.committed.write_text(json.dumps([good.to_json()]))
    assert records.expected_seconds(REDIS) == 69.0
    assert records.expected_seconds(OLLAMA) is None


def test_record_that_is_none_is_named(records: Records) -> None:
    """The file, and what to do."""
    Session(FakeMolecule(), records, Checkout()).run([REDIS])
    file = records.transcript(REDIS).with_name("run.json")
    for content in ("{", "{}", '{"scenario": "redis", "phases": []}'):
        file.write_text(content)
        with pytest.raises(LabError, match=r"run\.json: not .*remove the file"):
            records.last(REDIS)
