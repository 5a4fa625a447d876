# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Drivers of a machine: what is installed, what is loaded, for which kernel it was built."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str]]

# The driver's packages as Debian, Ubuntu and NVIDIA name them, and those of the container toolkit.
DRIVER_PACKAGE = re.compile(
    r"(lib)?nvidia-(?!container)(?!cuda)(?!cudnn)|libcuda(debugger)?1$|firmware-nvidia-gsp$|cuda-drivers|"
    r"xserver-xorg-video-nvidia|lib(egl|gl|gles|glx)\d?-nvidia|linux-(modules|objects|signatures)-nvidia-|nvlsm$"
)
TOOLKIT_PACKAGE = re.compile(r"(lib)?nvidia-container")
# What a host with GPUs of AMD has beside its kernel: firmware as Debian and Ubuntu name it, or AMD's own module.
AMD_PACKAGE = re.compile(r"amdgpu-dkms|firmware-amd-graphics$|linux-firmware$")
# The package with the kernel module's source; its version is the driver's.
MODULE_PACKAGE = re.compile(r"nvidia-(open-kernel|kernel|kernel-open)-dkms$|nvidia-dkms-[\w-]+$")

# What the module is called: NVIDIA's name, and those under which Debian keeps its two flavours.
MODULE_NAMES = ("nvidia", "nvidia-current-open", "nvidia-current")

# Oldest driver branch that knows a generation, and the last that did (0: all newer ones do); from NVIDIA's lists of
# supported products. Open kernel modules exist for Turing and later, and are the only ones for Blackwell.
BRANCHES = {
    "legacy": (0, 470),
    "maxwell": (346, 580),
    "pascal": (367, 580),
    "volta": (384, 580),
    "turing": (410, 0),
    "ampere": (450, 0),
    "ada": (525, 0),
    "hopper": (525, 0),
    "blackwell": (570, 0),
    "newer": (570, 0),
}
BEFORE_OPEN_MODULES = {"legacy", "maxwell", "pascal", "volta"}
OPEN_MODULES_ONLY = {"blackwell", "newer"}


def parse_loaded(text: str) -> tuple[str, str]:
    """Return version and flavour (open, proprietary) of the loaded NVIDIA module from /proc/driver/nvidia/version."""
    found = re.search(r"NVRM version:.*?Kernel Module.*?\s(\d+\.\d[\d.]*)\s", text + "\n")
    if not found:
        return "", ""
    return found.group(1), "open" if "Open Kernel Module" in found.group(0) else "proprietary"


def parse_modinfo(text: str) -> dict[str, str]:
    """Return `version`, `flavour` and `kernel` of an installed NVIDIA module; empty where there is none."""
    fields = dict(re.findall(r"^(version|license|vermagic):\s+(.+?)\s*$", text, flags=re.MULTILINE))
    if "version" not in fields:
        return {"version": "", "flavour": "", "kernel": ""}
    return {
        "version": fields["version"],
        "flavour": "open" if "GPL" in fields.get("license", "") else "proprietary",
        "kernel": fields.get("vermagic", "").partition(" ")[0],
    }


def parse_packages(status: str, name: re.Pattern[str]) -> list[dict[str, Any]]:
    """Return the packages that match and are there, from dpkg's status file: name, version, held.

    One that could not be configured is there too: its files are, and they are in the way of others.
    """
    found = []
    for stanza in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Status|Version): (.+)$", stanza, flags=re.MULTILINE))
        state = fields.get("Status", "not-installed").rpartition(" ")[2]
        if state not in ("not-installed", "config-files") and name.match(fields["Package"]):
            held = fields["Status"].startswith("hold ")
            found.append({"name": fields["Package"], "version": fields["Version"], "held": held})
    return sorted(found, key=lambda package: package["name"])


def upstream_version(version: str) -> str:
    """Return a package's version without epoch and revision.

    >>> upstream_version("1:550.163.01-2")
    '550.163.01'
    """
    return re.sub(r"[-+~].*$", "", version.partition(":")[2] or version)


class Software:
    """The drivers of a machine.

    Args:
        root: Folder that holds `sys`, `proc`, `lib`, `dev`, `etc` and `var`; `/` for the machine itself.
        run: Runs a program within a deadline; returns exit status and output, and status 127 where there is none.
    """

    def __init__(self, root: Path, run: Run) -> None:
        self._root = root
        self._run = run

    def kernel(self) -> dict[str, Any]:
        """Return the running kernel and whether its headers, for which modules are built, are there."""
        release = self._text("proc/sys/kernel/osrelease").strip()
        headers = (f"lib/modules/{release}/build", f"usr/src/linux-headers-{release}")
        return {"release": release, "headers": bool(release) and any((self._root / path).is_dir() for path in headers)}

    def nvidia(self, generations: list[str], release: str) -> dict[str, Any]:
        """Return the state of NVIDIA's driver, and which drivers the given generations of GPUs take."""
        status = self._text("var/lib/dpkg/status")
        packages = parse_packages(status, DRIVER_PACKAGE)
        module = next((package for package in packages if MODULE_PACKAGE.match(package["name"])), None)
        loaded, flavour = parse_loaded(self._text("proc/driver/nvidia/version"))
        oldest, last = zip(*(BRANCHES[name] for name in generations), strict=True) if generations else ((0,), (0,))
        return {
            "generations": generations,
            "modules": [
                name
                for name, excluded in (("open", BEFORE_OPEN_MODULES), ("proprietary", OPEN_MODULES_ONLY))
                if not excluded & set(generations)
            ],
            "branch_min": max(oldest),
            "branch_max": min((branch for branch in last if branch), default=0),
            "packages": packages,
            "package_version": upstream_version(module["version"]) if module else "",
            "toolkit_packages": parse_packages(status, TOOLKIT_PACKAGE),
            "installed": self._installed_module(release),
            "loaded": {"version": loaded, "flavour": flavour},
        }

    def _installed_module(self, release: str) -> dict[str, str]:
        """Return the module that is installed for a kernel."""
        found = (parse_modinfo(self._run(["modinfo", "-k", release, name])[1]) for name in MODULE_NAMES)
        return next((module for module in found if module["version"]), parse_modinfo(""))

    def amd(self) -> dict[str, Any]:
        """Return the state of AMD's driver: packages, compute interface, architectures, numbers of its two groups."""
        nodes = (self._root / "sys" / "class" / "kfd" / "kfd" / "topology" / "nodes").glob("*/properties")
        numbers = [re.search(r"^gfx_target_version (\d+)$", path.read_text(), re.MULTILINE) for path in sorted(nodes)]
        groups = dict(re.findall(r"^(render|video):[^:]*:(\d+):", self._text("etc/group"), flags=re.MULTILINE))
        return {
            "packages": parse_packages(self._text("var/lib/dpkg/status"), AMD_PACKAGE),
            "loaded": (self._root / "sys" / "module" / "amdgpu").is_dir(),
            "kfd": (self._root / "dev" / "kfd").exists(),
            "architectures": [gfx_name(int(found.group(1))) for found in numbers if found and found.group(1) != "0"],
            "groups": {name: int(number) for name, number in groups.items()},
        }

    def nouveau(self) -> bool:
        """Return whether the kernel's own driver for NVIDIA's GPUs is loaded."""
        return (self._root / "sys" / "module" / "nouveau").is_dir()

    def _text(self, path: str) -> str:
        """Return a file's text; empty where there is none."""
        file = self._root / path
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def gfx_name(target: int) -> str:
    """Return the name of an AMD architecture from the number that the kernel gives it.

    >>> gfx_name(90402), gfx_name(90010), gfx_name(110000)
    ('gfx942', 'gfx90a', 'gfx1100')
    """
    major, minor, stepping = target // 10000, target // 100 % 100, target % 100
    return f"gfx{major}{minor:x}{stepping:x}"
