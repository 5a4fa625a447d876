"""The module gpu_facts, as Ansible runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roles import gpu_machine as hardware
from tests.roles.ansible_module import run_module
from tests.roles.gpu_machine import NVIDIA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine


def test_module_runs_on_a_folder_and_on_this_machine(gpu_machine: GpuMachine) -> None:
    """As Ansible runs it; this machine has whatever it has."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    result = run_module("gpu_facts", root=str(gpu_machine.root))
    assert result["changed"] is False
    assert result["ansible_facts"]["gpu"]["vendor"] == "nvidia"
    assert run_module("gpu_facts")["ansible_facts"]["gpu"]["vendor"] in ("none", "nvidia", "amd")
