#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: how much space there is for a path that may not exist yet."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: free_space
short_description: Measure the space for paths that may not exist yet
description:
  - For every path, find the file system it lies on or would lie on (that of its nearest existing parent),
    and say how much an unprivileged user may still write there and how much the path already holds.
  - Reads only; check mode is no different.
options:
  paths:
    description: Absolute paths to measure.
    type: list
    elements: str
    required: true
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Measure the space for models
  free_space:
    paths: [/srv/alchemorsel/models]
  register: __space
"""

RETURN = r"""
spaces:
  description: One entry a path, in the order given.
  returned: success
  type: list
  elements: dict
  contains:
    path: {description: The path as given., type: str}
    existing_parent: {description: The nearest path that exists; the path itself where it does., type: str}
    is_directory: {description: Whether the existing parent is a directory., type: bool}
    mount_point: {description: Where the file system is mounted., type: str}
    free_bytes: {description: Bytes that an unprivileged user may still write., type: int}
    used_bytes: {description: Bytes allocated below the path on the same file system., type: int}
"""


def nearest_existing_parent(path: Path) -> Path:
    """Return the path itself, or the closest parent of it that exists."""
    for candidate in (path, *path.parents):
        if candidate.exists():
            return candidate
    return Path("/")


def mount_point_of(path: Path) -> Path:
    """Return the mount point of the file system that holds an existing path."""
    resolved = path.resolve()
    for candidate in (resolved, *resolved.parents):
        if candidate.is_mount():
            return candidate
    return Path("/")


def allocated_bytes(path: Path) -> int:
    """Return the bytes allocated below a directory, without crossing into other file systems.

    Hard links count once. Files that vanish while they are counted are left out.
    """
    if not path.is_dir():
        return 0
    device = path.stat().st_dev
    seen: set[int] = set()
    total = 0
    for folder, subfolders, names in os.walk(path):
        for name in [*subfolders, *names]:
            try:
                status = Path(folder, name).lstat()
            except FileNotFoundError:
                continue
            if status.st_dev == device and status.st_ino not in seen:
                seen.add(status.st_ino)
                total += status.st_blocks * 512  # st_blocks counts 512-byte units, whatever the file system's block
        subfolders[:] = [name for name in subfolders if _lies_on(Path(folder, name), device)]
    return total


def _lies_on(folder: Path, device: int) -> bool:
    try:
        return folder.lstat().st_dev == device
    except FileNotFoundError:
        return False


def measure(path: Path) -> dict[str, Any]:
    """Return the measurement of one path, as documented under RETURN."""
    parent = nearest_existing_parent(path)
    file_system = os.statvfs(parent)
    return {
        "path": str(path),
        "existing_parent": str(parent),
        "is_directory": stat.S_ISDIR(parent.stat().st_mode),
        "mount_point": str(mount_point_of(parent)),
        "free_bytes": file_system.f_bavail * file_system.f_frsize,
        "used_bytes": allocated_bytes(path),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"paths": {"type": "list", "elements": "str", "required": True}},
        supports_check_mode=True,
    )
    relative = [path for path in module.params["paths"] if not Path(path).is_absolute()]
    if relative:
        module.fail_json(msg=f"paths must be absolute, these are not: {', '.join(relative)}")
    module.exit_json(changed=False, spaces=[measure(Path(path)) for path in module.params["paths"]])


if __name__ == "__main__":
    main()
