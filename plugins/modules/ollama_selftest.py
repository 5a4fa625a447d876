#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: verify that Ollama's container answers this host and no neighbour that routes to it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_selftest
short_description: Verify that Ollama's container answers this host only
version_added: 0.1.0
description:
  - Connects to the container's own addresses from the host, where they have to accept, and from an empty network
    namespace whose default route is this host, where they must not.
  - The namespace stands for another machine of the network segment. Engines before Docker 28 forward its packets to a
    published container, whatever address of the host the port is published on.
  - Namespace and interfaces are removed afterwards. In check mode nothing is tried.
options:
  addresses:
    description: The container's own addresses; of IPv6 only where the host has it.
    type: list
    elements: str
    required: true
  port:
    description: The port that the server listens on inside the container.
    type: int
    required: true
  strangers:
    description: One address a family for the namespace; the host gets the address below it. Nothing else may use them.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds of silence after which an address counts as closed.
    type: float
    default: 1
extends_documentation_fragment: [alchemorsel.ai.attributes.trial]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Verify that neighbours get no answer
  alchemorsel.ai.ollama_selftest:
    addresses: [172.18.0.2]
    port: 11434
    strangers: [198.18.255.254]
"""

RETURN = r"""
answers: {description: Result of each address and port for a neighbour., returned: outside check mode, type: dict}
"""

import os
import socket
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.network_namespace import (
    NamespaceError,
    connect_from,
    has_ipv6,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONNECT_SECONDS = 10


class SelftestError(Exception):
    """The container answers a neighbour, or not even this host."""


def connect(addresses: Sequence[str], port: int) -> None:
    """Connect to each address from this host.

    Raises:
        SelftestError: One refuses or is silent.
    """
    for address in addresses:
        try:
            socket.create_connection((address, port), CONNECT_SECONDS).close()
        except OSError as error:
            raise SelftestError(f"no connection from this host to {address} port {port}: {error}") from error


def judge(found: Mapping[str, str]) -> None:
    """Refuse any connection that a neighbour got.

    Args:
        found: `accepts`, `refuses` or `silent`, by address and port.

    Raises:
        SelftestError: An address accepts.
    """
    reached = [target.replace(" ", " port ") for target, answer in found.items() if answer == "accepts"]
    if reached:
        raise SelftestError(
            f"a neighbour on the network segment reaches Ollama, which has no authentication, at {', '.join(reached)}"
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "port": {"type": "int", "required": True},
            "strangers": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "float", "default": 1.0},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode connects to nothing")
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    params = module.params
    addresses = [address for address in params["addresses"] if ":" not in address or has_ipv6()]
    families = {":" in address for address in addresses}
    strangers = [stranger for stranger in params["strangers"] if (":" in stranger) in families]
    try:
        connect(addresses, params["port"])
        found = connect_from(strangers, [(address, params["port"]) for address in addresses], params["timeout"])
        judge(found)
    except (NamespaceError, SelftestError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, answers=found)


if __name__ == "__main__":
    main()
