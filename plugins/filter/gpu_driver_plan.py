"""Filters that choose a host's GPU driver, and find what makes host and settings unfit for each other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MODULE_PACKAGES: dict[str, dict[str, dict[str, str]]] = {
    "nvidia": {
        "Debian": {"open": "nvidia-open-kernel-dkms", "proprietary": "nvidia-kernel-dkms"},
        "Ubuntu": {"open": "nvidia-dkms-{branch}-server-open", "proprietary": "nvidia-dkms-{branch}-server"},
        "upstream": {"open": "nvidia-kernel-open-dkms", "proprietary": "nvidia-kernel-dkms"},
    },
    "amd": {
        "Debian": {"": "firmware-amd-graphics"},
        "Ubuntu": {"": "linux-firmware"},
        "upstream": {"": "amdgpu-dkms"},
    },
}
"""The package that brings the kernel module, by flavour. AMD's is in the kernel: only its firmware, or a newer module
from AMD, comes as a package."""
MORE_PACKAGES = {
    "Debian": "nvidia-smi libcuda1 libnvidia-ml1 libnvidia-ptxjitcompiler1 nvidia-persistenced nvidia-modprobe",
    "Ubuntu": "nvidia-utils-{branch}-server libnvidia-compute-{branch}-server nvidia-compute-utils-{branch}-server",
    "upstream": "nvidia-driver-cuda nvidia-persistenced nvidia-modprobe",
}
"""What runs beside NVIDIA's module: libraries that containers get from the host, nvidia-smi, the persistence daemon."""
FIRST_OPEN_BRANCH = 515
FIRST_FABRIC_MANAGER_WITHOUT_BRANCH = 580
"""From this branch on the upstream package of Fabric Manager does not carry the branch in its name."""
_SERIES = re.compile(r"((cloud-|rt-)?(amd64|arm64)|generic|lowlatency)$")


def plan(
    facts: Mapping[str, Any],
    vendor: str,
    channel: str,
    branch: str,
    kernel_module: str,
    *,
    later_kernels: bool,
    upgrade: bool,
) -> dict[str, Any]:
    """Return what to install, what to hold, and what keeps an installed driver from being used.

    Args:
        facts: The host's `ansible_facts`, with distribution and GPUs.
        vendor: Whose driver the host gets, `nvidia` or `amd`.
        channel: `distribution` or `upstream`.
        branch: Of NVIDIA's driver; empty for any.
        kernel_module: `auto`, `open` or `proprietary`.
        later_kernels: Whether headers of later kernels are installed too.
        upgrade: Whether an installed driver moves to the newest version.
    """
    gpu, nvidia = facts["gpu"], facts["gpu"]["nvidia"]
    is_nvidia = vendor == "nvidia"
    source = "upstream" if channel == "upstream" else str(facts["distribution"])
    flavour = _flavour(facts, source, branch, kernel_module) if is_nvidia else ""
    module_package = MODULE_PACKAGES[vendor].get(source, {}).get(flavour, "").format(branch=branch)
    more = MORE_PACKAGES.get(source, "").format(branch=branch).split() if is_nvidia else []
    held_together = nvidia.get("packages", []) if is_nvidia else _amd_packages(gpu, "amdgpu-dkms")
    version = nvidia.get("package_version", "") if is_nvidia else _amd_version(gpu, module_package)
    other_branch = is_nvidia and "" not in (version, branch) and version.split(".")[0] != branch
    moves = version != "" and (upgrade or other_branch)
    release = str(gpu["kernel"].get("release", ""))
    headers, series = f"linux-headers-{release}", _SERIES.search(release)
    switches = int(gpu["nvswitches"] + gpu["nvlink_managers"]) if is_nvidia else 0
    return {
        "source": source,
        "channel": channel,
        "branch": branch,
        "flavour": flavour,
        "module_package": module_package,
        "packages": [module_package, *more],
        "headers": headers,
        # 6.12.9+deb13-cloud-amd64 follows linux-headers-cloud-amd64
        "all_headers": [headers, *([f"linux-headers-{series[0]}"] if series and later_kernels else [])],
        # not AMD's driver in the kernel
        "is_built": is_nvidia or channel == "upstream",
        "installed_version": version,
        "moves": moves,
        "installs": version == "" or moves,
        "names": [each["name"] for each in held_together],
        "not_held": [each["name"] for each in held_together if not each["held"]],
        "obstacles": _obstacles(gpu) if is_nvidia else [],
        "switches": switches,
        "fabric_packages": _fabric_packages(gpu, channel) if switches else [],
    }


def _flavour(facts: Mapping[str, Any], source: str, branch: str, kernel_module: str) -> str:
    """Return open or proprietary; empty where no flavour serves all GPUs of the host.

    In Debian 12 the open module's package stayed at 535.261, and cannot be installed beside the firmware and libraries
    of 535.309.
    """
    if kernel_module != "auto":
        return kernel_module
    is_old = source == "Debian" and _number(facts["distribution_version"]) < 13
    preferred = ["open", "proprietary"]
    if is_old or 0 < _number(branch) < FIRST_OPEN_BRANCH:
        preferred.reverse()
    return next((each for each in preferred if each in facts["gpu"]["nvidia"].get("modules", [])), "")


def _amd_packages(gpu: Mapping[str, Any], prefix: str) -> list[Mapping[str, Any]]:
    return [each for each in gpu["amd"].get("packages", []) if each["name"].startswith(prefix)]


def _amd_version(gpu: Mapping[str, Any], package: str) -> str:
    return next((each["version"] for each in _amd_packages(gpu, package) if each["name"] == package), "")


def _obstacles(gpu: Mapping[str, Any]) -> list[str]:
    loaded, installed = (gpu["nvidia"].get(state, {}).get("version", "") for state in ("loaded", "installed"))
    told = [f"the module {loaded} is loaded, and {installed} is installed"] if loaded not in ("", installed) else []
    return told + (["nouveau is loaded and has the GPUs"] if gpu["nouveau"] else [])


def _fabric_packages(gpu: Mapping[str, Any], channel: str) -> list[str]:
    """Return Fabric Manager, which refuses any driver but the one of its own version, and what it needs."""
    version = gpu["nvidia"].get("package_version", "")
    major = _number(version)
    has_plain_name = channel == "upstream" and major >= FIRST_FABRIC_MANAGER_WITHOUT_BRANCH
    name = "nvidia-fabricmanager" if has_plain_name else f"nvidia-fabricmanager-{major}"
    return [f"{name}={version}-*", *(["nvlsm"] if gpu["nvlink_managers"] > 0 else [])]


def problems(
    facts: Mapping[str, Any], planned: Mapping[str, Any], vendor: str, *, has_repository: bool, foreign_sources: bool
) -> list[str]:
    """Return all that makes this host and these variables unfit for each other.

    Args:
        facts: The host's `ansible_facts`.
        planned: What `plan` returned for them.
        vendor: Whose driver the host gets.
        has_repository: Whether URL and key of the maker's repository are set.
        foreign_sources: Whether the host has a list of such a repository.
    """
    gpu, channel, installed = facts["gpu"], planned["channel"], planned["installed_version"]
    before = "" if not installed else ("upstream" if foreign_sources else "distribution")
    refused: list[str] = []
    if vendor not in [each["vendor"] for each in gpu["devices"] if each["usable"]]:
        refused.append(f"gpu_driver_vendor is {vendor}, but this host has no usable GPU of that maker")
    if channel == "upstream" and not has_repository:
        refused.append(
            "gpu_driver_channel upstream needs gpu_driver_repository_url and gpu_driver_repository_key: the repository "
            f"that the maker's installation guide names for {facts['distribution']} {facts['distribution_version']}, "
            "or a mirror of it"
        )
    if before not in ("", channel):
        refused.append(
            f"the driver {installed} that is installed came from the channel {before}, and gpu_driver_channel is "
            f"{channel}. Packages of the two replace each other in part. Remove the installed one first "
            "(-e gpu_driver_state=absent), then run this again"
        )
    return refused + (_nvidia_problems(gpu, planned) if vendor == "nvidia" and gpu["nvidia"] else [])


def _nvidia_problems(gpu: Mapping[str, Any], planned: Mapping[str, Any]) -> list[str]:
    nvidia, branch, flavour, key = gpu["nvidia"], planned["branch"], planned["flavour"], gpu["secure_boot"].get("key")
    generations, oldest, last = " and ".join(nvidia["generations"]), nvidia["branch_min"], nvidia["branch_max"]
    refused: list[str] = []
    if not flavour:
        refused.append(
            f"no kernel module serves {generations} together: keep one of them out of this host, or hand it over to a "
            "virtual machine"
        )
    if flavour != "" and flavour not in nvidia["modules"]:
        refused.append(
            f"gpu_driver_kernel_module is {flavour}, but {generations} takes {' or '.join(nvidia['modules'])} only"
        )
    if branch != "" and _number(branch) < oldest:
        refused.append(f"gpu_driver_branch is {branch}, but {generations} needs {oldest} or later")
    if _number(branch) > last > 0:
        refused.append(f"gpu_driver_branch is {branch}, but the last branch for {generations} is {last}")
    if planned["source"] == "Ubuntu" and not branch:
        refused.append("Ubuntu's packages carry the branch in their names: set gpu_driver_branch")
    if planned["switches"] > 0 and planned["source"] == "Debian":
        refused.append(
            f"{planned['switches']} NVSwitches need Fabric Manager in the driver's exact version, which Debian does "
            "not have: set gpu_driver_channel to upstream"
        )
    if (
        gpu["secure_boot"]["state"] == "enabled"
        and not gpu["secure_boot"]["enrolled"]
        and not nvidia["loaded"]["version"]
    ):
        refused.append(
            "Secure Boot is on, and the firmware does not know the key that signs modules built here. Enrol it once, "
            f"at the console: `apt-get install dkms mokutil`, {'' if key else '`dkms generate_mok`, '}"
            f"`mokutil --import {key or '/var/lib/dkms/mok.pub'}` (asks for a new password), reboot, "
            'choose "Enroll MOK" and give that password; or turn Secure Boot off. Then run this again'
        )
    return refused


def _number(version: str) -> int:
    """Return the first number of a version; 0 where it begins with none."""
    found = re.match(r"\d+", str(version))
    return int(found[0]) if found else 0


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"gpu_driver_plan": plan, "gpu_driver_problems": problems}
