"""What preflight makes of clocks and of servers that are not reached."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.preflight_network import (
    clock_problems,
    endpoint_problems,
    registry_endpoint,
    tls_problems,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.preflight_network import reach_all

from tests.roles.ansible_module import run_module

REGISTRY = [{"endpoint": "mirror.lab:5000", "setting": "ollama_image", "until_port": 11435}]
PORTS = [{"port": 11435, "owners": ["alchemorsel-ollama"], "setting": "ollama_publish_port"}]


@pytest.mark.parametrize("ahead", [-60.0, 0.0, 60.0])
def test_clock_within_the_limit_is_fine(ahead: float) -> None:
    """Ahead or behind."""
    assert clock_problems(ahead, 60) == []


@pytest.mark.parametrize(("ahead", "said"), [(7200.4, "7200 s ahead of"), (-61.0, "61 s behind")])
def test_clock_beyond_the_limit_is_a_problem(ahead: float, said: str) -> None:
    """The message says by how much and in which direction."""
    assert said in clock_problems(ahead, 60)[0]["problem"]


def found(*listeners: dict[str, Any]) -> dict[str, Any]:
    """Return the module's result for an unreachable registry."""
    return {"unreached": {"mirror.lab:5000": "the name mirror.lab is not found"}, "listeners": list(listeners)}


def test_unreached_registry_is_a_problem_until_the_container_runs() -> None:
    """A host that has what it needs goes on without its registry; somebody else's listener does not count."""
    ours = {"port": 11435, "owner": "alchemorsel-ollama"}
    assert endpoint_problems(found(ours), REGISTRY, PORTS) == []
    for strangers in (found(), found({"port": 11435, "owner": "nginx.service"})):
        (problem,) = endpoint_problems(strangers, REGISTRY, PORTS)
        assert problem["problem"] == "the name mirror.lab is not found"
        assert "ollama_image" in problem["remedy"]


def test_server_that_is_always_needed_is_always_a_problem() -> None:
    """Without `until_port` nothing stands in for it."""
    endpoints = [{"endpoint": "mirror.lab:5000", "setting": "x"}]
    assert len(endpoint_problems(found({"port": 11435, "owner": "alchemorsel-ollama"}), endpoints, PORTS)) == 1


@pytest.mark.parametrize(
    ("image", "endpoint"),
    [
        ("ollama/ollama", "registry-1.docker.io:443"),
        ("docker.io/ollama/ollama:0.34.2", "registry-1.docker.io:443"),
        ("ollama", "registry-1.docker.io:443"),
        ("registry.example/ollama@sha256:00", "registry.example:443"),
        ("localhost/ollama", "localhost:443"),
        ("mirror.lab:5000/alchemorsel/ollama:0.5.4", "mirror.lab:5000"),
    ],
)
def test_registry_of_an_image_is_read_as_docker_reads_it(image: str, endpoint: str) -> None:
    """The first part is a host only where it looks like one."""
    assert registry_endpoint(image) == endpoint


def test_listening_server_is_reached_and_a_closed_port_is_told() -> None:
    """On real sockets, several at once."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closing:
        port, closed = server.getsockname()[1], closing.getsockname()[1]
        closing.close()
        problems = reach_all([f"127.0.0.1:{port}", f"127.0.0.1:{closed}"], 5)
    assert list(problems) == [f"127.0.0.1:{closed}"]
    assert "is not reached" in problems[f"127.0.0.1:{closed}"]


def test_name_that_does_not_exist_is_told_as_such() -> None:
    """The reserved domain `invalid` never resolves."""
    assert "name registry.invalid is not found" in reach_all(["registry.invalid:443"], 5)["registry.invalid:443"]


def test_endpoint_without_a_port_is_refused() -> None:
    """It could not be tried, so it is said and not passed over."""
    result = run_module("preflight_facts", endpoints=["mirror.lab"])
    assert result["failed"]
    assert "mirror.lab" in result["msg"]


def test_clock_is_compared_with_the_one_that_is_given() -> None:
    """A machine that asks from 1970 finds the host far ahead."""
    assert run_module("preflight_facts", clock=0)["clock_ahead"] > 10**9


@pytest.mark.parametrize("tls", ["off", False, "own", "given"])
def test_site_that_chose_is_fine(tls: str | bool) -> None:
    """Off is a choice; YAML reads it as false."""
    assert tls_problems({"ai_service_bind_address": "10.20.0.41"}, tls) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_site_on_loopback_need_not_choose(address: str) -> None:
    """Nobody but the host itself reaches it."""
    assert tls_problems({"ai_service_bind_address": address}, "") == []


@pytest.mark.parametrize("address", ["10.20.0.41", "0.0.0.0", "::", "ai.example"])
def test_site_that_others_reach_has_to_choose(address: str) -> None:
    """The problem names the variable that opens it, the remedy the three choices."""
    (problem,) = tls_problems({"ai_service_bind_address": "127.0.0.1", "web_bind_address": address}, "")
    assert f"web_bind_address is {address}" in problem["problem"]
    assert "ai_service_bind_address" not in problem["problem"]
    assert all(choice in problem["remedy"] for choice in ("given", "own", "off"))
