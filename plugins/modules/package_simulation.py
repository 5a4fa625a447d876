#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: what an installation of packages would do, and whether it would take something away from others."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_simulation
short_description: Simulate an installation or removal of packages, and refuse what others would lose by it
version_added: 0.1.0
description:
  - Has apt-get simulate, and fails where a package that was not asked for would be removed, downgraded or, though it is
    held, changed; names who needs it.
  - Reads only. In check mode it reports a change where packages would be installed.
  - M(ansible.builtin.apt) removes what is in the way without a word, in check mode too, and cannot check at all on a
    host without python3-apt.
options:
  packages:
    description: Names as apt takes them, with C(=version) where one is wanted.
    type: list
    elements: str
    required: true
  state:
    description: V(absent) simulates the removal.
    type: str
    choices: [present, absent]
    default: present
  pinned:
    description: Downgrades, and changes of held packages, are allowed for the O(packages).
    type: bool
    default: false
  guarded:
    description: Packages of others whose version has to stay.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: "Reads only; reports a change where packages would be installed."}
  diff_mode: {support: N/A, description: Changes nothing.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Simulate the installation of Docker
  alchemorsel.ai.package_simulation:
    packages: [docker.io]
"""

RETURN = r"""
known: {description: Whether apt's lists know all packages., returned: success, type: bool}
new: {description: Packages that would be installed., returned: success, type: list, elements: str}
removed: {description: Packages that would be removed., returned: success, type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_simulation import problems, simulate


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "pinned": {"type": "bool", "default": False},
            "guarded": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    params, run = module.params, within_deadline(module)
    names, removes = params["packages"], params["state"] == "absent"
    plan = simulate(run, names, is_pinned=params["pinned"], removes=removes)
    if plan.error and not plan.is_unknown:
        module.fail_json(msg=f"apt-get cannot plan the installation of {', '.join(names)}: {plan.error}")
    if refused := problems(run, plan, names, params["guarded"]):
        module.fail_json(msg=f"{'; '.join(refused)}. Nothing was changed")
    changes = [*plan.new, *plan.upgraded, *plan.removed]
    told = f"would {'remove' if removes else 'install'} {', '.join(changes) or 'nothing'}"
    if plan.is_unknown:
        told = f"would refresh the package lists, which do not know all packages yet, and install {', '.join(names)}"
    module.exit_json(
        changed=module.check_mode and not removes and (plan.is_unknown or bool(changes)),
        msg=told,
        known=not plan.is_unknown,
        new=list(plan.new),
        removed=list(plan.removed),
    )


if __name__ == "__main__":
    main()
