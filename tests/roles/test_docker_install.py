"""When the role docker has packages to install or to hold, and what it refuses."""

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
        "__docker_facts": {"installed": installed, "held": held},
        "docker_version": version,
    }
    found: dict[str, bool] = evaluate(variables["__docker_is_converged"], variables)
    return found["installed"], found["held"]


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


def problems(version: str = "12.11", found: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    """Return what the role refuses on a Debian host."""
    variables = {
        **role_variables("docker"),
        "ansible_facts": {"distribution": "Debian", "distribution_version": version},
        "__docker_facts": {"installed": THERE, "source_files": [], **(found or {})},
        **settings,
    }
    refused: list[str] = evaluate(variables["__docker_problems"], variables)
    return refused


UPSTREAM = {
    "docker_channel": "upstream",
    "docker_upstream_url": "https://mirror.test/docker",
    "docker_upstream_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----",
}
NO_ENGINE: dict[str, Any] = {"installed": {}}


@pytest.mark.parametrize(
    ("found", "settings", "said"),
    [
        ({}, {"version": "11.9"}, "Debian 11 is not supported; one of these is needed: Debian 12"),
        (NO_ENGINE, {**UPSTREAM, "docker_upstream_url": ""}, "docker_upstream_url has to name the apt repository"),
        (NO_ENGINE, {**UPSTREAM, "docker_upstream_key": "ssh-rsa"}, "docker_upstream_key has to hold the text"),
        (
            {**NO_ENGINE, "source_files": ["/etc/apt/sources.list.d/docker.list"]},
            UPSTREAM,
            "docker.list is there already",
        ),
        ({}, UPSTREAM, "docker.io is installed, from the channel distribution."),
        ({"installed": {"docker-ce": "26"}}, {}, "docker-ce is installed, from the channel upstream."),
    ],
)
def test_what_cannot_be_installed_is_refused(found: dict[str, Any], settings: dict[str, Any], said: str) -> None:
    """One thing at a time, each with what would be right."""
    (problem,) = problems(found=found, **settings)
    assert said in problem


def test_fit_host_has_no_problem() -> None:
    """With an engine of the chosen channel, or with none; the role's own sources are not another's."""
    own = {"source_files": ["/etc/apt/sources.list.d/alchemorsel-docker.sources"]}
    assert problems() == []
    assert problems(found={**NO_ENGINE, **own}, **UPSTREAM) == []
