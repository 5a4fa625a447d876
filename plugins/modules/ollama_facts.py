#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: gather what a host has for Ollama's container - engine, image, network, rules, memory, models."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_facts
short_description: Gather engine, image, network, firewall, directory and units of Ollama
version_added: 0.1.0
description:
  - Asks the Docker Engine over its socket, with Python's standard library only, so that a host without an engine, or
    without what the modules of community.docker need, is looked at too.
  - Reads only; check mode is no different. One module in place of a task for each, because a task costs a round trip.
options:
  image:
    description: Reference of the image.
    type: str
    required: true
  network:
    description: Name of the Docker network.
    type: str
    required: true
  models:
    description: Folder of the models.
    type: path
    required: true
  units:
    description: Units of systemd to look at, too.
    type: list
    elements: str
    default: []
  table:
    description: Family and name of the nftables table of the container's firewall rules.
    type: str
    required: true
  socket:
    description: Socket of the engine.
    type: path
    default: /run/docker.sock
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at engine, image, network and folder
  alchemorsel.ai.ollama_facts:
    image: docker.io/ollama/ollama:0.34.2
    network: alchemorsel
    models: /srv/alchemorsel/models
    table: inet alchemorsel_ollama
  register: __found
"""

RETURN = r"""
engine:
  description: Whether an engine answers, and the host has the Python library that community.docker asks it with.
  returned: success
  type: bool
image_id: {description: "ID of the image; empty where it is not there.", returned: success, type: str}
has_network: {description: Whether there is a bridge network of that name., returned: success, type: bool}
bridge: {description: "Network interface of that network; empty where it is missing.", returned: success, type: str}
firewall:
  description: Whether nftables is C(installed), and the C(rules) of the table in force, empty where it is missing.
  returned: success
  type: dict
models: {description: "The folder: C(is_folder), C(uid), C(gid).", returned: success, type: dict}
capacity:
  description: C(memory_mb) of the host, or of its control group, in MiB, and C(processors) that may be used.
  returned: success
  type: dict
units:
  description: Of each unit, C(active), C(enabled), C(needs_reload) and C(settled).
  returned: success
  type: dict
"""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_engine import ask
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import capacity, path, unit, within_deadline

if TYPE_CHECKING:
    from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import Run

LIBRARY = "requests"
NFT = "/usr/sbin/nft"
BRIDGE_OPTION = "com.docker.network.bridge.name"
BRIDGE_DIGITS = 12
"""Of a network's ID, in the name that Docker gives its interface."""


def describe(engine_socket: str, image: str, network: str) -> dict[str, Any]:
    """Return what is documented under RETURN, without the folder.

    Raises:
        ValueError: The engine answers with an error.
    """
    try:
        found = ask(engine_socket, f"/images/{quote(image, safe='/:@')}/json")
        networks = ask(engine_socket, f"/networks/{quote(network, safe='')}")
    except OSError:
        return {"engine": False, "image_id": "", "has_network": False, "bridge": ""}
    return {
        "engine": importlib.util.find_spec(LIBRARY) is not None,
        "image_id": found.get("Id", ""),
        "has_network": networks.get("Driver") == "bridge",
        "bridge": bridge_of(networks) if networks.get("Driver") == "bridge" else "",
    }


def bridge_of(network: dict[str, Any]) -> str:
    """Return the interface of a bridge network: the one that its options name, else Docker's choice."""
    named = (network.get("Options") or {}).get(BRIDGE_OPTION)
    return str(named or f"br-{network['Id'][:BRIDGE_DIGITS]}")


def rules_in_force(run: Run, table: str) -> dict[str, Any]:
    """Return whether nftables is installed, and the rules of a table."""
    if not Path(NFT).exists():
        return {"installed": False, "rules": ""}
    code, listing, _errors = run([NFT, "--stateless", "list", "table", *table.split()])
    return {"installed": True, "rules": listing if code == 0 else ""}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "image": {"type": "str", "required": True},
            "network": {"type": "str", "required": True},
            "models": {"type": "path", "required": True},
            "units": {"type": "list", "elements": "str", "default": []},
            "table": {"type": "str", "required": True},
            "socket": {"type": "path", "default": "/run/docker.sock"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        described = describe(params["socket"], params["image"], params["network"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    run = within_deadline(module)
    units = {name: unit(run, name) for name in params["units"]}
    module.exit_json(
        changed=False,
        models=path(params["models"]),
        capacity=capacity(),
        units=units,
        firewall=rules_in_force(run, params["table"]),
        **described,
    )


if __name__ == "__main__":
    main()
