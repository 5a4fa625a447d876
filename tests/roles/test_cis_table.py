"""docs/cis-docker.md promises what tests/hosts/test_cis_docker.py tries, no more and no less."""

from __future__ import annotations

import re

from tests.hosts.test_cis_docker import CHECKS
from tests.roles.ansible_module import ROLES

DOCUMENT = ROLES.parent / "docs" / "cis-docker.md"
LAST = {"1.1": 18, "1.2": 2, "2": 18, "3": 24, "4": 12, "5": 32, "6": 2}
"""The benchmark's last number of each section."""


_ROW = re.compile(r"^\| (\d[\d., \u2013]*\d) [^|]*\| (\w[\w/]*) \|", flags=re.MULTILINE)


def rows() -> list[tuple[list[str], str]]:
    """Return the numbers and the verdict of each row."""
    found = []
    for numbers, verdict in _ROW.findall(DOCUMENT.read_text()):
        names = []
        for part in numbers.split(", "):
            first, _, last = part.partition("\u2013")
            section, _, start = first.rpartition(".")
            end = int(last.rpartition(".")[2]) if last else int(start)
            names += [f"{section}.{number}" for number in range(int(start), end + 1)]
        found.append((names, verdict))
    return found


def test_what_is_called_met_is_tried() -> None:
    """And what is tried is called met."""
    assert {name for names, verdict in rows() if verdict == "met" for name in names} == set(CHECKS)


def test_every_check_of_the_benchmark_has_a_verdict() -> None:
    """None is passed over, none judged twice."""
    judged = [name for names, _ in rows() for name in names]
    everything = [f"{section}.{number}" for section, last in LAST.items() for number in range(1, last + 1)]
    assert sorted(judged) == sorted(everything)


def test_a_check_that_is_waived_has_a_reason() -> None:
    """An empty last column would be a paper waiver."""
    assert not re.findall(r"^\| [^|]+\| waived \|\s*\|$", DOCUMENT.read_text(), flags=re.MULTILINE)
