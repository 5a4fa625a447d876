"""A machine's PCI tree, drivers and firmware as files, for what reads them under another root than `/`.

The numbers are those of the public list of PCI ids; nothing here was captured on the hardware it describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.roles.ansible_module import load_plugin

if TYPE_CHECKING:
    from pathlib import Path

VGA, CONTROLLER_3D, ACCELERATOR, BRIDGE = "030000", "030200", "120000", "068000"
ETHERNET = "020000"
NVIDIA, AMD, ASPEED, MELLANOX = "10de", "1002", "1a03", "15b3"

RTX_4090, A100_PCIE, A100_SXM, H100_SXM, B200, V100, K80 = "2684", "20b5", "20b2", "2330", "2901", "1db4", "102d"
H100_NVSWITCH, CONNECTX_7 = "22a3", "1021"
MI300X, RX_7900, RAPHAEL = "74a1", "744c", "164e"

GLOBAL, SHIM = "8be4df61-93ca-11d2-aa0d-00e098032b8c", "605dab50-e046-4300-abb6-3dd810dd8b23"
PROPRIETARY_MODULE = """\
NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.247.01  Tue Apr  8 02:52:51 UTC 2025
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)
"""
OPEN_MODULE = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.163.01  Release Build  (buildd@host)  Jun  1 10:00:00 2025
GCC version:  gcc version 14.2.0 (Debian 14.2.0-19)
"""

gpu_facts = load_plugin("gpu_facts")


class GpuMachine:
    """A machine under a folder, empty at first.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, tuple[int, str]] = {}
        self._slots = 0
        self.write("proc/sys/kernel/osrelease", "6.12.0-test\n")

    def run(self, command: list[str]) -> tuple[int, str]:
        """Answer for a program and its last argument, or for the program; one without an answer is not installed."""
        program, last = command[0], f"{command[0]} {command[-1]}"
        return self.answers.get(last) or self.answers.get(program, (127, f"there is no {program}"))

    def facts(self) -> dict[str, Any]:
        """Return what gpu_facts finds on it."""
        found: dict[str, Any] = gpu_facts.gather(self.root, self.run)
        return found

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def plug(self, vendor: str, device: str, pci_class: str = CONTROLLER_3D, *, driver: str = "") -> str:
        """Add a PCI device and return its address."""
        self._slots += 1
        address = f"0000:{self._slots:02x}:00.0"
        folder = f"sys/bus/pci/devices/{address}"
        for name, value in (("vendor", vendor), ("device", device), ("class", pci_class)):
            self.write(f"{folder}/{name}", f"0x{value}\n")
        if driver:
            (self.root / folder / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
        return address

    def virtual_function(self, of: str, device: str, *, driver: str = "") -> str:
        """Add a virtual function of a device that is there."""
        address = self.plug(NVIDIA, device, driver=driver)
        (self.root / "sys/bus/pci/devices" / address / "physfn").symlink_to(f"../{of}")
        return address

    def load(self, module: str) -> None:
        """Have a kernel module loaded."""
        (self.root / "sys/module" / module).mkdir(parents=True)

    def install(self, **versions: str) -> None:
        """Have packages installed; an underscore in a name stands for a hyphen."""
        stanzas = [
            f"Package: {name.replace('_', '-')}\nStatus: install ok installed\nVersion: {version}"
            for name, version in versions.items()
        ]
        self.write("var/lib/dpkg/status", "\n\n".join(stanzas) + "\n")

    def efi(self, *, secure_boot: bool, mok_list: bytes = b"", validation: bool = True) -> None:
        """Boot by UEFI."""
        folder, attributes = "sys/firmware/efi/efivars", b"\6\0\0\0"
        self.write(f"{folder}/SecureBoot-{GLOBAL}", attributes + bytes([secure_boot]))
        self.write(f"{folder}/MokListRT-{SHIM}", attributes + mok_list)
        if not validation:
            self.write(f"{folder}/MokSBStateRT-{SHIM}", attributes + b"\1")
