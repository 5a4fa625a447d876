"""Filters that list the edges of a site's hosts for the balancers in front of them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.filter.load_balancer_problems import tls_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Problem = dict[str, str]


def edges(
    hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str], setting: str, port: int
) -> list[dict[str, Any]]:
    """Return the edges as servers of a frontend, as the role load_balancer takes them.

    Args:
        hostvars: Ansible's, of all hosts.
        hosts: Those that have an edge.
        setting: Variable that sets its port.
        port: Where it is not set.
    """
    return [_edge(host, hostvars[host], setting, port) for host in hosts]


def problems(groups: Mapping[str, Sequence[str]], host: str) -> list[Problem]:
    """Return what keeps a host from being a balancer.

    Args:
        groups: Ansible's `groups`.
        host: The host's name in the inventory.
    """
    balancers = groups.get("load_balancer_hosts", ())
    if host not in balancers:
        return []
    served = [name for name in ("ai_service_hosts", "web_hosts") if host in groups.get(name, ())]
    if served:
        return [
            {
                "problem": f"{host} is in load_balancer_hosts and in {' and '.join(served)}: its own edge has the "
                "ports of a balancer",
                "remedy": "put a host of its own into load_balancer_hosts, or leave the group out: each edge serves by "
                "itself",
            }
        ]
    if not groups.get("ai_service_hosts") and not groups.get("swarm_hosts"):
        return [
            {
                "problem": f"{host} is in load_balancer_hosts, and ai_service_hosts is empty: there is nothing to "
                "balance",
                "remedy": "put the hosts of the service into ai_service_hosts, or into swarm_hosts",
            }
        ]
    return []


def _edge(host: str, variables: Mapping[str, Any], setting: str, port: int) -> dict[str, Any]:
    address = str(variables.get("private_address") or variables.get("ansible_host") or host)
    choice = tls_choice(variables.get("load_balancer_tls", ""))
    named = f"[{address}]" if ":" in address else address
    edge = {"name": host.replace(".", "-"), "address": f"{named}:{int(variables.get(setting) or port)}"}
    if choice in {"own", "given"}:
        # an own certificate covers the host's name in the inventory
        names = [host] if choice == "own" else list(variables.get("load_balancer_tls_names") or [])
        return edge | {"tls": True, "tls_name": next((name for name in names if not _is_address(name)), "")}
    return edge


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"load_balancer_edges": edges, "preflight_balancer_problems": problems}
