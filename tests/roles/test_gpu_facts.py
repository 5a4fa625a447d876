"""The module gpu_facts, on machines of files: what is a GPU, whose, of which generation, with which driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.ansible_module import load_module, run_module
from tests.roles.gpu_machine import AMD, ASPEED, BRIDGE, NVIDIA, VGA, GpuMachine

if TYPE_CHECKING:
    from pathlib import Path

gpu_facts = load_module("gpu_facts", "gpu_facts")

MODINFO = """\
filename:       /lib/modules/6.12.0-test/updates/dkms/nvidia.ko.xz
license:        Dual MIT/GPL
version:        550.163.01
vermagic:       6.12.0-test SMP preempt mod_unload modversions
"""
SMI = """\
0, GPU-a, 00000000:1B:00.0, NVIDIA H100 80GB HBM3, 81559, Enabled, 550.163.01
WARNING: infoROM is corrupted at gpu 0000:1B:00.0
1, GPU-b, 00000000:2C:00.0, NVIDIA GeForce RTX 4090, [N/A], [N/A], 550.163.01
"""


@pytest.fixture
def machine(tmp_path: Path) -> GpuMachine:
    """Give a machine without any device."""
    return GpuMachine(tmp_path)


def facts(machine: GpuMachine) -> dict[str, Any]:
    """Return the fact of a machine."""
    found: dict[str, Any] = gpu_facts.gather(machine.root, machine.run)
    return found


def test_machine_without_pci_has_no_gpu(machine: GpuMachine) -> None:
    """As in many virtual machines; nothing else is read or run there."""
    found = facts(machine)
    assert (found["vendor"], found["count"], found["devices"]) == ("none", 0, [])
    assert found["nvidia"] == found["amd"] == found["kernel"] == {}


def test_graphics_of_a_servers_management_are_no_gpu(machine: GpuMachine) -> None:
    """A headless server's VGA device can compute nothing, but is shown."""
    machine.plug(ASPEED, "2000", VGA, driver="ast")
    found = facts(machine)
    assert found["vendor"] == "none"
    assert [(gpu["vendor"], gpu["driver"], gpu["usable"]) for gpu in found["devices"]] == [("aspeed", "ast", False)]


def test_one_geforce(machine: GpuMachine) -> None:
    """A VGA device of NVIDIA counts, its own sound device does not; nouveau is seen."""
    machine.plug(NVIDIA, hardware.RTX_4090, VGA, driver="nouveau")
    machine.plug(NVIDIA, "22ba", "040300", driver="snd_hda_intel")
    machine.load("nouveau")
    found = facts(machine)
    assert (found["vendor"], found["count"], found["nouveau"]) == ("nvidia", 1, True)
    assert [(gpu["generation"], gpu["driver"]) for gpu in found["devices"]] == [("ada", "nouveau")]
    assert found["nvidia"]["modules"] == ["open", "proprietary"]
    assert (found["nvidia"]["branch_min"], found["nvidia"]["branch_max"]) == (525, 0)


def test_one_a100_on_a_card(machine: GpuMachine) -> None:
    """A 3D controller without a display counts, and needs no Fabric Manager."""
    machine.plug(ASPEED, "2000", VGA, driver="ast")
    machine.plug(NVIDIA, hardware.A100_PCIE)
    found = facts(machine)
    assert (found["count"], found["nvswitches"]) == (1, 0)
    assert found["nvidia"]["generations"] == ["ampere"]


def test_eight_h100_with_nvswitches(machine: GpuMachine) -> None:
    """The switches are bridges of NVIDIA, not GPUs."""
    for _ in range(8):
        machine.plug(NVIDIA, hardware.H100_SXM, driver="nvidia")
    for _ in range(4):
        machine.plug(NVIDIA, hardware.H100_NVSWITCH, BRIDGE, driver="nvidia-nvswitch")
    found = facts(machine)
    assert (found["count"], found["nvswitches"], found["nvlink_managers"]) == (8, 4, 0)
    assert found["nvidia"]["generations"] == ["hopper"]


def test_eight_b200_take_only_open_modules_and_show_their_switches_management(machine: GpuMachine) -> None:
    """Blackwell's switches are no PCI devices; only the product data of their ports tells."""
    for _ in range(8):
        machine.plug(NVIDIA, hardware.B200)
    for data in (b"\x82\x10\0ConnectX-7\0SW_MNG", b"\x82\x10\0ConnectX-7"):
        port = machine.plug(hardware.MELLANOX, hardware.CONNECTX_7, hardware.ETHERNET, driver="mlx5_core")
        machine.write(f"sys/bus/pci/devices/{port}/vpd", data)
    found = facts(machine)
    assert (found["count"], found["nvswitches"], found["nvlink_managers"]) == (8, 0, 1)
    assert found["nvidia"]["modules"] == ["open"]
    assert found["nvidia"]["branch_min"] == 570


def test_amd_instinct(machine: GpuMachine) -> None:
    """A processing accelerator of AMD, with its compute interface, architecture, and numeric groups."""
    address = machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR, driver="amdgpu")
    machine.write(f"sys/bus/pci/devices/{address}/drm/renderD128/dev", "226:128\n")
    machine.load("amdgpu")
    machine.write("dev/kfd", "")
    machine.write("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\ngfx_target_version 0\n")
    machine.write("sys/class/kfd/kfd/topology/nodes/1/properties", "simd_count 1216\ngfx_target_version 90402\n")
    machine.write("etc/group", "root:x:0:\nvideo:x:44:\nrender:x:992:ops\n")
    found = facts(machine)
    assert (found["vendor"], found["count"], found["nvidia"]) == ("amd", 1, {})
    assert found["devices"][0]["render_nodes"] == ["/dev/dri/renderD128"]
    assert found["amd"] == {
        "loaded": True,
        "kfd": True,
        "architectures": ["gfx942"],
        "groups": {"video": 44, "render": 992},
    }


def test_graphics_inside_a_processor_of_amd_are_no_gpu_for_models(machine: GpuMachine) -> None:
    """Many servers with such a processor would else count as GPU hosts."""
    machine.plug(AMD, hardware.RAPHAEL, VGA, driver="amdgpu")
    assert facts(machine)["vendor"] == "none"


def test_mixed_machine_is_nvidias(machine: GpuMachine) -> None:
    """Both are shown, with the state of both drivers; models run on NVIDIA's."""
    machine.plug(AMD, hardware.RX_7900, VGA, driver="amdgpu")
    machine.plug(NVIDIA, hardware.A100_PCIE)
    machine.plug(AMD, hardware.RAPHAEL, VGA, driver="amdgpu")
    found = facts(machine)
    assert (found["vendor"], found["count"]) == ("nvidia", 1)
    assert found["amd"]["kfd"] is False
    assert [gpu["usable"] for gpu in found["devices"]] == [True, True, False]


def test_virtual_functions_and_devices_for_guests_are_not_this_hosts(machine: GpuMachine) -> None:
    """On a hypervisor with one A100 for itself: neither its virtual functions nor a second card handed over."""
    physical = machine.plug(NVIDIA, hardware.A100_SXM, driver="nvidia")
    for _ in range(2):
        machine.virtual_function(physical, hardware.A100_SXM, driver="nvidia")
    machine.plug(NVIDIA, hardware.A100_SXM, driver="vfio-pci")
    found = facts(machine)
    assert found["count"] == 1
    assert [gpu["virtual_function"] for gpu in found["devices"]] == [False, True, True, False]


def test_virtual_function_that_a_guest_was_given_is_its_gpu(machine: GpuMachine) -> None:
    """Inside of the guest there is no physical function beside it."""
    machine.plug(AMD, "74b5", hardware.ACCELERATOR, driver="amdgpu")
    assert facts(machine)["count"] == 1


@pytest.mark.parametrize(
    ("device", "generation", "modules"),
    [
        (hardware.K80, "legacy", ["proprietary"]),
        ("13f2", "maxwell", ["proprietary"]),
        ("15f8", "pascal", ["proprietary"]),
        ("1b38", "pascal", ["proprietary"]),
        (hardware.V100, "volta", ["proprietary"]),
        ("1eb8", "turing", ["open", "proprietary"]),
        (hardware.A100_SXM, "ampere", ["open", "proprietary"]),
        ("2182", "turing", ["open", "proprietary"]),
        ("2236", "ampere", ["open", "proprietary"]),
        (hardware.H100_SXM, "hopper", ["open", "proprietary"]),
        ("2484", "ampere", ["open", "proprietary"]),
        ("26b9", "ada", ["open", "proprietary"]),
        ("27b8", "ada", ["open", "proprietary"]),
        (hardware.B200, "blackwell", ["open"]),
        ("2bb5", "blackwell", ["open"]),
        ("3f00", "newer", ["open"]),
    ],
)
def test_generation_decides_on_the_kernel_module(
    machine: GpuMachine, device: str, generation: str, modules: list[str]
) -> None:
    """One card of each generation, both sides of each boundary in the numbers."""
    machine.plug(NVIDIA, device)
    found = facts(machine)
    assert found["devices"][0]["generation"] == generation
    assert found["nvidia"]["modules"] == modules


def test_generations_that_no_driver_serves_together_are_seen(machine: GpuMachine) -> None:
    """Blackwell takes open modules only, Volta proprietary ones only, and no later branch than 580."""
    machine.plug(NVIDIA, hardware.V100)
    machine.plug(NVIDIA, hardware.B200)
    nvidia = facts(machine)["nvidia"]
    assert nvidia["modules"] == []
    assert (nvidia["branch_min"], nvidia["branch_max"]) == (570, 580)


@pytest.mark.parametrize(
    ("text", "loaded"),
    [
        (hardware.PROPRIETARY_MODULE, {"version": "535.247.01", "flavour": "proprietary"}),
        (hardware.OPEN_MODULE, {"version": "550.163.01", "flavour": "open"}),
        ("garbage\n", {"version": "", "flavour": ""}),
    ],
)
def test_loaded_module_is_read_from_proc(machine: GpuMachine, text: str, loaded: dict[str, str]) -> None:
    """Both flavours, and text of no known form."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.write("proc/driver/nvidia/version", text)
    assert facts(machine)["nvidia"]["loaded"] == loaded


def test_installed_module_is_read_from_modinfo(machine: GpuMachine) -> None:
    """Version, flavour by its licence, and the kernel it was built for."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.answers["modinfo"] = (0, MODINFO)
    installed = facts(machine)["nvidia"]["installed"]
    assert installed == {"version": "550.163.01", "flavour": "open", "kernel": "6.12.0-test"}


def test_debians_names_of_the_module_are_known(machine: GpuMachine) -> None:
    """Debian keeps each flavour under a name of its own, which `modinfo nvidia` does not find."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.answers["modinfo"] = (1, "modinfo: ERROR: Module nvidia not found.\n")
    machine.answers["modinfo nvidia-current"] = (0, MODINFO.replace("Dual MIT/GPL", "NVIDIA"))
    installed = facts(machine)["nvidia"]["installed"]
    assert (installed["version"], installed["flavour"]) == ("550.163.01", "proprietary")


def test_no_module_for_this_kernel_is_no_version(machine: GpuMachine) -> None:
    """The message of modinfo is not taken for one."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.answers["modinfo"] = (1, "modinfo: ERROR: Module nvidia not found.\n")
    assert facts(machine)["nvidia"]["installed"]["version"] == ""


def test_whole_set_of_packages_is_found_with_its_holds(machine: GpuMachine) -> None:
    """Driver and toolkit are two sets; removed packages and others' are in neither."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.install(
        nvidia_open_kernel_dkms="550.163.01-2",
        libcuda1="550.163.01-2",
        libegl_nvidia0="550.163.01-2",
        nvidia_container_toolkit="1.17.8-1",
        libnvidia_container1="1.17.8-1",
        nvidia_cuda_toolkit="12.4.1-2",
        nginx="1.26",
    )
    status = machine.root / "var/lib/dpkg/status"
    text = status.read_text().replace("libcuda1\nStatus: install", "libcuda1\nStatus: hold")
    status.write_text(f"{text}\nPackage: nvidia-smi\nStatus: deinstall ok config-files\nVersion: 535.1-1\n")
    nvidia = facts(machine)["nvidia"]
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


def test_package_that_could_not_be_configured_is_there(machine: GpuMachine) -> None:
    """Its module did not build: what has to be exchanged is known all the same."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.install(nvidia_kernel_open_dkms="585.1.1-1")
    status = machine.root / "var/lib/dpkg/status"
    status.write_text(status.read_text().replace("install ok installed", "install ok half-configured"))
    assert facts(machine)["nvidia"]["package_version"] == "585.1.1"


def test_names_come_from_the_driver_then_from_the_list_of_ids(machine: GpuMachine) -> None:
    """A host without either has the numbers."""
    known = machine.plug(NVIDIA, hardware.H100_SXM)
    machine.plug(NVIDIA, hardware.A100_SXM)
    machine.plug(NVIDIA, "2331")
    machine.write(f"proc/driver/nvidia/gpus/{known}/information", "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n")
    machine.write(
        "usr/share/misc/pci.ids",
        "# list\n1002  AMD\n\t20b2  not this one\n10de  NVIDIA\n\t20b2  GA100 [A100 SXM4 80GB]\n\t\t10de 1 a board\n",
    )
    assert [gpu["name"] for gpu in facts(machine)["devices"]] == [
        "NVIDIA H100 80GB HBM3",
        "GA100 [A100 SXM4 80GB]",
        "nvidia 10de:2331",
    ]


def test_headers_are_those_of_the_running_kernel(machine: GpuMachine) -> None:
    """Those of another kernel build a module that this one does not load."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    (machine.root / "usr/src/linux-headers-6.11.0-other").mkdir(parents=True)
    assert facts(machine)["kernel"] == {"release": "6.12.0-test", "headers": False}
    (machine.root / "usr/src/linux-headers-6.12.0-test").mkdir()
    assert facts(machine)["kernel"]["headers"] is True


def test_smi_rows_count_and_messages_do_not(machine: GpuMachine) -> None:
    """A GPU of a MIG pair, one without MIG, and a warning in between."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.answers["nvidia-smi"] = (0, SMI)
    smi = facts(machine)["nvidia"]["smi"]
    assert smi["works"] is True
    assert [(gpu["address"], gpu["memory_mib"], gpu["mig"]) for gpu in smi["gpus"]] == [
        ("0000:1b:00.0", 81559, True),
        ("0000:2c:00.0", None, False),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            (18, "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.163\n"),
            "Failed to initialize NVML: Driver/library version mismatch NVML library version: 550.163",
        ),
        ((0, "No devices were found\n"), "No devices were found"),
        ((9, ""), "exit status 9"),
        ((127, "there is no nvidia-smi"), "there is no nvidia-smi"),
    ],
)
def test_smi_that_fails_says_why(machine: GpuMachine, answer: tuple[int, str], error: str) -> None:
    """Also where it ends with status 0 and shows no GPU."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.answers["nvidia-smi"] = answer
    smi = facts(machine)["nvidia"]["smi"]
    assert (smi["works"], smi["error"], smi["gpus"]) == (False, error, [])


def test_secure_boot_needs_a_key_that_the_firmware_knows(machine: GpuMachine) -> None:
    """The key is the DER certificate in the machine owner's list, in whole."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    key = b"\x30\x82DKMS's certificate"
    machine.write("var/lib/dkms/mok.pub", key)
    machine.efi(secure_boot=True, mok_list=b"list header" + key[:-1])
    unknown = {"state": "enabled", "key": "/var/lib/dkms/mok.pub", "enrolled": False}
    assert facts(machine)["secure_boot"] == unknown
    machine.efi(secure_boot=True, mok_list=b"list header" + key + b"another")
    assert facts(machine)["secure_boot"] == {**unknown, "enrolled": True}


def test_secure_boot_that_is_off_or_not_enforced_is_disabled(machine: GpuMachine) -> None:
    """Off in the firmware, or shim told not to check."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    machine.efi(secure_boot=False)
    assert facts(machine)["secure_boot"]["state"] == "disabled"
    machine.efi(secure_boot=True, validation=False)
    assert facts(machine)["secure_boot"]["state"] == "disabled"


def test_machine_without_uefi_has_no_secure_boot(machine: GpuMachine) -> None:
    """As most virtual machines boot."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    assert facts(machine)["secure_boot"] == {"state": "unsupported", "key": "", "enrolled": False}


def test_device_without_readable_files_is_passed_over(machine: GpuMachine) -> None:
    """A device may leave while it is looked at."""
    (machine.root / "sys/bus/pci/devices/0000:01:00.0").mkdir(parents=True)
    assert facts(machine)["devices"] == []


def test_module_runs_on_a_folder_and_on_this_machine(machine: GpuMachine) -> None:
    """As Ansible runs it; this machine has whatever it has."""
    machine.plug(NVIDIA, hardware.H100_SXM)
    result = run_module("gpu_facts", "gpu_facts", root=str(machine.root))
    assert result["changed"] is False
    assert result["ansible_facts"]["gpu"]["vendor"] == "nvidia"
    assert run_module("gpu_facts", "gpu_facts")["ansible_facts"]["gpu"]["vendor"] in ("none", "nvidia", "amd")
