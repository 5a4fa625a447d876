#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: the GPUs of a host and the state of their drivers, as the fact V(gpu)."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_facts
short_description: Gather GPUs and the state of their drivers
version_added: 0.1.0
description:
  - Reads the kernel's PCI tree, NVIDIA's and AMD's driver interfaces, dpkg's database and the firmware's Secure Boot
    variables. Needs no lspci and no driver; runs C(modinfo) and C(nvidia-smi) only where there is a GPU of NVIDIA.
  - On a host without a GPU it reads the PCI tree and nothing else.
  - Reads only; check mode is no different.
options:
  root:
    description: Folder that plays C(/) for everything that is read. Programs run as usual.
    type: path
    default: /
  timeout:
    description: Seconds that each program may take.
    type: int
    default: 30
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Find the GPUs
  alchemorsel.ai.gpu_facts:

- name: Say what there is
  ansible.builtin.debug:
    msg: "{{ ansible_facts['gpu']['devices'] | map(attribute='name') }}"
"""

RETURN = r"""
ansible_facts:
  description: The fact C(gpu).
  returned: success
  type: dict
  contains:
    gpu:
      description: The host's GPUs and drivers.
      type: dict
      contains:
        vendor: {description: "Whose GPUs models can run on - V(nvidia) before V(amd), else V(none).", type: str}
        count: {description: How many usable GPUs of that vendor there are., type: int}
        devices:
          description:
            - Everything that controls a display or computes. V(usable) leaves out other vendors, graphics inside of
              processors, virtual functions and what is handed over to virtual machines.
          type: list
          elements: dict
        nvswitches: {description: NVSwitch bridges., type: int}
        nvlink_managers: {description: Management ports of a Blackwell baseboard's NVLink switches., type: int}
        nouveau: {description: Whether the driver nouveau is loaded., type: bool}
        kernel: {description: V(release) of the running kernel and whether its V(headers) are there., type: dict}
        secure_boot:
          description: V(state) (enabled, disabled, unsupported), signing V(key) and whether it is V(enrolled).
          type: dict
        nvidia:
          description:
            - V(generations); kernel V(modules) they take (open, proprietary); V(branch_min) and V(branch_max) of driver
              branches for them (0 is no bound); V(packages) with their hold, V(toolkit_packages) too; the V(installed)
              module for the running kernel and the one V(loaded); what V(smi), the management program, says.
            - Empty where there is no GPU of NVIDIA.
          type: dict
        amd:
          description:
            - V(packages) with their hold; whether amdgpu is V(loaded) and its compute interface V(kfd) there;
              V(architectures); V(groups) by number.
            - Empty where there is no GPU of AMD.
          type: dict
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.gpu_pci import PciTree
from ansible_collections.alchemorsel.ai.plugins.module_utils.gpu_secure_boot import secure_boot
from ansible_collections.alchemorsel.ai.plugins.module_utils.gpu_smi import QUERY, parse_smi
from ansible_collections.alchemorsel.ai.plugins.module_utils.gpu_software import Software

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str]], tuple[int, str]]


def gather(root: Path, run: Run) -> dict[str, Any]:
    """Return the fact, as documented under RETURN.

    Args:
        root: Folder that plays `/`.
        run: Runs a program within a deadline; returns exit status and output, and status 127 where there is none.
    """
    tree, software = PciTree(root), Software(root, run)
    devices = tree.gpus()
    usable = [device for device in devices if device["usable"]]
    vendors = [device["vendor"] for device in usable]
    vendor = next((name for name in ("nvidia", "amd") if name in vendors), "none")
    fact: dict[str, Any] = {
        "vendor": vendor,
        "count": vendors.count(vendor),
        "devices": devices,
        "nvswitches": 0,
        "nvlink_managers": 0,
        "nouveau": False,
        "kernel": {},
        "secure_boot": {},
        "nvidia": {},
        "amd": {},
    }
    if usable:
        fact |= {"kernel": software.kernel(), "secure_boot": secure_boot(root)}
    if "nvidia" in vendors:
        generations = sorted({device["generation"] for device in usable if device["vendor"] == "nvidia"})
        fact |= {
            "nvswitches": tree.nvswitches(),
            "nvlink_managers": tree.nvlink_managers(),
            "nouveau": software.nouveau(),
            "nvidia": {**software.nvidia(generations, fact["kernel"]["release"]), "smi": parse_smi(*run(QUERY))},
        }
    if "amd" in vendors:
        fact["amd"] = software.amd()
    return fact


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"root": {"type": "path", "default": "/"}, "timeout": {"type": "int", "default": 30}},
        supports_check_mode=True,
    )

    def run(command: list[str]) -> tuple[int, str]:
        if not module.get_bin_path(command[0]):
            return 127, f"there is no {command[0]}"
        deadline = ["timeout", "--kill-after=5", str(module.params["timeout"])]
        code, output, errors = module.run_command([*deadline, *command], environ_update={"LC_ALL": "C"})
        return code, output or errors

    module.exit_json(changed=False, ansible_facts={"gpu": gather(Path(module.params["root"]), run)})


if __name__ == "__main__":
    main()
