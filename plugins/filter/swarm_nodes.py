"""Filters that list the nodes of a Docker Swarm from an inventory, and find what keeps hosts from being one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MANAGERS = (1, 3, 5)
"""An even number outlives the loss of no more managers than the odd one below it."""
OCCUPIED = ("ollama_hosts", "ai_service_hosts", "web_hosts", "load_balancer_hosts")
"""Groups whose roles run on the host what the stack runs in the Swarm, on the same ports or files."""
Problem = dict[str, str]


def label(model: str) -> str:
    """Return the node label of a model: `llama3.2:3b` is `model-llama3.2-3b`."""
    return "model-" + re.sub(r"[^a-z0-9.]+", "-", model.lower()).strip("-.")


def peers(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[dict[str, str]]:
    """Return the nodes as `swarm_peers` of the role swarm has them.

    Args:
        hostvars: Ansible's, of all hosts.
        hosts: Those of the group `swarm_hosts`.
    """
    return [
        {
            "name": host,
            "address": str(hostvars[host].get("private_address", "")),
            "role": str(hostvars[host].get("swarm_role", "worker")),
        }
        for host in hosts
    ]


def problems(nodes: Sequence[Mapping[str, str]], host: str, *, has_vxlan: bool = True) -> list[Problem]:
    """Return what keeps a Swarm of these nodes from being formed, as one host sees it.

    Args:
        nodes: `swarm_peers`.
        host: The host's name in the inventory.
        has_vxlan: The kernel makes interfaces of that kind.
    """
    if host not in {node["name"] for node in nodes}:
        return [{"problem": f"swarm_peers do not name {host}", "remedy": "add it, with its address and role"}]
    found = list(_manager_problems([node["name"] for node in nodes if node["role"] == "manager"]))
    if not next(node["address"] for node in nodes if node["name"] == host):
        found.append(
            {
                "problem": f"{host} has no private_address, by which the other nodes of the Swarm reach it",
                "remedy": "set private_address in the inventory",
            }
        )
    if not has_vxlan:
        found.append(
            {
                "problem": "the kernel has no VXLAN, by which containers of several hosts reach each other",
                "remedy": "use a kernel with the module vxlan",
            }
        )
    return found


def site_problems(
    hostvars: Mapping[str, Mapping[str, Any]],
    groups: Mapping[str, Sequence[str]],
    host: str,
    *,
    has_vxlan: bool = True,
) -> list[Problem]:
    """Return what keeps a host of an inventory from being a node.

    Args:
        hostvars: Ansible's, of all hosts.
        groups: Ansible's `groups`.
        host: The host's name in the inventory.
        has_vxlan: The kernel makes interfaces of that kind.
    """
    hosts = groups.get("swarm_hosts", ())
    if host not in hosts:
        return []
    found = problems(peers(hostvars, hosts), host, has_vxlan=has_vxlan)
    beside = [name for name in OCCUPIED if host in groups.get(name, ())]
    if beside:
        found.append(
            {
                "problem": f"{host} is in swarm_hosts and in {', '.join(beside)}: the stack runs service, edge and "
                "Ollama",
                "remedy": "take it out of the other groups, or out of swarm_hosts",
            }
        )
    return found


def _manager_problems(managers: Sequence[str]) -> Iterator[Problem]:
    count = len(managers)
    if count in MANAGERS:
        return
    if not count:
        yield {
            "problem": "none of swarm_hosts is a manager",
            "remedy": "set swarm_role: manager for 1, 3 or 5 of them",
        }
    else:
        why = (
            f"they outlive the loss of no more of them than {count - 1} do"
            if count % 2 == 0
            else "each of them writes every change, so that more than 5 slow each other down"
        )
        yield {
            "problem": f"{count} managers of the Swarm ({', '.join(managers)}): {why}",
            "remedy": "set swarm_role: manager for 1, 3 or 5 of swarm_hosts, and worker for the others",
        }


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the names that templates use."""
        return {
            "swarm_label": label,
            "swarm_peers": peers,
            "swarm_problems": problems,
            "preflight_swarm_problems": site_problems,
        }
