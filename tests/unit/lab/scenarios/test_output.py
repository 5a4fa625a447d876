"""A run passes by what molecule printed: each announced phase ended well, each verification passed a test."""

from __future__ import annotations

from lab.scenarios.output import begun_phase, find_fault, plain
from tests.unit.lab.scenarios import captured_output


def fault(lines: list[str]) -> str:
    """Return the fault of a run that printed these lines."""
    return find_fault("\n".join(map(plain, lines)))


def place(lines: list[str], *words: str) -> int:
    """Return the first line with all of these words."""
    return next(at for at, line in enumerate(lines) if all(word in line for word in words))


def test_run_whose_phases_all_ended_well_passes() -> None:
    """Ten of them, with two verifications."""
    assert fault(captured_output.redis()) == ""


def test_phase_that_failed_is_named_as_it_was_announced() -> None:
    """With its playbook; what molecule cleans up after it does not make it good."""
    assert fault(captured_output.model_volume_failed()) == "side_effect disk_life.yml: failed"


def test_failure_is_not_made_good_by_cleaning_up_after_it() -> None:
    """The last phase failed, and molecule's second attempt went well."""
    lines = captured_output.redis()
    last = max(at for at, line in enumerate(lines) if "INFO" in line and "Executed: Successful" in line)
    lines.insert(last, lines[last].replace("Successful", "Failed"))
    assert fault(lines) == "destroy: failed"


def test_playbook_that_is_missing_is_a_fault() -> None:
    """Molecule goes on without it and exits with 0."""
    lines = captured_output.redis()
    end = place(lines, "side_effect", "Executed: Successful")
    lines[end] = lines[end].replace("Successful", "Missing playbook")
    assert fault(lines) == "side_effect: missing playbook"


def test_verification_without_a_passed_test_is_a_fault() -> None:
    """Skipped tests show nothing, nor do those of the verification before."""
    lines = [line.replace("4 passed", "4 skipped") for line in captured_output.redis()]
    assert fault(lines) == "verify ../../tests/removal: no test passed"


def test_verification_that_found_no_tests_is_a_fault() -> None:
    """Molecule calls that a success too."""
    lines = [line for line in captured_output.redis() if " passed in " not in line]
    assert fault(lines) == "verify ../../tests/removal: no test passed"


def test_phases_that_were_announced_and_never_ran_are_missed() -> None:
    """Molecule that ends early with a good status would not pass."""
    lines = captured_output.redis()
    assert fault(lines[: place(lines, "side_effect", "Executing\x1b")]) == "6 of 10 announced phases were run"


def test_output_without_phases_is_a_fault() -> None:
    """Whatever else a program prints."""
    lines = ["fatal: [host]: Executing", "INFO the converge: Executed: Successful", "== 4 passed in 1s =="]
    assert fault(lines) == "0 of 0 announced phases were run"


def test_begin_of_a_phase_is_told_by_molecules_own_lines() -> None:
    """For whoever watches; a task may print whatever it likes."""
    begun = [phase for line in captured_output.redis() if (phase := begun_phase(plain(line)))]
    assert begun == [
        *("destroy", "create", "check", "converge", "idempotence"),
        *("verify", "side_effect", "verify", "converge", "destroy"),
    ]
    assert begun_phase("fatal: [host]: Executing") == ""
