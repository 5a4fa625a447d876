"""The page of roles says what runs of scenarios showed, no more and no less."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from docs import role_evidence
from docs.role_evidence import CLAIMS, MOLECULE, Subjects, of_role
from docs.scenario_runs import PAGE, committed, run_table, taken_up, to_json, with_tables
from lab.scenarios import record
from lab.scenarios.matrix import SCENARIOS
from lab.scenarios.phases import Phase, PhaseReader
from lab.scenarios.record import Run, read_many
from tests.unit.lab.scenarios import captured_output

if TYPE_CHECKING:
    from pathlib import Path

CHECK, AGAIN, ABSENT, PURGE, BACK, RESTART = CLAIMS
NOTHING: dict[str, list[str]] = {claim: [] for claim in CLAIMS}


def run_of(scenario: str, lines: list[str], suite: str = "trixie", result: str = record.PASSED) -> Run:
    """A run of a commit that printed these lines."""
    reader = PhaseReader()
    for line in lines:
        reader.take(line, 0)
    phases = tuple(reader.finish(0))
    return Run(scenario, suite, result, "2026-11-22T18:00:00+00:00", 103.0, "0123abcdef", True, "f00d", 2, phases)


def with_phases(run: Run, *phases: Phase) -> Run:
    """The run with other phases."""
    return replace(run, phases=phases)


@pytest.fixture
def redis() -> Run:
    """A real run of the scenario redis."""
    return run_of("redis", captured_output.redis())


@pytest.fixture
def ollama() -> Run:
    """A real run of the scenario ollama."""
    return run_of("ollama", captured_output.ollama())


def test_page_shows_the_committed_runs() -> None:
    """`make docs` writes it."""
    assert with_tables(PAGE.read_text(), committed()) == PAGE.read_text()


def test_committed_runs_are_of_scenarios_that_there_are() -> None:
    """Each once, on a release that it runs on, of a commit."""
    runs = committed()
    assert len({run.job for run in runs}) == len(runs)
    for run in runs:
        assert run.suite in SCENARIOS[run.scenario]
        assert run.is_clean
        assert len(run.revision) == 40


def test_scenario_shows_what_its_phases_were(redis: Run) -> None:
    """Check, idempotence, purge and return; it has neither been restarted nor been absent with its data."""
    shown = of_role("redis", [redis, replace(redis, suite="bookworm")])
    both = ["bookworm", "trixie"]
    assert shown == {CHECK: both, AGAIN: both, ABSENT: [], PURGE: both, BACK: both, RESTART: []}


def test_roles_that_a_scenario_stands_on_are_brought_but_not_taken_away(ollama: Run) -> None:
    """Only the role that it is about was purged and lived through the restart."""
    assert of_role("docker", [ollama]) == NOTHING | {CHECK: ["trixie"], AGAIN: ["trixie"]}
    assert of_role("ollama", [ollama])[RESTART] == ["trixie"]
    assert of_role("redis", [ollama]) == NOTHING


def test_run_that_failed_shows_nothing(redis: Run) -> None:
    """Also not by the phases that went well before."""
    assert of_role("redis", [replace(redis, result=record.FAILED)]) == NOTHING


@pytest.mark.parametrize("change", [{"passed": 0}, {"failed": 1}, {"tests": "tests/hosts"}, {"outcome": "Failed"}])
def test_purge_is_shown_by_tests_that_passed(redis: Run, change: dict[str, str | int]) -> None:
    """Not by a phase with that name."""
    phases = [
        replace(phase, **change) if phase.tests == "tests/removal" else phase  # type: ignore[arg-type]
        for phase in redis.phases
    ]
    assert of_role("redis", [with_phases(redis, *phases)])[PURGE] == []


def test_role_that_did_not_come_again_after_its_purge_is_not_said_to(redis: Run) -> None:
    """That it was brought before shows nothing of that."""
    purged = with_phases(redis, *redis.phases[:-2])
    assert purged.phases[-1].tests == "tests/removal"
    assert of_role("redis", [purged]) == of_role("redis", [redis]) | {BACK: []}


def test_check_after_converging_is_of_no_fresh_host(redis: Run) -> None:
    """Something was there already."""
    first, second = Phase("converge", outcome="Successful"), Phase("check", outcome="Successful")
    assert not role_evidence.checked(with_phases(redis, first, second))
    assert role_evidence.checked(with_phases(redis, second, first))


def test_restart_without_a_test_after_it_shows_nothing(ollama: Run) -> None:
    """Something has to be there again."""
    restart = Phase("side_effect", "../shared/restart.yml", "Successful")
    tested = Phase("verify", outcome="Successful", tests="tests/hosts", passed=6)
    assert role_evidence.restarted(with_phases(ollama, restart, tested))
    assert role_evidence.restarted(with_phases(ollama, restart, Phase("idempotence", outcome="Successful")))
    assert not role_evidence.restarted(with_phases(ollama, restart, replace(tested, passed=0)))
    assert not role_evidence.restarted(with_phases(ollama, tested, restart))
    assert not role_evidence.restarted(with_phases(ollama, restart, Phase("converge", outcome="Successful")))


def test_absence_is_shown_by_its_tests(redis: Run) -> None:
    """Those of tests/absence."""
    tested = Phase("verify", "../../tests/absence", "Successful", tests="tests/absence", passed=2)
    assert of_role("redis", [with_phases(redis, *redis.phases, tested)])[ABSENT] == ["trixie"]


def test_absence_is_shown_by_a_scenarios_own_playbook(redis: Run) -> None:
    """One named keep.yml, which each scenario that has it writes for what its role keeps."""
    kept = Phase("side_effect", "keep.yml", "Successful")
    assert of_role("redis", [with_phases(redis, *redis.phases, kept)])[ABSENT] == ["trixie"]
    failed = replace(kept, outcome="Failed")
    assert of_role("redis", [with_phases(redis, *redis.phases, failed)])[ABSENT] == []


@pytest.mark.parametrize("playbook", sorted(MOLECULE.glob("*/keep.yml")), ids=lambda playbook: playbook.parent.name)
def test_playbook_that_keeps_takes_away_and_looks(playbook: Path) -> None:
    """The role is absent in between, not purged, and something is wanted of what is left."""
    text = playbook.read_text()
    assert "_state: absent" in text
    assert "_purge" not in text
    assert "failed_when" in text


def test_subjects_are_those_of_the_inventories() -> None:
    """What converging loops over, and what the tests of removal look for."""
    assert Subjects.of("ollama") == Subjects(("docker", "model_volume", "ollama"), ("ollama",))
    assert Subjects.of("gpu").about == ("monitoring", "gpu_container_toolkit", "gpu_driver")
    assert Subjects.of("site-dev") == Subjects((), ())


def test_table_of_runs_names_what_failed() -> None:
    """With the phase, and its seconds like the others'."""
    failed = run_of("model_volume", captured_output.model_volume_failed(), result=record.FAILED)
    table = run_table([failed])
    assert "**failed in side_effect disk_life.yml**" in table
    assert "side_effect disk_life.yml 0 **failed** · cleanup 0 **missing playbook** · destroy 0" in table
    assert "| `0123abc` | 103 s |" in table


def test_new_run_takes_the_place_of_the_last_one(redis: Run, ollama: Run) -> None:
    """One a scenario and release, in the order of the scenarios."""
    failed = replace(redis, result=record.FAILED)
    assert taken_up([ollama, redis], [failed], lambda _revision: True) == ([failed, ollama], [])


def test_older_run_does_not_take_the_place_of_a_newer_one(redis: Run) -> None:
    """Checkouts may be taken up in any order."""
    older = replace(redis, begun="2026-11-21T09:00:00+00:00")
    assert taken_up([redis], [older], lambda _revision: True) == ([redis], [])


def test_run_of_no_commit_is_left_out(redis: Run, ollama: Run) -> None:
    """What nobody can check out again shows nobody anything; an interrupted one neither."""
    new = [
        replace(redis, is_clean=False),
        replace(ollama, result=record.INTERRUPTED),
        replace(redis, revision="89abcdef0"),
    ]
    assert taken_up([], new, lambda revision: revision == "0123abcdef") == (
        [],
        [
            "redis:trixie: the files were not those of a commit",
            "ollama:trixie: interrupted",
            "redis:trixie: revision 89abcde is not of this history",
        ],
    )


def test_record_is_read_as_it_was_written(redis: Run, ollama: Run, tmp_path: Path) -> None:
    """A line a run."""
    file = tmp_path / "runs.json"
    file.write_text(to_json([redis, ollama]))
    assert read_many(file) == [redis, ollama]
    assert len(file.read_text().splitlines()) == 4
    assert json.loads(file.read_text())[0]["scenario"] == "redis"


def test_page_without_markers_is_refused() -> None:
    """Rather than a page without tables."""
    with pytest.raises(ValueError, match=r"roles\.md lost a marker"):
        with_tables("# Roles\n", [])
