"""A filter that finds what keeps Ollama from running on a host with its settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.text.formatters import human_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MIB = 1024**2
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?[bkmgt]?", re.IGNORECASE)
"""As Docker writes it."""


def problems(
    settings: Mapping[str, Any],
    capacity: Mapping[str, int],
    gpus: Mapping[str, Any],
    fact: Mapping[str, Any],
    files: Sequence[str],
    *,
    check_mode: bool,
) -> list[str]:
    """Return all problems at once; sizes are read only once they are known to be sizes.

    Args:
        settings: The role's public variables.
        capacity: Memory and processors of the host.
        gpus: What the filter ollama_gpus returned.
        fact: What gpu_facts found; empty where it was not run.
        files: What is wrong with archive and bundle.
        check_mode: Whether drivers may be missing yet.
    """
    return _malformed(settings) or [
        *(problem for problem in files if problem),
        *_memory_problems(settings, capacity, gpus["containers"]),
        *_gpu_problems(settings, gpus),
        *([] if check_mode else _driver_problems(gpus["vendor"], fact)),
        *_limit_problems(settings, capacity),
    ]


def _malformed(settings: Mapping[str, Any]) -> list[str]:
    names = [each["name"] for each in settings["ollama_models"]]
    limit, reservation = settings["ollama_memory_limit"], settings["ollama_memory_reservation"]
    user, image = settings["ollama_user"], settings["ollama_image_id"]
    refused: list[str] = []
    if not _SIZE.fullmatch(str(limit)):
        refused.append(f"ollama_memory_limit must be a size such as 4g or 512m, not {limit}")
    if not _SIZE.fullmatch(str(reservation)):
        refused.append(f"ollama_memory_reservation must be a size such as 2g or 512m, not {reservation}")
    if not re.fullmatch("([0-9]+:[0-9]+)?", user):
        refused.append(f"ollama_user must be numbers, uid:gid, not {user}")
    if not re.fullmatch("(sha256:[0-9a-f]{64})?", image):
        refused.append(f"ollama_image_id must be sha256: and 64 hex digits, not {image}")
    if len(set(names)) < len(names):
        refused.append("ollama_models names a model twice")
    return refused


def _memory_problems(settings: Mapping[str, Any], capacity: Mapping[str, int], containers: int) -> list[str]:
    limit, memory = settings["ollama_memory_limit"], capacity["memory_mb"]
    if human_to_bytes(limit) * containers <= memory * _MIB:
        return []
    each = f" for each of {containers} containers" if containers > 1 else ""
    return [
        f"ollama_memory_limit is {limit}{each}, but the host has {memory} MiB: lower it, or take a larger host",
    ]


def _gpu_problems(settings: Mapping[str, Any], gpus: Mapping[str, Any]) -> list[str]:
    vendor, usable, numbers = gpus["vendor"], gpus["usable"], settings["ollama_gpu_devices"]
    if vendor == "none":
        return []
    refused: list[str] = []
    if usable == 0:
        refused.append(f"ollama_gpu is {vendor}, but this host has no usable GPU of that maker")
    if any(number >= max(usable, 1) for number in numbers):
        refused.append(
            f"ollama_gpu_devices names {', '.join(map(str, numbers))}, but this host has {usable} usable GPUs, "
            "numbered from 0"
        )
    return refused


def _driver_problems(vendor: str, fact: Mapping[str, Any]) -> list[str]:
    smi = fact.get("nvidia", {}).get("smi") or {}
    refused: list[str] = []
    if vendor == "nvidia" and not smi.get("works"):
        refused.append(
            f"this host has GPUs of NVIDIA whose driver does not answer ({smi.get('error')}): run the roles gpu_driver "
            "and gpu_container_toolkit before, or set ollama_gpu to none"
        )
    if vendor == "amd" and not fact.get("amd", {}).get("kfd"):
        refused.append(
            "this host has GPUs of AMD and no /dev/kfd: run the role gpu_driver before, or set ollama_gpu to none"
        )
    return refused


def _limit_problems(settings: Mapping[str, Any], capacity: Mapping[str, int]) -> list[str]:
    limit, reservation = settings["ollama_memory_limit"], settings["ollama_memory_reservation"]
    cpus, loaded = settings["ollama_cpus"], settings["ollama_max_loaded_models"]
    preloaded = [each["name"] for each in settings["ollama_models"] if each.get("preload")]
    refused: list[str] = []
    if human_to_bytes(reservation) > human_to_bytes(limit):
        refused.append(
            f"ollama_memory_reservation ({reservation}) is above ollama_memory_limit ({limit}): it must be at most that"
        )
    if float(cpus) > capacity["processors"]:
        refused.append(
            f"ollama_cpus is {cpus}, but the host has {capacity['processors']} CPUs: lower it, or take a larger host"
        )
    if len(preloaded) > int(loaded):
        refused.append(
            f"ollama_models preloads {', '.join(preloaded)}, but ollama_max_loaded_models lets only {loaded} stay in "
            "memory"
        )
    return refused


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"ollama_problems": problems}
