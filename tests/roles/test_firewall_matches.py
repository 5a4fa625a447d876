"""The filters that turn an inventory's services into matches of nftables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.firewall_matches import matches, open_ports, source_matches


def test_service_without_sources_is_for_everybody() -> None:
    """The one match is the empty one."""
    assert matches([{"port": 3010}]) == [{"name": "port 3010", "port": 3010, "protocol": "tcp", "sources": [""]}]


def test_service_with_no_source_left_is_for_nobody() -> None:
    """An empty group must not open Redis to the world."""
    assert matches([{"name": "redis", "port": 6379, "from": []}])[0]["sources"] == []


def test_service_is_open_to_interfaces_beside_its_sources() -> None:
    """Containers of the host come from a bridge, with addresses that nobody has chosen."""
    service = {"port": 6379, "from": ["10.0.0.9"], "interfaces": ["docker_gwbridge"]}
    assert matches([service])[0]["sources"] == ["ip saddr { 10.0.0.9/32 } ", 'iifname "docker_gwbridge" ']
    assert matches([{"port": 3010, "interfaces": ["docker_gwbridge"]}])[0]["sources"] == [""]


def test_families_are_matched_apart() -> None:
    """IPv4 and IPv6 addresses make one match each, sorted, so that the order of hosts changes nothing."""
    assert source_matches(["2001:db8::7", "10.0.0.9", "10.0.0.1", "10.0.0.9"]) == [
        "ip saddr { 10.0.0.1/32, 10.0.0.9/32 } ",
        "ip6 saddr { 2001:db8::7/128 } ",
    ]


def test_bad_address_is_named_with_its_service() -> None:
    """Whoever wrote it finds it."""
    with pytest.raises(ValueError, match=r"redis: 'ai-api-1' does not appear .* an address \(10\.0\.0\.1\)"):
        matches([{"name": "redis", "port": 6379, "from": ["ai-api-1"]}])


@pytest.mark.parametrize(
    ("service", "reached"),
    [
        ({"port": 1}, True),
        ({"port": 1, "from": ["198.18.0.0/15"]}, True),
        ({"port": 1, "from": ["10.0.0.0/8"]}, False),
        ({"port": 1, "from": []}, False),
    ],
)
def test_stranger_reaches_what_is_open_to_its_address(service: dict[str, Any], reached: bool) -> None:
    """What the role's verification expects of each port."""
    assert open_ports("198.18.255.254", [service]) == {"open": [1] if reached else [], "closed": [] if reached else [1]}


def test_port_that_one_entry_opens_is_open() -> None:
    """Two entries for a port add up."""
    assert open_ports("192.0.2.1", [{"port": 1, "from": []}, {"port": 1}]) == {"open": [1], "closed": []}


def test_other_protocols_are_not_knocked_at() -> None:
    """Silence of a UDP port says nothing."""
    assert open_ports("192.0.2.1", [{"port": 1, "protocol": "udp"}]) == {"open": [], "closed": []}
