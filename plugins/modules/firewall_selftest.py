#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: probe this host's ports from a separate network namespace."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_selftest
short_description: Probe this host's ports from a separate network namespace
version_added: 0.1.0
description:
  - Makes an empty network namespace, joins it to the host by a pair of virtual interfaces, and tries to connect from
    there. Where nothing listens on a port, the module does so meanwhile, on the address of the pair alone. So a port
    that accepts is open, and one that refuses or stays silent is closed by a packet filter, whosoever that is.
  - The filter of others that closes a port that should be open is named, as far as the rules tell. They count also
    where they name an interface of the host, by which nothing can be tried from the namespace.
  - Requires that the namespace resolves the host's hardware address, so that a broken path is not taken for a firewall.
  - Namespace and interfaces are removed afterwards. In check mode nothing is probed.
options:
  strangers:
    description: One address a family for the namespace; the host gets the address below it. Must not be in use.
    type: list
    elements: str
    required: true
  ports:
    description: For each stranger, the TCP ports that are V(open) to it and those that are V(closed).
    type: dict
    required: true
  timeout:
    description: Seconds of silence after which a port counts as closed.
    type: float
    default: 1
extends_documentation_fragment: [alchemorsel.ai.attributes.trial]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Knock
  alchemorsel.ai.firewall_selftest:
    strangers: [198.18.255.2]
    ports: {198.18.255.2: {open: [22], closed: [6379]}}
"""

RETURN = r"""
answers: {description: What was found of each address and port., returned: outside check mode, type: dict}
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.network_namespace import (
    NamespaceError,
    below,
    connect_from,
    has_ipv6,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_firewall import Filters, has_global_ipv6

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import Run

    Ports = Mapping[str, Mapping[str, Sequence[int]]]

# Ports that no service of this project has: whatever else the rules say, these are closed.
NOBODYS_PORTS = (9, 61234)
PROBING = "alc00000000"
"""As the host's end of the namespace's pair is called: rules that name an interface do not name this one."""
WORDS = {
    "accepts": "accepts a connection from the namespace, but none from other machines",
    "silent": "stays silent",
    "refuses": "refuses a connection although something listens there",
}


class SelftestError(Exception):
    """Something is open that should be closed, or the other way round."""


def judge(found: Mapping[str, str], ports: Ports, closed: Mapping[str, Sequence[str]], bound: Collection[str]) -> None:
    """Compare what was found, with something listening on every port, with what should be.

    Args:
        found: `accepts`, `refuses` or `silent`, by host address and port.
        ports: The ports that should be `open` and `closed`, by host address.
        closed: Filters of others that close an open port to other machines, by host address and port.
        bound: Host addresses and ports that filters of others open by another interface only, which cannot be tried.

    Raises:
        SelftestError: They differ; the message names every port that does, and who closed it.
    """
    wrong = []
    for address, wanted in ports.items():
        for port in wanted["open"]:
            key = f"{address} {port}"
            others = " and ".join(closed.get(key, ()))
            if others or (found[key] != "accepts" and key not in bound):
                reason = f": closed by {others}, beside the rules of the role" if others else ""
                wrong.append(f"{address} port {port} {WORDS[found[key]]}, but should be open to everybody{reason}")
        wrong += [
            f"{address} port {port} accepts a foreign connection, but should be closed"
            for port in wanted["closed"]
            if found[f"{address} {port}"] == "accepts"
        ]
    if wrong:
        raise SelftestError("; ".join(wrong))


def closing(
    run: Run, root: Path, ports: Ports, callers: Mapping[str, str], interface: str = ""
) -> dict[str, list[str]]:
    """Return the filters of others that close an open port, by host address and port.

    Args:
        run: Runs commands.
        root: Root of the file system.
        ports: The ports that should be `open`, by host address.
        callers: The stranger that calls a host address. IPv6 counts where other machines could use it.
        interface: By which it comes in; empty for that on the way to it.
    """
    services = [
        {"name": f"{address} {port}", "port": port, "from": [callers[address]]}
        for address, wanted in ports.items()
        if ":" not in address or has_global_ipv6(root)
        for port in wanted["open"]
    ]
    found: dict[str, list[str]] = {}
    for each in Filters(run, root, services, interface=interface).found():
        name = f"{each['owner']}, {each['place']}" if each["owner"] else f"the {each['place']}"
        for service in each["closed"]:
            found.setdefault(service["name"], []).append(name)
    return found


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "strangers": {"type": "list", "elements": "str", "required": True},
            "ports": {"type": "dict", "required": True},
            "timeout": {"type": "float", "default": 1.0},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode knocks nowhere")
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    strangers = [address for address in module.params["strangers"] if ":" not in address or has_ipv6()]
    ports = {
        below(address): {
            "open": module.params["ports"][address]["open"],
            "closed": [*module.params["ports"][address]["closed"], *NOBODYS_PORTS],
        }
        for address in strangers
    }
    callers = {below(address): address for address in strangers}
    targets = [(address, port) for address, wanted in ports.items() for group in wanted.values() for port in group]
    run, root = within_deadline(module), Path("/")
    try:
        found = connect_from(strangers, targets, module.params["timeout"], is_listening=True)
        is_shut = any(found[f"{each} {port}"] != "accepts" for each in ports for port in ports[each]["open"])
        bound = closing(run, root, ports, callers, PROBING) if is_shut else {}
        judge(found, ports, closing(run, root, ports, callers), bound)
    except (NamespaceError, SelftestError) as error:
        module.fail_json(msg=f"the firewall does not do what the inventory says: {error}")
    module.exit_json(changed=False, answers=found)


if __name__ == "__main__":
    main()
