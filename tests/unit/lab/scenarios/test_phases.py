"""Phases are those that molecule printed: nothing is concluded that the output does not say."""

from __future__ import annotations

from lab.scenarios.phases import UNFINISHED, PhaseReader
from tests.unit.lab.scenarios import captured_output


def read(lines: list[str]) -> PhaseReader:
    """A reader of lines that come a second apart."""
    reader = PhaseReader()
    for second, line in enumerate(lines):
        reader.take(line, second)
    reader.finish(len(lines))
    return reader


def test_phases_have_molecules_names_and_outcomes() -> None:
    """All ten of a run that passed, with what the sequence names after the action."""
    reader = read(captured_output.redis())
    assert [(phase.action, phase.argument) for phase in reader.phases] == reader.sequence
    assert [phase.action for phase in reader.phases] == [
        *("destroy", "create", "check", "converge", "idempotence"),
        *("verify", "side_effect", "verify", "converge", "destroy"),
    ]
    assert {phase.outcome for phase in reader.phases} == {"Successful"}
    assert reader.is_complete


def test_side_effects_are_told_apart_by_their_playbooks() -> None:
    """Three of them in one run."""
    effects = [phase.argument for phase in read(captured_output.ollama()).phases if phase.action == "side_effect"]
    assert effects == ["change.yml", "../shared/restart.yml", "../shared/remove.yml"]


def test_tests_are_those_that_pytest_counted() -> None:
    """The folder whose files it ran and how many passed; skipped ones do not count."""
    verified = [phase for phase in read(captured_output.ollama()).phases if phase.action == "verify"]
    assert [(phase.tests, phase.passed, phase.failed) for phase in verified] == [
        ("tests/hosts", 63, 0),
        ("tests/restart", 2, 0),
        ("tests/removal", 4, 0),
    ]


def test_seconds_are_between_molecules_lines() -> None:
    """From the line that says executing to the one that says executed."""
    lines = captured_output.redis()
    begun = next(place for place, line in enumerate(lines) if "check" in line and "Executing" in line)
    ended = next(place for place, line in enumerate(lines) if "check" in line and "Executed" in line)
    assert read(lines).phases[2].seconds == ended - begun


def test_failure_is_the_phases_own() -> None:
    """What molecule cleans up after it is told, and has no argument of the sequence's."""
    reader = read(captured_output.model_volume_failed())
    assert not reader.is_complete
    failed, cleanup, destroy = reader.phases[-3:]
    assert (failed.action, failed.argument, failed.outcome) == ("side_effect", "disk_life.yml", "Failed")
    assert (cleanup.action, cleanup.argument, cleanup.outcome) == ("cleanup", "", "Missing playbook")
    assert (destroy.action, destroy.argument, destroy.outcome) == ("destroy", "", "Successful")


def test_failure_is_not_made_good_by_cleaning_up_after_it() -> None:
    """The last phase failed; that molecule's second attempt went well does not complete the sequence."""
    lines = captured_output.redis()
    last = max(place for place, line in enumerate(lines) if "INFO" in line and "Executed: Successful" in line)
    lines.insert(last, lines[last].replace("Successful", "Failed"))
    lines.insert(last + 1, lines[last - 3])
    assert "destroy" in lines[last + 1]
    assert "Executing" in lines[last + 1]
    reader = read(lines)
    assert [phase.outcome for phase in reader.phases[-2:]] == ["Failed", "Successful"]
    assert not reader.is_complete


def test_phase_whose_end_is_not_printed_is_unfinished() -> None:
    """The run was ended: no success is made up for it."""
    lines = captured_output.redis()
    cut = next(place for place, line in enumerate(lines) if "idempotence" in line and "Executed" in line)
    reader = read(lines[:cut])
    assert reader.phases[-1].action == "idempotence"
    assert reader.phases[-1].outcome == UNFINISHED
    assert not reader.is_complete


def test_phases_that_were_announced_and_never_ran_are_missed() -> None:
    """Molecule that ends early with a good status would not pass."""
    lines = captured_output.redis()
    cut = next(place for place, line in enumerate(lines) if "side_effect" in line and "Executing\x1b" in line)
    reader = read(lines[:cut])
    assert all(phase.is_good for phase in reader.phases)
    assert not reader.is_complete


def test_verification_that_tested_nothing_is_not_good() -> None:
    """Only skipped tests show nothing."""
    lines = [line.replace("4 passed", "4 skipped") for line in captured_output.redis()]
    reader = read(lines)
    assert [phase.fault for phase in reader.phases if not phase.is_good] == ["tested nothing"]
    assert not reader.is_complete


def test_other_programs_output_is_no_phase() -> None:
    """A task may print whatever it likes."""
    reader = read(["fatal: [host]: Executing", "INFO the converge: Executed: Successful", "== 4 passed in 1s =="])
    assert reader.phases == []
    assert not reader.is_complete
