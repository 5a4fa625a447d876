#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: what a host has of the edge, in one look."""

from __future__ import annotations

DOCUMENTATION = r"""
module: load_balancer_facts
short_description: Gather packages, units, ports and certificates of a host's edge, and what the running edge has loaded
version_added: 0.1.0
description:
  - Reads only; check mode is no different. What is not there is reported as such, never as a failure.
  - One module in place of six, because a task costs a round trip.
options:
  packages:
    description: Packages to look for.
    type: list
    elements: str
    default: []
  units:
    description: Units of systemd to ask for.
    type: list
    elements: str
    default: []
  paths:
    description: Paths to look at.
    type: list
    elements: path
    default: []
  ports:
    description: TCP ports that the edge is to listen on.
    type: list
    elements: int
    default: []
  unit:
    description: Unit of the edge.
    type: str
    required: true
  user:
    description: User of the edge.
    type: str
    required: true
  socket:
    description: Runtime socket of the edge.
    type: path
    required: true
  certificate:
    description: File of the certificate.
    type: path
    required: true
  issuer:
    description: Settings of the program that renews certificates; without them nothing is said of an issuer.
    type: dict
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Gather the state of the edge
  alchemorsel.ai.load_balancer_facts:
    packages: [haproxy]
    ports: [3010, 3011]
    unit: alchemorsel-edge.service
    user: alchemorsel-edge
    socket: /run/alchemorsel/edge/edge.sock
    certificate: /etc/alchemorsel/tls/edge.pem
"""

RETURN = r"""
packages: {description: "Version of each package that is installed, by name.", returned: always, type: dict}
units: {description: "By unit: C(active), C(enabled), C(settled).", returned: always, type: dict}
paths: {description: "By path: C(exists), C(is_folder) and others.", returned: always, type: dict}
listeners:
  description: "Who listens on one of the ports: C(port), C(address), C(owner)."
  returned: always
  type: list
  elements: dict
has_user: {description: Whether the user exists., returned: always, type: bool}
certificate: {description: Fingerprint of the certificate in the file., returned: always, type: str}
loaded:
  description: >-
    What the running edge has loaded: C(configuration), C(certificate), C(unit); empty where it does not run.
  returned: always
  type: dict
issuer:
  description: >-
    C(problem), why the authority has to sign a new issuer; C(certificate_problem), why the certificate has to be
    renewed; both empty where there is no reason. C(authority), certificate of the authority that signed the present
    issuer.
  returned: with O(issuer)
  type: dict
"""

import pwd
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_certificate import Issuer, read
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_process import file_fingerprint, loaded
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import packages, path, unit, within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.socket_table import SocketTable


def issuer_state(settings: dict[str, Any]) -> dict[str, str]:
    """Return what has to be issued anew, as documented under `issuer`."""
    issuer = Issuer(settings)
    return {
        "problem": issuer.problem(),
        "certificate_problem": issuer.certificate_problem(),
        "authority": read(issuer.authority_file),
    }


def has_user(name: str) -> bool:
    """Return whether a user exists."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def main() -> None:
    """Run the module."""
    lists = {
        name: {"type": "list", "elements": kind, "default": []}
        for name, kind in (("packages", "str"), ("units", "str"), ("paths", "path"), ("ports", "int"))
    }
    module = AnsibleModule(
        argument_spec={
            **lists,
            "unit": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "socket": {"type": "path", "required": True},
            "certificate": {"type": "path", "required": True},
            "issuer": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    params = module.params
    run = within_deadline(module)
    module.exit_json(
        changed=False,
        packages=packages(run, params["packages"])[0],
        units={name: unit(run, name) for name in params["units"]},
        paths={name: path(name) for name in params["paths"]},
        listeners=SocketTable(Path("/proc"), lambda command: run(command)[1]).listeners(params["ports"]),
        has_user=has_user(params["user"]),
        certificate=file_fingerprint(params["certificate"]),
        loaded=loaded(run, params["unit"], params["socket"], params["certificate"]),
        issuer=issuer_state(params["issuer"]) if params["issuer"] else {},
    )


if __name__ == "__main__":
    main()
