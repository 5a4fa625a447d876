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
    there. A port that refuses or accepts is open to strangers; one that stays silent is closed to them.
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
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.network_namespace import (
    NamespaceError,
    below,
    connect_from,
    has_ipv6,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Ports = Mapping[str, Mapping[str, Sequence[int]]]

# Ports that no service of this project has: whatever else the rules say, these are closed.
NOBODYS_PORTS = (9, 61234)


class SelftestError(Exception):
    """Something is open that should be closed, or the other way round."""


def judge(found: Mapping[str, str], ports: Ports) -> None:
    """Compare what was found with what should be.

    Args:
        found: `accepts`, `refuses` or `silent`, by host address and port.
        ports: The ports that should be `open` and `closed`, by host address.

    Raises:
        SelftestError: They differ; the message names every port that does.
    """
    wrong = []
    for address, wanted in ports.items():
        wrong += [
            f"{address} port {port} is silent, but should be open to everybody"
            for port in wanted["open"]
            if found[f"{address} {port}"] == "silent"
        ]
        wrong += [
            f"{address} port {port} {found[f'{address} {port}']} a foreign connection, but should be closed"
            for port in wanted["closed"]
            if found[f"{address} {port}"] != "silent"
        ]
    if wrong:
        raise SelftestError("; ".join(wrong))


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
    targets = [(address, port) for address, wanted in ports.items() for group in wanted.values() for port in group]
    try:
        found = connect_from(strangers, targets, module.params["timeout"])
        judge(found, ports)
    except (NamespaceError, SelftestError) as error:
        module.fail_json(msg=f"the firewall does not do what the inventory says: {error}")
    module.exit_json(changed=False, answers=found)


if __name__ == "__main__":
    main()
