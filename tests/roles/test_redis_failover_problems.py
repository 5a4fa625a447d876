"""What keeps Redis servers from failing over is named before anything changes, with what would be right."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.redis_failover import peers, role_problems, site_problems

HOSTS = ["a", "b", "c"]
PASSWORD = "sixteen-characters-and-more"


def site(count: int = 3, **variables: Any) -> dict[str, dict[str, Any]]:
    """Give the variables of hosts that can fail over, the first one's changed."""
    found = {
        name: {
            "private_address": f"10.0.0.{number}",
            "redis_bind": ["127.0.0.1", f"10.0.0.{number}"],
            "redis_service_password": PASSWORD,
        }
        for number, name in enumerate(HOSTS[:count], 1)
    }
    found["a"] |= variables
    return found


def problems(hostvars: dict[str, dict[str, Any]], service_hosts: list[str] | None = None) -> list[str]:
    """Return what the first host is told."""
    return [each["problem"] for each in site_problems(hostvars, list(hostvars), "a", service_hosts or [])]


@pytest.mark.parametrize("count", [1, 3])
def test_one_server_and_three_are_fine(count: int) -> None:
    """One has nothing to fail over to, and needs none of it."""
    assert problems(site(count)) == []
    assert problems({"a": {}}) == []


def test_two_servers_are_too_few_sentinels() -> None:
    """Without one of them there is no majority."""
    assert problems(site(2)) == [
        "too few Sentinels: redis_hosts are 2 (a, b), and of these no majority is left when one is lost"
    ]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"redis_sentinel_quorum": 4}, "redis_sentinel_quorum is 4, and redis_hosts are 3: so many never agree"),
        ({"redis_sentinel_quorum": "two"}, "redis_sentinel_quorum is two, and redis_hosts are 3: it is no number"),
        ({"private_address": ""}, "a has no private_address, by which the other servers of redis_hosts reach it"),
        ({"redis_bind": ["127.0.0.1"]}, "redis_bind is loopback alone, so the other servers of redis_hosts cannot replicate this one"),  # noqa: E501
        ({"redis_service_password": ""}, "redis_service_password is not set, and each server of redis_hosts would generate another one"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(variables: dict[str, Any], told: str) -> None:
    """Each by the variable that is to be set."""
    assert problems(site(**variables)) == [told]


def test_service_that_asks_one_server_alone_is_named() -> None:
    """Whether by TLS or not; an address that begins alike is another's."""
    for url in ("redis://10.0.0.2:6379/0", "rediss://10.0.0.2/0"):
        found = problems(site(ai_service_redis_url=url), ["a"])
        told = "ai_service_redis_url names b alone, and redis_hosts are 3: its answers would be out of reach "
        assert found == [told + "once another one is the primary"]
    assert problems(site(ai_service_redis_url="redis://10.0.0.20:6379/0"), ["a"]) == []
    assert problems(site(ai_service_redis_url="redis://10.0.0.2:6379/0"), []) == []


def test_peers_are_those_of_the_group_with_their_ports() -> None:
    """None where one server stands alone: such a site stays as it is."""
    hostvars = site(redis_port=7000)
    assert peers(hostvars, HOSTS)[0] == {"name": "a", "address": "10.0.0.1", "port": 7000, "sentinel_port": 26379}
    assert [each["port"] for each in peers(hostvars, HOSTS)] == [7000, 6379, 6379]
    assert peers(hostvars, ["a"]) == []


def test_the_role_names_an_old_redis_and_a_port_that_is_held() -> None:
    """As a play without preflight finds them."""
    servers = peers(site(), HOSTS)
    listener = {"port": 26379, "owner": "redis-sentinel.service"}
    assert role_problems(servers, "a", ["127.0.0.1", "10.0.0.1"], 0, PASSWORD, version="7.0.15", listeners=[]) == []
    own = {"port": 26379, "owner": "redis-sentinel@alchemorsel.service"}
    assert role_problems(servers, "a", ["10.0.0.1"], 0, PASSWORD, version="8.0.2", listeners=[own]) == []
    assert role_problems(servers, "a", ["10.0.0.1"], 0, PASSWORD, version="6.0.16", listeners=[listener]) == [
        "Redis 6.0.16 of this host is too old to fail over: it takes 7, as Debian 12 has it",
        "port 26379 is held by redis-sentinel.service: set redis_sentinel_port to a free one",
    ]
    assert role_problems(servers, "x", ["10.0.0.1"], 0, PASSWORD, version="7.0.15", listeners=[]) == [
        "redis_peers do not name x: add it, with its address and ports"
    ]
