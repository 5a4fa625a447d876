#!/usr/bin/python
"""Ansible module: look at the block device that is to hold the models, and refuse one that is not safe to use."""

from __future__ import annotations

DOCUMENTATION = r"""
module: model_device
short_description: Inspect the block device for the models, and refuse one that is not safe to use
version_added: 0.1.0
description:
  - Changes nothing. Says whether a file system has to be made on the device, and fails with every reason against it.
  - A device with any signature (file system, partition table, RAID, LVM, encryption) other than a file system with the
    label O(label) holds data. It is refused unless O(format_serial) names it.
options:
  device:
    description: The device by a name that stays the same, such as C(/dev/disk/by-id/...).
    type: path
    required: true
  mountpoint:
    description: Where it is to be mounted.
    type: path
    required: true
  fstype:
    description: File system that it is to have.
    type: str
    choices: [ext4, xfs]
    required: true
  label:
    description: Label of the role's file system.
    type: str
    required: true
  format_serial:
    description: Serial of the device that may be erased. Empty means none may.
    type: str
    default: ""
  min_size_gb:
    description: Least size of the device in GiB.
    type: float
    default: 0
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at the device
  alchemorsel.ai.model_device:
    device: /dev/disk/by-id/nvme-MODEL_SERIAL
    mountpoint: /srv/alchemorsel/models
    fstype: ext4
    label: alch-models
"""

RETURN = r"""
action:
  description: V(none) where our file system is there, V(create) where it is blank, V(erase) where it may be erased.
  returned: success
  type: str
uuid:
  description: UUID of our file system; empty where there is none yet.
  returned: success
  type: str
is_mounted:
  description: Whether it is mounted at O(mountpoint).
  returned: success
  type: bool
signatures:
  description: Types of what is on the device.
  returned: success
  type: list
  elements: str
missing_tools:
  description: Programs that making and growing the file system takes and the host lacks.
  returned: success
  type: list
  elements: str
"""

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    from collections.abc import Iterator

GIB = 1024**3
TIMEOUT_SECONDS = "30"
STABLE_NAME = re.compile(r"/dev/(disk/by-(id|path|partuuid)/|mapper/|(?!disk/|shm/)[\w.-]+/)[^/]+")
TOOLS = {"ext4": ["mkfs.ext4", "resize2fs"], "xfs": ["mkfs.xfs", "xfs_growfs"]}


class System(Protocol):
    """What the module asks of the host."""

    def run(self, *argv: str) -> str:
        """Run a command and return what it printed."""

    def resolve(self, path: str) -> str | None:
        """Return the device file behind a link; None where there is none."""

    def content(self, path: str) -> list[str]:
        """Return the names in a folder; empty where it is not there."""


class Device:
    """What is known of the device.

    Args:
        system: The host.
        path: The device, by the name that was given.
        device: The device file behind it.
    """

    def __init__(self, system: System, path: str, device: str) -> None:
        columns = "NAME,TYPE,SIZE,RO,SERIAL,MOUNTPOINT"
        listed = json.loads(system.run("lsblk", "--json", "--bytes", "--paths", "--output", columns, device))
        self._node: dict[str, Any] = listed["blockdevices"][0]
        found = system.run("wipefs", "--no-act", "--json", device).strip()
        self.signatures: list[dict[str, Any]] = json.loads(found)["signatures"] if found else []
        self.size = int(self._node["size"])
        self.is_read_only = self._node["ro"] in (True, "1", 1)
        self.mountpoint: str | None = self._node.get("mountpoint")
        # Without a serial of the kernel's, the one that the name by-id ends with.
        self.serial = str(self._node.get("serial") or (path.rpartition("/")[2] if "/by-id/" in path else ""))

    def users(self) -> list[str]:
        """Return what lies on the device: partitions, volumes, encrypted devices."""
        return [str(node["name"]) for node in self._descendants(self._node)]

    def file_system(self, label: str) -> dict[str, Any] | None:
        """Return the signature of the file system of this label where it is the only signature."""
        ours = [signature for signature in self.signatures if signature.get("label") == label]
        return ours[0] if ours and len({signature["type"] for signature in self.signatures}) == 1 else None

    def has_serial(self, serial: str) -> bool:
        """Tell whether `serial` names this device, wholly or as the last part of its name by-id."""
        return bool(serial) and (self.serial == serial or self.serial.endswith((f"_{serial}", f"-{serial}")))

    def _descendants(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for child in node.get("children", []):
            yield child
            yield from self._descendants(child)


def examine(system: System, params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what is to be done with the device, and every reason against it.

    Args:
        system: The host.
        params: The module's options.
    """
    path, mountpoint = params["device"], params["mountpoint"]
    if not STABLE_NAME.fullmatch(path):
        return {}, [f"{path} may be another device after the next boot: name it by /dev/disk/by-id/..."]
    device_file = system.resolve(path)
    if device_file is None:
        there = ", ".join(system.content("/dev/disk/by-id")) or "none"
        return {}, [f"{path} is no block device of this host; by-id there are: {there}"]
    device = Device(system, path, device_file)
    file_system = device.file_system(params["label"])
    problems = _unusable(system, device, path, mountpoint, params["min_size_gb"])
    result = {
        "action": "none",
        "uuid": "",
        "is_mounted": device.mountpoint == mountpoint,
        "signatures": [item["type"] for item in device.signatures],
    }
    if file_system is not None:
        result["uuid"] = file_system["uuid"]
        if file_system["type"] != params["fstype"]:
            problems.append(f"{path} has our file system already, as {file_system['type']}, not {params['fstype']}")
    elif not device.signatures:
        result["action"] = "create"
    elif device.has_serial(params["format_serial"]):
        result["action"] = "erase"
    else:
        problems.append(_holds_data(device, path, params))
    return result, problems


def _unusable(system: System, device: Device, path: str, mountpoint: str, min_size_gb: float) -> list[str]:
    problems = []
    if device.size < min_size_gb * GIB:
        problems.append(f"{path} has {device.size / GIB:.1f} GiB, and the models need {min_size_gb:g} GiB")
    if device.is_read_only:
        problems.append(f"{path} is read-only")
    if device.users():
        problems.append(f"{path} is in use by {', '.join(device.users())}: name one of them, or a whole device")
    if device.mountpoint not in (None, mountpoint):
        problems.append(f"{path} is mounted at {device.mountpoint}: unmount it first")
    if device.mountpoint is None and system.content(mountpoint):
        problems.append(f"{mountpoint} holds files that the device would hide: move them away first")
    return problems


def _holds_data(device: Device, path: str, params: dict[str, Any]) -> str:
    kinds = ", ".join(
        f"{item['type']} {item['label']!r}" if item.get("label") else str(item["type"]) for item in device.signatures
    )
    said = params["format_serial"]
    known = f"its serial is {device.serial}" if device.serial else "it has no serial: name it by /dev/disk/by-id/..."
    mismatch = f", and model_volume_format_serial is {said}" if said else ""
    return (
        f"{path} holds data ({kinds}) and is not touched. Only model_volume_format_serial erases it; {known}{mismatch}"
    )


class Host:
    """The host that the module runs on."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def run(self, *argv: str) -> str:
        """Run a command and return what it printed; the module ends where it fails or takes too long."""
        _code, output, _errors = self._module.run_command(
            ["timeout", TIMEOUT_SECONDS, *argv], check_rc=True, environ_update={"LC_ALL": "C"}
        )
        return str(output)

    def resolve(self, path: str) -> str | None:
        """Return the device file behind a link; None where there is none."""
        target = Path(path).resolve()
        return str(target) if target.is_block_device() else None

    def content(self, path: str) -> list[str]:
        """Return the names in a folder; empty where it is not there."""
        return sorted(item.name for item in Path(path).iterdir()) if Path(path).is_dir() else []


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "device": {"type": "path", "required": True},
            "mountpoint": {"type": "path", "required": True},
            "fstype": {"type": "str", "choices": ["ext4", "xfs"], "required": True},
            "label": {"type": "str", "required": True},
            "format_serial": {"type": "str", "default": ""},
            "min_size_gb": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    result, problems = examine(Host(module), module.params)
    if problems:
        module.fail_json(msg="; ".join(problems))
    missing = [tool for tool in TOOLS[module.params["fstype"]] if shutil.which(tool, path="/usr/sbin:/sbin") is None]
    module.exit_json(changed=False, missing_tools=missing, **result)


if __name__ == "__main__":
    main()
