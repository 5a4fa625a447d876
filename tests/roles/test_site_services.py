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
