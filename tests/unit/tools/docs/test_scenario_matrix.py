"""The page of roles says what the scenarios test, no more and no less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.scenarios.matrix import SCENARIOS
from tools.docs.scenario_matrix import CLAIMS, MOLECULE, PAGE, Scenario, releases_by_claim, with_tables

if TYPE_CHECKING:
    from pathlib import Path

CHECK, AGAIN, ABSENT, PURGE, BACK, RESTART = CLAIMS


def test_page_is_todays() -> None:
    """`make docs` writes it."""
    assert with_tables(PAGE.read_text(encoding="utf-8")) == PAGE.read_text(encoding="utf-8")


def test_page_without_markers_is_refused() -> None:
    """Rather than a page without tables."""
    with pytest.raises(ValueError, match=r"roles\.md lost a marker"):
        with_tables("# Roles\n")


def test_roles_that_a_scenario_stands_on_are_brought_but_not_taken_away() -> None:
    """Only the role that it is about is purged and lives through the restart."""
    ollama = Scenario.read("ollama")
    assert ollama.brought == ("docker", "model_volume", "ollama")
    assert ollama.about == ("ollama",)
    assert Scenario.read("gpu").about == ("monitoring", "gpu_container_toolkit", "gpu_driver")
    assert (Scenario.read("site-dev").brought, Scenario.read("site-dev").about) == ((), ())


def test_scenario_without_a_sequence_of_its_own_has_the_shared_one() -> None:
    """As molecule merges its files."""
    assert Scenario.read("redis").phases[:3] == ("destroy", "create", "check")
    assert "verify ../../tests/absence" in Scenario.read("redis").phases


def test_every_scenario_says_what_it_is_for() -> None:
    """In the comment that its file begins with."""
    assert all(Scenario.read(name).purpose for name in SCENARIOS)


def test_releases_are_those_of_the_matrix() -> None:
    """No scenario of `gpu_driver` runs on Debian 12 and purges it."""
    assert releases_by_claim("redis") == {claim: ["12", "13"] for claim in CLAIMS}
    assert releases_by_claim("gpu_driver") == {
        CHECK: ["13"],
        AGAIN: ["13"],
        ABSENT: [],
        PURGE: ["13"],
        BACK: [],
        RESTART: [],
    }


@pytest.mark.parametrize(
    ("claim", "phases", "holds"),
    [
        (CHECK, ["check", "converge"], True),
        (CHECK, ["converge", "check"], False),
        (AGAIN, ["converge"], False),
        (ABSENT, ["converge", "side_effect keep.yml"], True),
        (ABSENT, ["converge", "side_effect ../shared/absent.yml"], False),
        (PURGE, ["verify ../../tests/removal"], True),
        (PURGE, ["side_effect ../shared/remove.yml"], False),
        (BACK, ["verify ../../tests/removal", "converge"], True),
        (BACK, ["converge", "verify ../../tests/removal"], False),
        (RESTART, ["side_effect ../shared/restart.yml", "verify"], True),
        (RESTART, ["side_effect ../shared/restart.yml", "idempotence"], True),
        (RESTART, ["side_effect ../shared/restart.yml", "converge", "verify"], False),
    ],
)
def test_claim_is_read_from_the_order_of_phases(claim: str, phases: list[str], holds: bool) -> None:
    """A check on a host that has the role already, or a restart that nothing looks at, tests nothing."""
    assert CLAIMS[claim](phases) is holds


@pytest.mark.parametrize("playbook", sorted(MOLECULE.glob("*/keep.yml")), ids=lambda playbook: playbook.parent.name)
def test_playbook_that_keeps_takes_away_and_looks(playbook: Path) -> None:
    """The role is absent in between, not purged, and something is wanted of what is left."""
    text = playbook.read_text(encoding="utf-8")
    assert "_state: absent" in text
    assert "_purge" not in text
    assert "failed_when" in text
