"""The runner runs every job, whatever comes of each, and keeps transcripts and one JUnit file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from junitparser import JUnitXml

from lab.errors import CommandTimeoutError
from lab.scenarios.matrix import Job
from lab.scenarios.runner import Runner
from tests.unit.lab.scenarios import captured_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REDIS = Job("redis", "trixie")
REDIS_12 = Job("redis", "bookworm")
MODEL_VOLUME = Job("model_volume", "trixie")


class FakeMolecule:
    """Prints what molecule once printed; ends each command as it is told to."""

    def __init__(self, endings: dict[tuple[str, Job], int | BaseException] | None = None) -> None:
        self.endings = endings or {}
        self.commands: list[tuple[str, Job]] = []

    def __call__(self, command: str, job: Job, on_line: Callable[[str], None]) -> int:
        """Replay a captured run of the scenario."""
        self.commands.append((command, job))
        captured = captured_output.redis if job.scenario == "redis" else captured_output.model_volume_failed
        for line in captured() if command == "test" else ["PLAY [Destroy]"]:
            on_line(line)
        ending = self.endings.get((command, job), 0)
        if isinstance(ending, BaseException):
            raise ending
        return ending


def cases(folder: Path) -> dict[tuple[str, str], list[str]]:
    """Return the messages of each test case's failures."""
    (suite,) = JUnitXml.fromfile(str(folder / "junit.xml"))
    return {(case.classname, case.name): [each.message for each in case.result] for case in suite}


def test_runner_goes_on_after_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The next one runs; what failed is told with its phase and transcript, here and in the JUnit file."""
    results = Runner(FakeMolecule({("test", MODEL_VOLUME): 1}), tmp_path).run([MODEL_VOLUME, REDIS])
    assert [(result.job, result.fault) for result in results] == [
        (MODEL_VOLUME, "side_effect disk_life.yml: failed"),
        (REDIS, ""),
    ]
    said = capsys.readouterr().out
    assert "✗ 1/2 model_volume on trixie" in said
    assert str(tmp_path / "model_volume-trixie.txt") in said
    assert "✓ 2/2 redis on trixie" in said
    assert cases(tmp_path) == {
        ("scenarios.trixie", "model_volume"): ["side_effect disk_life.yml: failed"],
        ("scenarios.trixie", "redis"): [],
    }


def test_scenario_on_two_releases_is_two_test_cases(tmp_path: Path) -> None:
    """Each with its own transcript."""
    Runner(FakeMolecule(), tmp_path).run([REDIS_12, REDIS])
    assert set(cases(tmp_path)) == {("scenarios.bookworm", "redis"), ("scenarios.trixie", "redis")}
    assert {file.name for file in tmp_path.glob("*.txt")} == {"redis-bookworm.txt", "redis-trixie.txt"}


def test_transcript_is_molecules_output_without_colours(tmp_path: Path) -> None:
    """All of it."""
    runner = Runner(FakeMolecule(), tmp_path)
    seen: list[str] = []
    assert runner.run_one(REDIS, seen.append).fault == ""
    assert seen == captured_output.redis()
    transcript = runner.transcript(REDIS).read_text(encoding="utf-8")
    assert "INFO     redis ➜ idempotence: Executed: Successful" in transcript
    assert "\x1b" not in transcript


def test_good_exit_status_without_all_phases_is_no_pass(tmp_path: Path) -> None:
    """Molecule's word alone is not taken."""
    (result,) = Runner(FakeMolecule(), tmp_path).run([MODEL_VOLUME])
    assert result.fault == "side_effect disk_life.yml: failed"


def test_good_phases_with_a_bad_exit_status_are_no_pass(tmp_path: Path) -> None:
    """Nor is the output's alone."""
    (result,) = Runner(FakeMolecule({("test", REDIS): 3}), tmp_path).run([REDIS])
    assert result.fault == "exit status 3"


def test_scenario_that_hangs_is_a_failure_and_its_hosts_are_removed(tmp_path: Path) -> None:
    """The next one runs on a free machine."""
    late = CommandTimeoutError("molecule test …: not finished after 3600 s")
    molecule = FakeMolecule({("test", REDIS_12): late})
    results = Runner(molecule, tmp_path).run([REDIS_12, REDIS])
    assert [result.fault for result in results] == [str(late), ""]
    assert molecule.commands == [("test", REDIS_12), ("destroy", REDIS_12), ("test", REDIS)]
    transcript = (tmp_path / "redis-bookworm.txt").read_text(encoding="utf-8")
    assert transcript.endswith(f"{late}\nPLAY [Destroy]\n")


def test_scenario_that_hangs_even_in_its_end_stops_nobody(tmp_path: Path) -> None:
    """Both deadlines are in the transcript, and the next one runs."""
    late = {command: CommandTimeoutError(f"molecule {command} …: not finished") for command in ("test", "destroy")}
    molecule = FakeMolecule({(command, REDIS_12): error for command, error in late.items()})
    results = Runner(molecule, tmp_path).run([REDIS_12, REDIS])
    assert [bool(result.fault) for result in results] == [True, False]
    transcript = (tmp_path / "redis-bookworm.txt").read_text(encoding="utf-8")
    assert all(str(error) in transcript for error in late.values())


def test_interruption_ends_the_run_and_keeps_what_ran_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the table and in the JUnit file."""
    molecule = FakeMolecule({("test", MODEL_VOLUME): KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        Runner(molecule, tmp_path).run([REDIS, MODEL_VOLUME, REDIS_12])
    assert molecule.commands == [("test", REDIS), ("test", MODEL_VOLUME)]
    assert cases(tmp_path) == {("scenarios.trixie", "redis"): []}
    assert "passed" in capsys.readouterr().out
