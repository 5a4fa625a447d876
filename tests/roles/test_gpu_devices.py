"""The devices that gpu_facts finds in the PCI tree of machines of files: what is a GPU, whose, and may it be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import AMD, ASPEED, BRIDGE, NVIDIA, VGA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine


def test_machine_without_pci_has_no_gpu(gpu_machine: GpuMachine) -> None:
    """As in many virtual machines; nothing else is read or run there."""
    found = gpu_machine.facts()
    assert (found["vendor"], found["count"], found["devices"]) == ("none", 0, [])
    assert found["nvidia"] == found["amd"] == found["kernel"] == {}


def test_graphics_of_a_servers_management_are_no_gpu(gpu_machine: GpuMachine) -> None:
    """A headless server's VGA device can compute nothing, but is shown."""
    gpu_machine.plug(ASPEED, "2000", VGA, driver="ast")
    found = gpu_machine.facts()
    assert found["vendor"] == "none"
    assert [(gpu["vendor"], gpu["driver"], gpu["usable"]) for gpu in found["devices"]] == [("aspeed", "ast", False)]


def test_one_geforce(gpu_machine: GpuMachine) -> None:
    """A VGA device of NVIDIA counts, its own sound device does not; nouveau is seen."""
    gpu_machine.plug(NVIDIA, hardware.RTX_4090, VGA, driver="nouveau")
    gpu_machine.plug(NVIDIA, "22ba", "040300", driver="snd_hda_intel")
    gpu_machine.load("nouveau")
    found = gpu_machine.facts()
    assert (found["vendor"], found["count"], found["nouveau"]) == ("nvidia", 1, True)
    assert [(gpu["generation"], gpu["driver"]) for gpu in found["devices"]] == [("ada", "nouveau")]
    assert found["nvidia"]["modules"] == ["open", "proprietary"]
    assert (found["nvidia"]["branch_min"], found["nvidia"]["branch_max"]) == (525, 0)


def test_one_a100_on_a_card(gpu_machine: GpuMachine) -> None:
    """A 3D controller without a display counts, and needs no Fabric Manager."""
    gpu_machine.plug(ASPEED, "2000", VGA, driver="ast")
    gpu_machine.plug(NVIDIA, hardware.A100_PCIE)
    found = gpu_machine.facts()
    assert (found["count"], found["nvswitches"]) == (1, 0)
    assert found["nvidia"]["generations"] == ["ampere"]


def test_eight_h100_with_nvswitches(gpu_machine: GpuMachine) -> None:
    """The switches are bridges of NVIDIA, not GPUs."""
    for _ in range(8):
        gpu_machine.plug(NVIDIA, hardware.H100_SXM, driver="nvidia")
    for _ in range(4):
        gpu_machine.plug(NVIDIA, hardware.H100_NVSWITCH, BRIDGE, driver="nvidia-nvswitch")
    found = gpu_machine.facts()
    assert (found["count"], found["nvswitches"], found["nvlink_managers"]) == (8, 4, 0)
    assert found["nvidia"]["generations"] == ["hopper"]


def test_eight_b200_take_only_open_modules_and_show_their_switches_management(gpu_machine: GpuMachine) -> None:
    """Blackwell's switches are no PCI devices; only the product data of their ports tells."""
    for _ in range(8):
        gpu_machine.plug(NVIDIA, hardware.B200)
    for data in (b"\x82\x10\0ConnectX-7\0SW_MNG", b"\x82\x10\0ConnectX-7"):
        port = gpu_machine.plug(hardware.MELLANOX, hardware.CONNECTX_7, hardware.ETHERNET, driver="mlx5_core")
        gpu_machine.write(f"sys/bus/pci/devices/{port}/vpd", data)
    found = gpu_machine.facts()
    assert (found["count"], found["nvswitches"], found["nvlink_managers"]) == (8, 0, 1)
    assert found["nvidia"]["modules"] == ["open"]
    assert found["nvidia"]["branch_min"] == 570


def test_amd_instinct(gpu_machine: GpuMachine) -> None:
    """A processing accelerator of AMD, with its compute interface, architecture, and numeric groups."""
    address = gpu_machine.plug(AMD, hardware.MI300X, hardware.ACCELERATOR, driver="amdgpu")
    gpu_machine.write(f"sys/bus/pci/devices/{address}/drm/renderD128/dev", "226:128\n")
    gpu_machine.load("amdgpu")
    gpu_machine.write("dev/kfd", "")
    gpu_machine.write("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 96\ngfx_target_version 0\n")
    gpu_machine.write("sys/class/kfd/kfd/topology/nodes/1/properties", "simd_count 1216\ngfx_target_version 90402\n")
    gpu_machine.write("etc/group", "root:x:0:\nvideo:x:44:\nrender:x:992:ops\n")
    found = gpu_machine.facts()
    assert (found["vendor"], found["count"], found["nvidia"]) == ("amd", 1, {})
    assert found["devices"][0]["render_nodes"] == ["/dev/dri/renderD128"]
    assert found["amd"] == {
        "packages": [],
        "loaded": True,
        "kfd": True,
        "architectures": ["gfx942"],
        "groups": {"video": 44, "render": 992},
    }


def test_graphics_inside_a_processor_of_amd_are_no_gpu_for_models(gpu_machine: GpuMachine) -> None:
    """Many servers with such a processor would else count as GPU hosts."""
    gpu_machine.plug(AMD, hardware.RAPHAEL, VGA, driver="amdgpu")
    assert gpu_machine.facts()["vendor"] == "none"


def test_mixed_machine_is_nvidias(gpu_machine: GpuMachine) -> None:
    """Both are shown, with the state of both drivers; models run on NVIDIA's."""
    gpu_machine.plug(AMD, hardware.RX_7900, VGA, driver="amdgpu")
    gpu_machine.plug(NVIDIA, hardware.A100_PCIE)
    gpu_machine.plug(AMD, hardware.RAPHAEL, VGA, driver="amdgpu")
    found = gpu_machine.facts()
    assert (found["vendor"], found["count"]) == ("nvidia", 1)
    assert found["amd"]["kfd"] is False
    assert [gpu["usable"] for gpu in found["devices"]] == [True, True, False]


def test_virtual_functions_and_devices_for_guests_are_not_this_hosts(gpu_machine: GpuMachine) -> None:
    """On a hypervisor with one A100 for itself: neither its virtual functions nor a second card handed over."""
    physical = gpu_machine.plug(NVIDIA, hardware.A100_SXM, driver="nvidia")
    for _ in range(2):
        gpu_machine.virtual_function(physical, hardware.A100_SXM, driver="nvidia")
    gpu_machine.plug(NVIDIA, hardware.A100_SXM, driver="vfio-pci")
    found = gpu_machine.facts()
    assert found["count"] == 1
    assert [gpu["virtual_function"] for gpu in found["devices"]] == [False, True, True, False]


def test_virtual_function_that_a_guest_was_given_is_its_gpu(gpu_machine: GpuMachine) -> None:
    """Inside of the guest there is no physical function beside it."""
    gpu_machine.plug(AMD, "74b5", hardware.ACCELERATOR, driver="amdgpu")
    assert gpu_machine.facts()["count"] == 1


def test_names_come_from_the_driver_then_from_the_list_of_ids(gpu_machine: GpuMachine) -> None:
    """A host without either has the numbers."""
    known = gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.plug(NVIDIA, hardware.A100_SXM)
    gpu_machine.plug(NVIDIA, "2331")
    gpu_machine.write(f"proc/driver/nvidia/gpus/{known}/information", "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n")
    gpu_machine.write(
        "usr/share/misc/pci.ids",
        "# list\n1002  AMD\n\t20b2  not this one\n10de  NVIDIA\n\t20b2  GA100 [A100 SXM4 80GB]\n\t\t10de 1 a board\n",
    )
    assert [gpu["name"] for gpu in gpu_machine.facts()["devices"]] == [
        "NVIDIA H100 80GB HBM3",
        "GA100 [A100 SXM4 80GB]",
        "nvidia 10de:2331",
    ]


def test_device_without_readable_files_is_passed_over(gpu_machine: GpuMachine) -> None:
    """A device may leave while it is looked at."""
    (gpu_machine.root / "sys/bus/pci/devices/0000:01:00.0").mkdir(parents=True)
    assert gpu_machine.facts()["devices"] == []
