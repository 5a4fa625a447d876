"""The driver that gpu_facts finds on machines of files: loaded, installed, its packages, the kernel that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import NVIDIA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine

MODINFO = """\
filename:       /lib/modules/6.12.0-test/updates/dkms/nvidia.ko.xz
license:        Dual MIT/GPL
version:        550.163.01
vermagic:       6.12.0-test SMP preempt mod_unload modversions
"""


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        (hardware.PROPRIETARY_MODULE, {"version": "535.247.01", "flavour": "proprietary"}),
        (hardware.OPEN_MODULE, {"version": "550.163.01", "flavour": "open"}),
        ("garbage\n", {"version": "", "flavour": ""}),
    ],
)
def test_loaded_module_is_read_from_proc(gpu_machine: GpuMachine, text: str, loaded: dict[str, str]) -> None:
    """Both flavours, and text of no known form."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.write("proc/driver/nvidia/version", text)
    assert gpu_machine.facts()["nvidia"]["loaded"] == loaded


def test_installed_module_is_read_from_modinfo(gpu_machine: GpuMachine) -> None:
    """Version, flavour by its licence, and the kernel it was built for."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["modinfo"] = (0, MODINFO)
    installed = gpu_machine.facts()["nvidia"]["installed"]
    assert installed == {"version": "550.163.01", "flavour": "open", "kernel": "6.12.0-test"}


def test_debians_names_of_the_module_are_known(gpu_machine: GpuMachine) -> None:
    """Debian keeps each flavour under a name of its own, which `modinfo nvidia` does not find."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["modinfo"] = (1, "modinfo: ERROR: Module nvidia not found.\n")
    gpu_machine.answers["modinfo nvidia-current"] = (0, MODINFO.replace("Dual MIT/GPL", "NVIDIA"))
    installed = gpu_machine.facts()["nvidia"]["installed"]
    assert (installed["version"], installed["flavour"]) == ("550.163.01", "proprietary")


def test_no_module_for_this_kernel_is_no_version(gpu_machine: GpuMachine) -> None:
    """The message of modinfo is not taken for one."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["modinfo"] = (1, "modinfo: ERROR: Module nvidia not found.\n")
    assert gpu_machine.facts()["nvidia"]["installed"]["version"] == ""


def test_whole_set_of_packages_is_found_with_its_holds(gpu_machine: GpuMachine) -> None:
    """Driver and toolkit are two sets; removed packages and others' are in neither."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.install(
        nvidia_open_kernel_dkms="550.163.01-2",
        libcuda1="550.163.01-2",
        libegl_nvidia0="550.163.01-2",
        nvidia_container_toolkit="1.17.8-1",
        libnvidia_container1="1.17.8-1",
        nvidia_cuda_toolkit="12.4.1-2",
        nginx="1.26",
    )
    status = gpu_machine.root / "var/lib/dpkg/status"
    text = status.read_text().replace("libcuda1\nStatus: install", "libcuda1\nStatus: hold")
    status.write_text(f"{text}\nPackage: nvidia-smi\nStatus: deinstall ok config-files\nVersion: 535.1-1\n")
    nvidia = gpu_machine.facts()["nvidia"]
    assert {package["name"]: package["held"] for package in nvidia["packages"]} == {
        "libcuda1": True,
        "libegl-nvidia0": False,
        "nvidia-open-kernel-dkms": False,
    }
    assert [package["name"] for package in nvidia["toolkit_packages"]] == [
        "libnvidia-container1",
        "nvidia-container-toolkit",
    ]
    assert nvidia["package_version"] == "550.163.01"


def test_package_that_could_not_be_configured_is_there(gpu_machine: GpuMachine) -> None:
    """Its module did not build: what has to be exchanged is known all the same."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.install(nvidia_kernel_open_dkms="585.1.1-1")
    status = gpu_machine.root / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("install ok installed", "install ok half-configured"))
    assert gpu_machine.facts()["nvidia"]["package_version"] == "585.1.1"


def test_headers_are_those_of_the_running_kernel(gpu_machine: GpuMachine) -> None:
    """Those of another kernel build a module that this one does not load."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    (gpu_machine.root / "usr/src/linux-headers-6.11.0-other").mkdir(parents=True)
    assert gpu_machine.facts()["kernel"] == {"release": "6.12.0-test", "headers": False}
    (gpu_machine.root / "usr/src/linux-headers-6.12.0-test").mkdir()
    assert gpu_machine.facts()["kernel"]["headers"] is True
