# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""What NVIDIA's management program says: GPUs, memory, MIG mode, or why it says nothing."""

from __future__ import annotations

from typing import Any

FIELDS = ("index", "uuid", "pci.bus_id", "name", "memory.total", "mig.mode.current", "driver_version")
QUERY = ["nvidia-smi", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits"]


def parse_smi(code: int, output: str) -> dict[str, Any]:
    """Return what `QUERY` printed.

    The program ends with status 0 beside some errors and mixes messages among its rows, so a row counts only if it has
    every field and a number in front; all else is kept as the error.

    Args:
        code: Exit status.
        output: Standard output, where the program prints errors too.
    """
    gpus, rest = [], []
    for line in filter(None, map(str.strip, output.splitlines())):
        values = [value.strip() for value in line.split(",")]
        if len(values) == len(FIELDS) and values[0].isdigit():
            index, uuid, address, name, memory, mig, version = values
            gpus.append(
                {
                    "index": int(index),
                    "uuid": uuid,
                    "address": sysfs_address(address),
                    "name": name,
                    "memory_mib": int(memory) if memory.isdigit() else None,
                    "mig": mig == "Enabled",
                    "driver_version": version,
                }
            )
        else:
            rest.append(line)
    works = code == 0 and bool(gpus)
    return {"works": works, "error": "" if works else " ".join(rest) or f"exit status {code}", "gpus": gpus}


def sysfs_address(address: str) -> str:
    """Return a PCI address as sysfs writes it; `nvidia-smi` gives the domain eight digits and writes capitals.

    >>> sysfs_address("00000000:1B:00.0")
    '0000:1b:00.0'
    """
    domain, _colon, rest = address.lower().partition(":")
    return f"{domain[-4:]}:{rest}"
