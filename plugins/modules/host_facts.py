#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: say of paths, packages and units how they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_facts
short_description: Gather the state of paths, packages and units
version_added: 0.1.0
description:
  - Reads only; check mode is no different. What is not there is reported as such, never as a failure.
options:
  paths:
    description: Paths to look at.
    type: list
    elements: path
    default: []
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
  read_by:
    description: By unit, the files that it reads when it starts or reloads.
    type: dict
    default: {}
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at release and unit
  alchemorsel.ai.host_facts:
    paths: [/opt/example/current]
    units: [example.service]
  register: __found
"""

RETURN = r"""
paths:
  description: "By path: C(exists), C(is_folder), C(target) of a link, C(uid), C(gid), C(names) in a folder."
  returned: always
  type: dict
packages: {description: "Version of each package that is installed, by name.", returned: always, type: dict}
units:
  description: >-
    By unit C(active), C(enabled), C(needs_reload), and C(settled), active and enabled with its files as systemd has
    read them.
  returned: always
  type: dict
behind:
  description: By unit of O(read_by), files that were written after its last start or reload.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import (
    behind,
    packages,
    path,
    unit,
    within_deadline,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": []},
            "packages": {"type": "list", "elements": "str", "default": []},
            "units": {"type": "list", "elements": "str", "default": []},
            "read_by": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run = within_deadline(module)
    wanted = module.params
    module.exit_json(
        changed=False,
        paths={name: path(name) for name in wanted["paths"]},
        packages=packages(run, wanted["packages"])[0] if wanted["packages"] else {},
        units={name: unit(run, name) for name in wanted["units"]},
        behind={name: behind(run, name, files) for name, files in wanted["read_by"].items()},
    )


if __name__ == "__main__":
    main()
