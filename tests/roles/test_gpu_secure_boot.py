"""Whether the firmware lets a module be loaded that was built on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import NVIDIA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine


def test_secure_boot_needs_a_key_that_the_firmware_knows(gpu_machine: GpuMachine) -> None:
    """The key is the DER certificate in the machine owner's list, in whole."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    key = b"\x30\x82DKMS's certificate"
    gpu_machine.write("var/lib/dkms/mok.pub", key)
    gpu_machine.efi(secure_boot=True, mok_list=b"list header" + key[:-1])
    unknown = {"state": "enabled", "key": "/var/lib/dkms/mok.pub", "enrolled": False}
    assert gpu_machine.facts()["secure_boot"] == unknown
    gpu_machine.efi(secure_boot=True, mok_list=b"list header" + key + b"another")
    assert gpu_machine.facts()["secure_boot"] == {**unknown, "enrolled": True}


def test_secure_boot_that_is_off_or_not_enforced_is_disabled(gpu_machine: GpuMachine) -> None:
    """Off in the firmware, or shim told not to check."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.efi(secure_boot=False)
    assert gpu_machine.facts()["secure_boot"]["state"] == "disabled"
    gpu_machine.efi(secure_boot=True, validation=False)
    assert gpu_machine.facts()["secure_boot"]["state"] == "disabled"


def test_machine_without_uefi_has_no_secure_boot(gpu_machine: GpuMachine) -> None:
    """As most virtual machines boot."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    assert gpu_machine.facts()["secure_boot"] == {"state": "unsupported", "key": "", "enrolled": False}
