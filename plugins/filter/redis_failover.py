"""Filters that list Redis servers that fail over, and find what keeps them from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MIN_HOSTS = 3
MIN_VERSION = 7
"""Of Redis: earlier ones replicate from the first address that they listen on, which may be loopback."""
DEFAULT_PORT = 6379
DEFAULT_SENTINEL_PORT = 26379
SENTINEL_UNIT = "redis-sentinel@alchemorsel.service"
_LOOPBACK = re.compile(r"-?(127\.|::1$|localhost$)")
Problem = dict[str, str]


def peers(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the servers of a site as `redis_peers` of the role redis has them; none where there is one server.

    Args:
        hostvars: Ansible's, of all hosts.
        hosts: Those of the group `redis_hosts`, the first primary first.
    """
    if len(hosts) < MIN_HOSTS:
        return []
    return [
        {
            "name": host,
            "address": str(hostvars[host].get("private_address", "")),
            "port": int(hostvars[host].get("redis_port") or DEFAULT_PORT),
            "sentinel_port": int(hostvars[host].get("redis_sentinel_port") or DEFAULT_SENTINEL_PORT),
        }
        for host in hosts
    ]


def site_problems(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], host: str, service_hosts: Sequence[str]
) -> list[Problem]:
    """Return what keeps the Redis servers of an inventory from failing over, as one host sees it.

    Args:
        hostvars: Ansible's, of all hosts.
        hosts: Those of the group `redis_hosts`.
        host: The host's name in the inventory.
        service_hosts: Those of the group `ai_service_hosts`.
    """
    own = hostvars[host]
    found = _url_problems(hostvars, hosts, own) if host in service_hosts and len(hosts) >= MIN_HOSTS else []
    if host not in hosts or len(hosts) == 1:
        return found
    if len(hosts) < MIN_HOSTS:
        found.append(
            {
                "problem": f"too few Sentinels: redis_hosts are {len(hosts)} ({', '.join(hosts)}), and "
                "of these no majority is "
                "left when one is lost",
                "remedy": f"put one host into redis_hosts, or {MIN_HOSTS} or more",
            }
        )
        return found
    quorum = str(own.get("redis_sentinel_quorum") or 0)
    found += [
        {"problem": f"redis_sentinel_quorum is {quorum}, and redis_hosts are {len(hosts)}: {why}", "remedy": remedy}
        for why, remedy in _quorum_problems(quorum, len(hosts))
    ]
    if not own.get("private_address"):
        found.append(
            {
                "problem": f"{host} has no private_address, by which the other servers of redis_hosts reach it",
                "remedy": "set private_address in the inventory, and redis_bind to [127.0.0.1, that address]",
            }
        )
    elif all(_LOOPBACK.match(str(address)) for address in own.get("redis_bind") or ["127.0.0.1"]):
        found.append(
            {
                "problem": "redis_bind is loopback alone, so the other servers of redis_hosts cannot "
                "replicate this one",
                "remedy": f"set redis_bind to [127.0.0.1, {own['private_address']}]",
            }
        )
    if not own.get("redis_service_password"):
        found.append(
            {
                "problem": "redis_service_password is not set, and each server of redis_hosts would "
                "generate another one",
                "remedy": "set it for the group redis_hosts, and ai_service_redis_password for "
                "ai_service_hosts, from a vault",
            }
        )
    return found


def role_problems(
    servers: Sequence[Mapping[str, Any]],
    host: str,
    bind: Sequence[str],
    quorum: int,
    password: str,
    *,
    version: str,
    listeners: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return what keeps a host's server from failing over, for a play that had no preflight.

    Args:
        servers: `redis_peers`.
        host: The host's name in the inventory.
        bind: `redis_bind`.
        quorum: `redis_sentinel_quorum`.
        password: `redis_service_password`.
        version: Of Redis on the host, or the one that it gets.
        listeners: Who listens on the Sentinel's port, as the module redis_facts returns it.
    """
    hosts = [str(each["name"]) for each in servers]
    variables = {
        "redis_bind": bind,
        "redis_sentinel_quorum": quorum,
        "redis_service_password": password,
        "private_address": next((each["address"] for each in servers if each["name"] == host), ""),
    }
    found = [f"{each['problem']}: {each['remedy']}" for each in site_problems({host: variables}, hosts, host, [])]
    if host not in hosts:
        found = [f"redis_peers do not name {host}: add it, with its address and ports"]
    if int(version.partition(".")[0] or 0) < MIN_VERSION:
        found.append(
            f"Redis {version} of this host is too old to fail over: it takes {MIN_VERSION}, as Debian 12 has it"
        )
    found += [
        f"port {each['port']} is held by {each['owner']}: set redis_sentinel_port to a free one"
        for each in listeners[:1]
        if each["owner"] != SENTINEL_UNIT
    ]
    return found


def _url_problems(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], own: Mapping[str, Any]
) -> list[Problem]:
    url = str(own.get("ai_service_redis_url") or "")
    for each in hosts:
        address = hostvars[each].get("private_address")
        if address and re.search(rf"//\[?{re.escape(str(address))}\]?([:/]|$)", url):
            return [
                {
                    "problem": f"ai_service_redis_url names {each} alone, and redis_hosts are "
                    f"{len(hosts)}: its answers would "
                    "be out of reach once another one is the primary",
                    "remedy": "remove ai_service_redis_url: the service then asks whichever is the primary",
                }
            ]
    return []


def _quorum_problems(quorum: str, hosts: int) -> list[tuple[str, str]]:
    if not quorum.isdecimal():
        return [("it is no number", "remove it: the majority is the default")]
    if int(quorum) > hosts:
        return [("so many never agree", f"set it to {hosts // 2 + 1}, or remove it: the majority is the default")]
    return []


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "redis_peers": peers,
            "redis_failover_problems": role_problems,
            "preflight_redis_failover_problems": site_problems,
        }
