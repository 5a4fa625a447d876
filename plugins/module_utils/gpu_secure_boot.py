# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Whether the firmware lets the kernel load modules that were built on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Names of the two vendors of EFI variables that matter here: the UEFI specification and shim.
GLOBAL, SHIM = "8be4df61-93ca-11d2-aa0d-00e098032b8c", "605dab50-e046-4300-abb6-3dd810dd8b23"
ATTRIBUTES_BYTES = 4  # efivarfs puts them in front of every variable

# Public keys that sign modules built on the host: DKMS's own, and the one that Ubuntu's shim-signed makes.
SIGNING_KEYS = ("var/lib/dkms/mok.pub", "var/lib/shim-signed/mok/MOK.der")


def secure_boot(root: Path) -> dict[str, object]:
    """Return `state` (enabled, disabled, unsupported), `key` (path of the signing key) and whether it is `enrolled`.

    Args:
        root: Folder that holds `sys` and `var`; `/` for the machine itself.
    """
    firmware = root / "sys" / "firmware" / "efi"
    key = next((name for name in SIGNING_KEYS if (root / name).is_file()), "")
    if not firmware.is_dir():
        return {"state": "unsupported", "key": f"/{key}" if key else "", "enrolled": False}
    # shim can be told not to check what it loads; the kernel then takes any module.
    enforced = _variable(firmware, "SecureBoot", GLOBAL) == b"\1" and _variable(firmware, "MokSBStateRT", SHIM) != b"\1"
    return {
        "state": "enabled" if enforced else "disabled",
        "key": f"/{key}" if key else "",
        "enrolled": bool(key) and (root / key).read_bytes() in _machine_owner_keys(firmware),
    }


def _machine_owner_keys(firmware: Path) -> bytes:
    """Return the lists of the machine owner's keys, each of which holds certificates as they are (DER).

    A list that is too long for one variable goes on in a numbered one; newer kernels show the whole beside.
    """
    lists = [path.read_bytes() for path in sorted((firmware / "efivars").glob(f"MokListRT*-{SHIM}"))]
    lists += [path.read_bytes() for path in (firmware / "mok-variables").glob("MokListRT*")]
    return b"\n".join(lists)


def _variable(firmware: Path, name: str, vendor: str) -> bytes:
    path = firmware / "efivars" / f"{name}-{vendor}"
    return path.read_bytes()[ATTRIBUTES_BYTES:] if path.is_file() else b""
