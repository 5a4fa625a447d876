# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""GPUs and NVLink switches of a machine, read from the kernel's PCI tree in sysfs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NVIDIA, AMD, MELLANOX = 0x10DE, 0x1002, 0x15B3
VENDORS = {NVIDIA: "nvidia", AMD: "amd", 0x8086: "intel", 0x1A03: "aspeed", 0x102B: "matrox"}

# Base class and sub-class as PCI numbers them: VGA, 3D and other display controllers, processing accelerators.
GPU_CLASSES = {0x0300, 0x0302, 0x0380, 0x1200}
OTHER_BRIDGE = 0x0680
# Bridges of NVIDIA below this device number are the nForce chipsets of the 2000s.
FIRST_NVSWITCH = 0x1AC0
# Drivers that hand a device over to a virtual machine: it is the guest's, not this host's.
PASSTHROUGH_DRIVERS = {"vfio-pci", "pci-stub"}

# First device number of each run of NVIDIA's generations; drawn from the chips' names in the public pci.ids list.
GENERATIONS = (
    (0x0000, "legacy"),
    (0x1340, "maxwell"),
    (0x15C0, "pascal"),
    (0x1600, "maxwell"),
    (0x1B00, "pascal"),
    (0x1D80, "volta"),
    (0x1E00, "turing"),
    (0x2080, "ampere"),
    (0x2100, "turing"),
    (0x2200, "ampere"),
    (0x2300, "hopper"),
    (0x2400, "ampere"),
    (0x2600, "ada"),
    (0x2900, "blackwell"),
    (0x3600, "newer"),
)

# AMD's processors with graphics inside; what they have in memory is the machine's own.
AMD_INTEGRATED = (0x13, 0x15, 0x16, 0x98, 0x99)


def nvidia_generation(device_id: int) -> str:
    """Return the generation of an NVIDIA GPU: V(legacy) is Kepler and before, V(newer) is unknown to this table."""
    return next(name for first, name in reversed(GENERATIONS) if device_id >= first)


class PciTree:
    """The PCI devices of a machine.

    Args:
        root: Folder that holds `sys`, `proc` and `usr`; `/` for the machine itself.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        folder = root / "sys" / "bus" / "pci" / "devices"
        self._devices = sorted(folder.iterdir()) if folder.is_dir() else []

    def gpus(self) -> list[dict[str, Any]]:
        """Return what controls a display or computes, in the order of addresses (see RETURN of the module)."""
        found = [self._gpu(path) for path in self._devices if self._number(path, "class") >> 8 in GPU_CLASSES]
        if any(gpu["usable"] for gpu in found):
            names = self._names({(gpu["vendor_id"], gpu["device_id"]) for gpu in found})
            for gpu in found:
                gpu["name"] = self._driver_name(gpu["address"]) or names.get(
                    (gpu["vendor_id"], gpu["device_id"]), gpu["name"]
                )
        return found

    def nvswitches(self) -> int:
        """Return how many NVSwitch bridges there are (A100, H100, H200 baseboards)."""
        return sum(
            self._number(path, "class") >> 8 == OTHER_BRIDGE
            and self._number(path, "vendor") == NVIDIA
            and self._number(path, "device") >= FIRST_NVSWITCH
            for path in self._devices
        )

    def nvlink_managers(self) -> int:
        """Return how many ports manage the NVLink switches of a Blackwell baseboard.

        Those switches show no bridge; their management ports are ConnectX devices whose vital product data says so.
        """
        return sum(
            self._number(path, "vendor") == MELLANOX and b"SW_MNG" in self._bytes(path / "vpd")
            for path in self._devices
        )

    def _gpu(self, path: Path) -> dict[str, Any]:
        vendor_id, device_id = self._number(path, "vendor"), self._number(path, "device")
        vendor = VENDORS.get(vendor_id, "other")
        link = path / "driver"
        driver = link.readlink().name if link.is_symlink() else ""
        virtual_function = (path / "physfn").is_symlink()
        integrated = vendor == "amd" and device_id >> 8 in AMD_INTEGRATED
        return {
            "address": path.name,
            "vendor": vendor,
            "vendor_id": f"{vendor_id:04x}",
            "device_id": f"{device_id:04x}",
            "name": f"{vendor} {vendor_id:04x}:{device_id:04x}",
            "generation": nvidia_generation(device_id) if vendor == "nvidia" else "",
            "driver": driver,
            "integrated": integrated,
            "virtual_function": virtual_function,
            "render_nodes": sorted(f"/dev/dri/{node.name}" for node in (path / "drm").glob("renderD*")),
            # A virtual function beside its own physical function is meant for a guest.
            "usable": vendor in ("nvidia", "amd")
            and not (integrated or virtual_function or driver in PASSTHROUGH_DRIVERS),
        }

    def _driver_name(self, address: str) -> str:
        """Return the name that NVIDIA's driver has for a GPU."""
        path = self._root / "proc" / "driver" / "nvidia" / "gpus" / address / "information"
        found = re.search(r"^Model:\s*(\S.*?)\s*$", self._bytes(path).decode(errors="replace"), flags=re.MULTILINE)
        return found.group(1) if found else ""

    def _names(self, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Return names from the list of PCI ids, where the host has one."""
        names: dict[tuple[str, str], str] = {}
        for folder in ("misc", "hwdata"):
            vendor = ""
            for line in self._bytes(self._root / "usr" / "share" / folder / "pci.ids").decode().splitlines():
                if re.match(r"[0-9a-f]{4}  ", line):
                    vendor = line[:4]
                elif re.match(r"\t[0-9a-f]{4}  ", line) and (vendor, line[1:5]) in wanted:
                    names[vendor, line[1:5]] = line[7:].strip()
        return names

    def _number(self, path: Path, name: str) -> int:
        """Return a hexadecimal file of a device; 0 where it is missing or empty."""
        return int(self._bytes(path / name).decode(errors="replace").strip() or "0", 16)

    @staticmethod
    def _bytes(path: Path) -> bytes:
        """Return a file's content; nothing where it cannot be read, as a device that is just leaving."""
        try:
            return path.read_bytes()
        except OSError:
            return b""
