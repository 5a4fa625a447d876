"""When the role docker has packages to install, or to hold."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

THERE = {
    "docker.io": "20.10.24",
    "apparmor": "3",
    "ca-certificates": "1",
    "iptables": "1.8",
    "python3-requests": "2.28",
}


def settled(installed: dict[str, str], held: list[str], version: str = "") -> tuple[bool, bool]:
    """Return whether the packages of a Debian 12 are as they should be, and whether they are held so."""
    variables: dict[str, Any] = {
        **role_variables("docker"),
        "ansible_facts": {"distribution": "Debian", "distribution_version": "12.11"},
        "__docker_found": {"installed": installed, "held": held},
        "docker_version": version,
    }
    names = ("__docker_is_wanted", "__docker_is_held_as_wanted")
    is_wanted, is_held = (evaluate(variables[name], variables) for name in names)
    return is_wanted, is_held


@pytest.mark.parametrize(
    ("held", "version", "expected"),
    [
        ([], "", (True, True)),
        (["docker.io"], "", (True, False)),
        (["docker.io"], "20.10.*", (True, True)),
        ([], "20.10.*", (True, False)),
        (["docker.io"], "26.*", (False, True)),
        (["iptables"], "", (True, True)),
    ],
)
def test_engine_is_held_at_a_version_that_is_set(held: list[str], version: str, expected: tuple[bool, bool]) -> None:
    """And free without one; a hold of another package is its owner's."""
    assert settled(THERE, held, version) == expected


def test_missing_package_is_to_be_installed_and_cannot_be_held_yet() -> None:
    """One of them is enough."""
    assert settled({name: THERE[name] for name in THERE if name != "docker.io"}, [], "20.10.*") == (False, True)
