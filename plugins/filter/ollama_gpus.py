"""Filters that divide a host's GPUs among Ollama's containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIRST_ENGINE_WITH_CDI = 25


def gpus(fact: Mapping[str, Any], choice: str, numbers: Sequence[int], layout: str) -> dict[str, Any]:
    """Return whose GPUs containers get, which are usable, and which ones the first container gets.

    Args:
        fact: What gpu_facts found; empty where it was not run.
        choice: `auto`, `none` or a vendor.
        numbers: Of the GPUs to use; empty for all of them.
        layout: `shared`, or `per_gpu` for a container of each GPU.
    """
    vendor = fact.get("vendor", "none") if choice == "auto" else choice
    usable = [each for each in fact.get("devices", []) if each["usable"] and each["vendor"] == vendor]
    chosen = list(numbers) or list(range(len(usable)))
    is_split = layout != "shared" and len(chosen) > 1
    return {
        "vendor": vendor,
        "usable": len(usable),
        "render_nodes": [list(each["render_nodes"]) for each in usable],
        "groups": dict(fact.get("amd", {}).get("groups", {})),
        "given": chosen[:1] if is_split else (list(numbers) or ["all"]),
        "containers": len(chosen) if is_split else 1,
        "of_containers": chosen if is_split else ["all"],
    }


def instances(divided: Mapping[str, Any], name: str, port: int) -> list[dict[str, Any]]:
    """Return name, port and GPU of each container; the first keeps the name and the port of a host with one.

    Args:
        divided: What `gpus` returned.
        name: Of the first container.
        port: Of the first container.
    """
    return [
        {"name": f"{name}-{number}" if number else name, "port": port + number, "gpu": gpu}
        for number, gpu in enumerate(divided["of_containers"])
    ]


def container_gpus(divided: Mapping[str, Any], given: Sequence[int | str], engine: str) -> dict[str, Any]:
    """Return what gives a container its GPUs.

    NVIDIA's are devices of the CDI specification, which stay through a reload of systemd; before engine 25, NVIDIA's
    runtime gives them. AMD's are the compute interface and the GPUs' render nodes, with the groups that may open them,
    by number: the image has other names for them.

    Args:
        divided: What `gpus` returned.
        given: Numbers of the container's GPUs, or `all`.
        engine: Version of the Docker engine.
    """
    is_nvidia, is_amd = divided["vendor"] == "nvidia", divided["vendor"] == "amd"
    number = re.match(r"\d+", engine)
    has_cdi = number is not None and int(number[0]) >= FIRST_ENGINE_WITH_CDI
    # The count is what the engine makes of none: left out, the container would be made anew at every run.
    request = {"driver": "cdi", "count": 0, "device_ids": [f"nvidia.com/gpu={each}" for each in given]}
    nodes = divided["render_nodes"]
    chosen = nodes if list(given) == ["all"] else [nodes[int(each)] for each in given] if is_amd else []
    devices = ["/dev/kfd", *(node for each in chosen for node in each)]
    return {
        "device_requests": [request] if is_nvidia and has_cdi else [],
        "runtime": "nvidia" if is_nvidia and not has_cdi else "",
        "environment": {"NVIDIA_VISIBLE_DEVICES": ",".join(map(str, given))} if is_nvidia and not has_cdi else {},
        "devices": [f"{path}:{path}:rw" for path in devices] if is_amd else [],
        "groups": [str(group) for group in sorted(divided["groups"].values())] if is_amd else [],
    }


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"ollama_gpus": gpus, "ollama_instances": instances, "ollama_container_gpus": container_gpus}
