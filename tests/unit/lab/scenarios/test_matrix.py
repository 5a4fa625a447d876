"""Every scenario is declared with its releases, once; a wrong name is answered with the right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.scenarios import matrix
from lab.scenarios.matrix import Job

MOLECULE = Path(__file__).resolve().parents[4] / "molecule"


def test_every_scenario_is_declared() -> None:
    """`default` brings up a bare host and tests nothing."""
    there = {file.parent.name for file in MOLECULE.glob("*/molecule.yml")} - {"default"}
    assert set(matrix.SCENARIOS) == there


def test_everything_runs_by_default() -> None:
    """Each scenario on each of its releases, once."""
    jobs = matrix.select()
    assert len(jobs) == len(set(jobs)) == sum(len(suites) for suites in matrix.SCENARIOS.values())


def test_scenarios_and_releases_are_chosen() -> None:
    """Release by release, in the order of the declaration."""
    assert matrix.select(["redis", "docker"]) == [
        *(Job("docker", "bookworm"), Job("redis", "bookworm")),
        *(Job("docker", "trixie"), Job("redis", "trixie")),
    ]
    assert matrix.select(["redis", "compose"], ["trixie"]) == [Job("redis", "trixie"), Job("compose", "trixie")]


@pytest.mark.parametrize(
    ("text", "job"),
    [
        ("redis", Job("redis", "bookworm")),
        ("redis:trixie", Job("redis", "trixie")),
        ("site-prod", Job("site-prod", "trixie")),
    ],
)
def test_one_job_is_named_as_a_host_is(text: str, job: Job) -> None:
    """NAME:RELEASE, and the scenario's first release without one."""
    assert matrix.parse(text) == job


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rediss", "'rediss': no such scenario; did you mean redis?"),
        ("quux", "'quux': no such scenario; there are preflight, "),
        ("", "'': no such scenario; there are preflight, "),
        ("redis:trixi", "'trixi': no such release; did you mean trixie?"),
        ("redis:sid", "'sid': no such release; there are bookworm, trixie"),
        ("compose:bookworm", "nothing to run on bookworm: compose runs on trixie"),
    ],
)
def test_wrong_name_is_refused_in_words(text: str, said: str) -> None:
    """With the nearest right one, or all there are."""
    with pytest.raises(LabError) as caught:
        matrix.parse(text)
    assert str(caught.value).startswith(said)
