"""The table of machines in docs/gpu.md: what gpu_facts and gpu_driver make of each, worked out anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.ansible_module import ROLES
from tests.roles.gpu_machine import ACCELERATOR, AMD, ASPEED, BRIDGE, ETHERNET, MELLANOX, NVIDIA, VGA, GpuMachine
from tests.roles.templates import evaluate, role_variables

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = ROLES.parent / "docs" / "gpu.md"


def _virtual(machine: GpuMachine) -> None:
    physical = machine.plug(NVIDIA, hardware.A100_SXM, driver="nvidia")
    machine.virtual_function(physical, hardware.A100_SXM)
    machine.plug(NVIDIA, hardware.A100_SXM, driver="vfio-pci")


def _hgx_b200(machine: GpuMachine) -> None:
    for _ in range(8):
        machine.plug(NVIDIA, hardware.B200)
    port = machine.plug(MELLANOX, hardware.CONNECTX_7, ETHERNET)
    machine.write(f"sys/bus/pci/devices/{port}/vpd", b"\x82\x10\0ConnectX-7\0SW_MNG")


def _plugged(*devices: tuple[str, str, str]) -> Callable[[GpuMachine], None]:
    def plug_all(machine: GpuMachine) -> None:
        for device in devices:
            machine.plug(*device)

    return plug_all


def _gpus(device: str, count: int = 1, pci_class: str = hardware.CONTROLLER_3D) -> list[tuple[str, str, str]]:
    return [(NVIDIA, device, pci_class)] * count


MACHINES: dict[str, Callable[[GpuMachine], None]] = {
    "no PCI at all": _plugged(),
    "server with ASPEED graphics only": _plugged((ASPEED, "2000", VGA)),
    "workstation with a Ryzen's graphics": _plugged((AMD, hardware.RAPHAEL, VGA)),
    "one GeForce RTX 4090": _plugged(*_gpus(hardware.RTX_4090, pci_class=VGA)),
    "one A100 (PCIe) beside ASPEED graphics": _plugged((ASPEED, "2000", VGA), *_gpus(hardware.A100_PCIE)),
    "HGX with eight H100, four NVSwitches": _plugged(
        *_gpus(hardware.H100_SXM, 8), *[(NVIDIA, hardware.H100_NVSWITCH, BRIDGE)] * 4
    ),
    "HGX with eight B200": _hgx_b200,
    "one V100": _plugged(*_gpus(hardware.V100)),
    "V100 and B200 together": _plugged(*_gpus(hardware.V100), *_gpus(hardware.B200)),
    "one Instinct MI300X": _plugged((AMD, hardware.MI300X, ACCELERATOR)),
    "A100 beside a Radeon RX 7900": _plugged((AMD, hardware.RX_7900, VGA), *_gpus(hardware.A100_PCIE)),
    "hypervisor: an A100, its virtual function, another handed over": _virtual,
}


def _row(name: str, machine: GpuMachine) -> str:
    fact = machine.facts()
    found = f"{fact['count']} of {fact['vendor'].upper()}" if fact["count"] else "none"
    return f"| {name} | {found} | {_module(fact)} | {_branches(fact)} | {_switches(fact)} |"


def _module(fact: dict[str, Any]) -> str:
    if fact["vendor"] == "none":
        return "-"
    variables = {
        **role_variables("gpu_driver"),
        "ansible_facts": {"distribution": "Debian", "distribution_version": "13", "gpu": fact},
    }
    if fact["vendor"] == "amd":
        return "the kernel's"
    return str(evaluate(variables["__gpu_driver_plan"], variables)["flavour"]) or "refused"


def _branches(fact: dict[str, Any]) -> str:
    if fact["vendor"] != "nvidia":
        return "-"
    oldest, last = fact["nvidia"]["branch_min"], fact["nvidia"]["branch_max"]
    return f"{oldest} to {last}" if last else f"{oldest} on"


def _switches(fact: dict[str, Any]) -> str:
    if fact["nvlink_managers"]:
        return "Fabric Manager, nvlsm"
    return "Fabric Manager" if fact["nvswitches"] else "-"


@pytest.mark.parametrize("name", MACHINES)
def test_page_shows_what_comes_of_each_machine(name: str, gpu_machine: GpuMachine) -> None:
    """One line each, as it is today."""
    MACHINES[name](gpu_machine)
    assert _row(name, gpu_machine) in PAGE.read_text().splitlines()
