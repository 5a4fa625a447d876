"""The driver that the role gpu_driver takes for a machine, and the machines and settings that it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import AMD, BRIDGE, NVIDIA
from tests.roles.templates import evaluate, role_variables

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine

UPSTREAM = {
    "gpu_driver_channel": "upstream",
    "gpu_driver_repository_url": "https://mirror.test/cuda/",
    "gpu_driver_repository_key": "a key",
}


def evaluated(
    name: str, machine: GpuMachine, distribution: str = "Debian", version: str = "13", **settings: Any
) -> Any:
    """Return an internal variable of the role on a machine."""
    variables = {
        **role_variables("gpu_driver"),
        "ansible_facts": {
            "distribution": distribution,
            "distribution_version": version,
            "gpu": machine.facts(),
        },
        "__gpu_driver_foreign_sources": {"files": []},
        **settings,
    }
    return evaluate(variables[name], variables)


def planned(key: str, machine: GpuMachine, distribution: str = "Debian", version: str = "13", **settings: Any) -> Any:
    """Return an entry of the role's plan for a machine."""
    return evaluated("__gpu_driver_plan", machine, distribution, version, **settings)[key]


def problems(machine: GpuMachine, **settings: Any) -> list[str]:
    """Return what the role refuses before it changes anything."""
    found: list[str] = evaluated("__gpu_driver_problems", machine, **settings)
    return found


@pytest.mark.parametrize(
    ("distribution", "version", "settings", "package"),
    [
        ("Debian", "13", {}, "nvidia-open-kernel-dkms"),
        ("Debian", "12", {}, "nvidia-kernel-dkms"),
        ("Debian", "13", UPSTREAM, "nvidia-kernel-open-dkms"),
        ("Ubuntu", "24.04", {"gpu_driver_branch": "580"}, "nvidia-dkms-580-server-open"),
        ("Ubuntu", "24.04", UPSTREAM, "nvidia-kernel-open-dkms"),
        ("Debian", "13", {"gpu_driver_kernel_module": "proprietary"}, "nvidia-kernel-dkms"),
    ],
)
def test_module_comes_from_the_package_of_distribution_and_channel(
    gpu_machine: GpuMachine, distribution: str, version: str, settings: dict[str, Any], package: str
) -> None:
    """Open where the GPU knows it, but in Debian 12, whose open module cannot be installed beside its firmware."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert planned("module_package", gpu_machine, distribution, version, **settings) == package
    assert problems(gpu_machine, distribution=distribution, version=version, **settings) == []


def test_old_gpu_takes_the_proprietary_module(gpu_machine: GpuMachine) -> None:
    """Before Turing there is no other."""
    gpu_machine.plug(NVIDIA, hardware.V100)
    assert planned("flavour", gpu_machine) == "proprietary"


def test_branch_from_before_the_open_module_takes_the_other(gpu_machine: GpuMachine) -> None:
    """An A100 was served by 470 already; open modules begin with 515."""
    gpu_machine.plug(NVIDIA, hardware.A100_PCIE)
    assert planned("flavour", gpu_machine, **UPSTREAM, gpu_driver_branch="470") == "proprietary"
    assert planned("flavour", gpu_machine, **UPSTREAM, gpu_driver_branch="515") == "open"


@pytest.mark.parametrize(
    ("device", "settings", "said"),
    [
        (hardware.H100_SXM, {**UPSTREAM, "gpu_driver_branch": "470"}, "hopper needs 525 or later"),
        (hardware.V100, {**UPSTREAM, "gpu_driver_branch": "590"}, "the last branch for volta is 580"),
        (hardware.B200, {"gpu_driver_kernel_module": "proprietary"}, "blackwell takes open only"),
        (hardware.H100_SXM, {"gpu_driver_channel": "upstream"}, "needs gpu_driver_repository_url"),
        (hardware.H100_SXM, {"gpu_driver_vendor": "amd"}, "no usable GPU of that maker"),
    ],
)
def test_settings_that_do_not_fit_the_gpu_are_refused(
    gpu_machine: GpuMachine, device: str, settings: dict[str, Any], said: str
) -> None:
    """With what would fit."""
    gpu_machine.plug(NVIDIA, device)
    assert said in problems(gpu_machine, **settings)[0]


def test_ubuntus_packages_need_a_branch(gpu_machine: GpuMachine) -> None:
    """They carry it in their names."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert any("set gpu_driver_branch" in said for said in problems(gpu_machine, distribution="Ubuntu"))


def test_gpus_that_no_module_serves_together_are_refused(gpu_machine: GpuMachine) -> None:
    """Blackwell takes open modules only, Volta proprietary ones only."""
    gpu_machine.plug(NVIDIA, hardware.V100)
    gpu_machine.plug(NVIDIA, hardware.B200)
    assert "no kernel module serves blackwell and volta together" in problems(gpu_machine, **UPSTREAM)[0]


def test_switches_between_gpus_need_their_maker(gpu_machine: GpuMachine) -> None:
    """Debian has no Fabric Manager; with NVIDIA's repository it is installed in the driver's version."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.plug(NVIDIA, hardware.H100_NVSWITCH, BRIDGE)
    assert "1 NVSwitches need Fabric Manager" in problems(gpu_machine)[0]
    gpu_machine.install(nvidia_kernel_open_dkms="580.95.05-1")
    assert planned("fabric_packages", gpu_machine, **UPSTREAM) == ["nvidia-fabricmanager=580.95.05-*"]
    gpu_machine.install(nvidia_kernel_open_dkms="570.86.10-1")
    assert planned("fabric_packages", gpu_machine, **UPSTREAM) == ["nvidia-fabricmanager-570=570.86.10-*"]


def test_secure_boot_without_an_enrolled_key_is_refused(gpu_machine: GpuMachine) -> None:
    """With the commands that enrol it; a module that is loaded already needs none."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.efi(secure_boot=True)
    assert "mokutil --import /var/lib/dkms/mok.pub" in problems(gpu_machine)[0]
    gpu_machine.write("proc/driver/nvidia/version", hardware.OPEN_MODULE)
    assert problems(gpu_machine) == []


def test_change_of_channel_under_an_installed_driver_is_refused(gpu_machine: GpuMachine) -> None:
    """Packages of the two replace each other in part."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.install(nvidia_kernel_open_dkms="580.95.05-1")
    before = {"__gpu_driver_foreign_sources": {"files": [{"path": "/etc/apt/sources.list.d/cuda.list"}]}}
    assert "came from the channel upstream" in problems(gpu_machine, **before)[0]
    assert problems(gpu_machine, **UPSTREAM, **before) == []


def test_amd_takes_the_kernels_driver_with_the_distributions_firmware(gpu_machine: GpuMachine) -> None:
    """Nothing is built, so nothing needs headers; a branch of NVIDIA's in the inventory is none of its business."""
    gpu_machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR)
    assert planned("packages", gpu_machine) == ["firmware-amd-graphics"]
    assert planned("packages", gpu_machine, "Ubuntu", "24.04") == ["linux-firmware"]
    assert planned("is_built", gpu_machine) is False
    assert problems(gpu_machine, gpu_driver_branch="580") == []


def test_installed_firmware_of_amd_is_not_installed_again(gpu_machine: GpuMachine) -> None:
    """A dry run says that nothing would change; the firmware is the distribution's to upgrade, and not held."""
    gpu_machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR)
    assert planned("installs", gpu_machine) is True
    gpu_machine.install(firmware_amd_graphics="20250410-2")
    assert planned("installs", gpu_machine) is False
    assert planned("installs", gpu_machine, gpu_driver_branch="580") is False
    assert planned("not_held", gpu_machine) == []


def test_module_of_amds_own_is_built_held_and_moves_when_asked(gpu_machine: GpuMachine) -> None:
    """Like NVIDIA's: with headers, and as a set."""
    gpu_machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR)
    gpu_machine.install(amdgpu_dkms="6.14.14-1", amdgpu_dkms_firmware="6.14.14-1", firmware_amd_graphics="20250410-2")
    assert planned("is_built", gpu_machine, **UPSTREAM) is True
    assert planned("not_held", gpu_machine, **UPSTREAM) == ["amdgpu-dkms", "amdgpu-dkms-firmware"]
    assert planned("moves", gpu_machine, **UPSTREAM) is False
    assert planned("moves", gpu_machine, **UPSTREAM, gpu_driver_upgrade=True) is True
