"""Which hosts may form a Docker Swarm, and what each model's label is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.swarm_nodes import label, peers, problems, site_problems


def nodes(managers: int, workers: int = 1) -> list[dict[str, str]]:
    """Return as many nodes, managers first."""
    roles = ["manager"] * managers + ["worker"] * workers
    return [{"name": f"n{number}", "address": f"10.0.0.{number}", "role": role} for number, role in enumerate(roles)]


@pytest.mark.parametrize("count", [1, 3, 5])
def test_an_odd_number_of_managers_is_taken(count: int) -> None:
    """Up to five."""
    assert problems(nodes(count), "n0") == []


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (0, "none of swarm_hosts is a manager"),
        (2, "2 managers of the Swarm (n0, n1): they outlive the loss of no more of them than 1 do"),
        (4, "4 managers of the Swarm (n0, n1, n2, n3): they outlive the loss of no more of them than 3 do"),
        (7, "7 managers of the Swarm"),
    ],
)
def test_another_number_of_managers_is_refused(count: int, why: str) -> None:
    """With what is right instead, as every node sees it."""
    (problem,) = problems(nodes(count), "n0")
    assert problem["problem"].startswith(why)
    assert "1, 3 or 5" in problem["remedy"]


def test_a_node_needs_an_address() -> None:
    """By which the others reach it; one without is its own problem."""
    hosts = {"a": {"swarm_role": "manager", "private_address": "10.0.0.1"}, "b": {}}
    found = peers(hosts, ["a", "b"])
    assert found[1] == {"name": "b", "address": "", "role": "worker"}
    assert problems(found, "a") == []
    assert ["private_address" in each["problem"] for each in problems(found, "b")] == [True]


def test_a_kernel_without_vxlan_is_refused() -> None:
    """Containers of several hosts would not reach each other."""
    assert ["VXLAN" in each["problem"] for each in problems(nodes(1), "n0", has_vxlan=False)] == [True]


def test_a_host_that_is_no_peer_is_refused() -> None:
    """Its own variables forgot it."""
    assert ["other" in each["problem"] for each in problems(nodes(1), "other")] == [True]


@pytest.mark.parametrize("group", ["ollama_hosts", "ai_service_hosts", "web_hosts", "load_balancer_hosts"])
def test_a_node_is_in_no_group_whose_parts_the_stack_runs(group: str) -> None:
    """They would meet on the same port, or in the same models."""
    hosts: dict[str, Any] = {"a": {"swarm_role": "manager", "private_address": "10.0.0.1"}}
    groups = {"swarm_hosts": ["a"], group: ["a"]}
    assert [group in each["problem"] for each in site_problems(hosts, groups, "a")] == [True]
    assert site_problems(hosts, {"swarm_hosts": ["a"], "redis_hosts": ["a"]}, "a") == []
    assert site_problems(hosts, {group: ["a"]}, "a") == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("llama3.2:3b", "model-llama3.2-3b"),
        ("mirror.example/library/Phi:latest", "model-mirror.example-library-phi-latest"),
    ],
)
def test_a_models_label_is_one_that_constraints_can_name(model: str, expected: str) -> None:
    """Lower case, without colons and slashes."""
    assert label(model) == expected
