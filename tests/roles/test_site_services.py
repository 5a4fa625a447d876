"""Which ports other machines need, by the inventory: what preflight holds against the packet filters of a host."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.ansible_module import ROLES
from tests.roles.templates import evaluate, load

HOST = {"group_names": ["ai_service_hosts", "web_hosts", "redis_hosts"], "groups": {}, "hostvars": {}}
OPEN = {"ai_service_bind_address": "0.0.0.0", "web_bind_address": "10.20.0.41"}


def reachable(**variables: Any) -> list[int]:
    """Return the ports that are needed."""
    known = load(ROLES.parent / "playbooks" / "vars" / "services.yml")
    services = evaluate(known["site_reachable_services"], {**known, **HOST, **variables})
    return [each["port"] for each in services]


@pytest.mark.parametrize(
    ("variables", "ports"),
    [
        ({"firewall_enabled": False}, []),
        ({"firewall_enabled": False, **OPEN}, [3010, 3011]),
        ({"firewall_enabled": False, "ai_service_bind_address": "::1", "web_bind_address": "localhost"}, []),
        ({"firewall_enabled": False, **OPEN, "ai_service_port": 80, "web_bind_address": "127.0.0.2"}, [80]),
        ({"firewall_enabled": False, **OPEN, "group_names": ["redis_hosts"]}, []),
        ({}, [3010, 3011, 6379]),
        ({"site_undecided_port": 0}, [3010, 3011, 0]),
        ({"site_undecided_port": 0, "redis_port": 6380}, [3010, 3011, 6380]),
        ({"firewall_extra_services": [{"port": 8080}]}, [3010, 3011, 6379, 8080]),
    ],
)
def test_ports_are_needed_where_the_inventory_opens_them(variables: dict[str, Any], ports: list[int]) -> None:
    """Without the role firewall those that listen beyond loopback, with it all that it opens."""
    assert reachable(**variables) == ports


SWARM = {
    "swarm_hosts": ["n1", "n2"],
    "hostvars": {"n1": {"private_address": "10.0.0.1"}, "n2": {"private_address": "10.0.0.2"}},
}


def swarm_host(**variables: Any) -> dict[str, Any]:
    """Return who may ask which port of a node of a Swarm, or of a balancer in front of it."""
    known = load(ROLES.parent / "playbooks" / "vars" / "services.yml")
    host = {"groups": {"swarm_hosts": SWARM["swarm_hosts"]}, "hostvars": SWARM["hostvars"], **variables}
    services = evaluate(known["site_firewall_services"], {**known, **host})
    return {f"{each['port']}/{each.get('protocol', 'tcp')}": each.get("from", "everybody") for each in services}


def test_nodes_of_a_swarm_are_open_to_each_other_by_address() -> None:
    """Everybody asks the API; management is the managers'."""
    peers = ["10.0.0.1", "10.0.0.2"]
    worker = {"3010/tcp": "everybody", "7946/tcp": peers, "7946/udp": peers, "4789/udp": peers}
    assert swarm_host(group_names=["swarm_hosts"]) == worker
    assert swarm_host(group_names=["swarm_hosts"], swarm_role="manager") == {**worker, "2377/tcp": peers}


def test_a_balancer_in_front_of_a_swarm_is_open_for_the_api_alone() -> None:
    """Its nodes have no page."""
    assert swarm_host(group_names=["load_balancer_hosts"]) == {"3010/tcp": "everybody"}
