"""The filters that judge a host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_host import (
    GIB,
    capacity_problems,
    disk_problems,
    platform_problems,
    port_problems,
)

DISTRIBUTIONS = {"Debian": ["12", "13"], "Ubuntu": ["22.04", "24.04"]}
FACTS = {
    "distribution": "Debian",
    "distribution_version": "12.11",
    "architecture": "x86_64",
}


def judge(**facts: Any) -> list[str]:
    """Return the problems of a host with some facts other than a good host's."""
    problems = platform_problems({**FACTS, **facts}, DISTRIBUTIONS, ["x86_64"])
    return [problem["problem"] for problem in problems]


@pytest.mark.parametrize(("name", "version"), [("Debian", "12.11"), ("Debian", "13"), ("Ubuntu", "24.04")])
def test_supported_release_is_no_problem(name: str, version: str) -> None:
    """A point release counts as its release."""
    assert judge(distribution=name, distribution_version=version) == []


@pytest.mark.parametrize(
    ("name", "version"), [("Debian", "11.9"), ("Debian", "120"), ("Ubuntu", "24.10"), ("Fedora", "42")]
)
def test_other_release_is_a_problem(name: str, version: str) -> None:
    """A release that only begins alike is another one."""
    assert judge(distribution=name, distribution_version=version) == [f"{name} {version} is not supported"]


def test_all_problems_of_a_platform_come_together() -> None:
    """The first problem does not hide the others."""
    assert len(judge(distribution="Fedora", architecture="riscv64")) == 2


def test_too_little_memory_is_a_problem() -> None:
    """The least that is needed is enough."""
    (problem,) = capacity_problems({"memory_mb": 1999}, 2000)
    assert problem["problem"] == "1999 MiB of memory, 2000 needed"
    assert capacity_problems({"memory_mb": 2000}, 2000) == []


def space(**other: Any) -> dict[str, Any]:
    """Return a measurement of /models, some of it replaced."""
    return {
        "path": "/models",
        "existing_parent": "/",
        "is_directory": True,
        "mount_point": "/",
        "free_bytes": 4 * GIB,
        "used_bytes": 0,
        **other,
    }


@pytest.mark.parametrize(("used", "problems"), [(0, 1), (1 * GIB, 0)])
def test_what_the_path_already_holds_counts_as_room(used: int, problems: int) -> None:
    """A host that has its models does not need the space for them again."""
    assert len(disk_problems([space(used_bytes=used)], [{"path": "/models", "min_free_gb": 5}])) == problems


def test_file_in_the_way_is_a_problem_of_its_own() -> None:
    """More space would not help there."""
    (problem,) = disk_problems([space(is_directory=False)], [{"path": "/models", "min_free_gb": 5}])
    assert "not a directory" in problem["problem"]


def test_paths_on_one_file_system_need_their_space_together() -> None:
    """Each alone would fit; one of them that has what it needs leaves the space to the others."""
    disks = [{"path": "/models", "min_free_gb": 3}, {"path": "/var/lib/docker", "min_free_gb": 2}]
    spaces = [space(), space(path="/var/lib/docker")]
    (problem,) = disk_problems(spaces, disks)
    assert "/models and /var/lib/docker need 5.0 GiB together" in problem["problem"]
    assert disk_problems([space(used_bytes=3 * GIB), spaces[1]], disks) == []
    assert disk_problems([space(), space(path="/var/lib/docker", mount_point="/var")], disks) == []


def test_path_that_is_too_small_alone_is_one_problem() -> None:
    """Not a second one together with others."""
    disks = [{"path": "/models", "min_free_gb": 30}, {"path": "/var/lib/docker", "min_free_gb": 2}]
    assert len(disk_problems([space(), space(path="/var/lib/docker")], disks)) == 1


def test_image_needs_no_space_once_its_container_runs() -> None:
    """Ours; somebody else's listener does not count."""
    disks = [{"path": "/models", "min_free_gb": 30, "until_port": 11435}]
    ports = [{"port": 11435, "owners": ["alchemorsel-ollama"], "setting": "ollama_publish_port"}]
    assert disk_problems([space()], disks, [listener(11435, "alchemorsel-ollama")], ports) == []
    assert len(disk_problems([space()], disks, [listener(11435, "nginx.service")], ports)) == 1


REDIS = {"port": 6379, "owners": ["redis-server.service"], "setting": "redis_port"}
SERVICE = {"port": 3010, "owners": ["alchemorsel-ai*"], "setting": "ai_service_port"}


def listener(port: int, owner: str) -> dict[str, Any]:
    """Return a listener on loopback."""
    return {"port": port, "owner": owner, "address": "127.0.0.1"}


def test_port_of_a_stranger_is_a_problem_that_names_him() -> None:
    """Who has the port, and which variable moves us elsewhere."""
    (problem,) = port_problems([listener(3010, "grafana.service")], [REDIS, SERVICE])
    assert problem["problem"] == "port 3010 is taken by grafana.service on 127.0.0.1"
    assert "ai_service_port" in problem["remedy"]


def test_our_own_services_may_have_their_ports() -> None:
    """A host that was provisioned before is ready again."""
    listeners = [listener(6379, "redis-server.service"), listener(3010, "alchemorsel-ai@blue.service")]
    assert port_problems(listeners, [REDIS, SERVICE]) == []


def test_our_own_service_on_another_ones_port_is_a_problem() -> None:
    """Owners are matched port by port."""
    assert len(port_problems([listener(3010, "redis-server.service")], [REDIS, SERVICE])) == 1


def test_hidden_process_is_a_problem() -> None:
    """A port whose holder cannot be seen is taken all the same."""
    (problem,) = port_problems([listener(6379, "")], [REDIS])
    assert "an unknown process" in problem["problem"]
