"""How much space there is for a path that may not exist yet."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any


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


def measure(path: Path, enough_bytes: int | None = None) -> dict[str, Any]:
    """Return the measurement of one path, as the module preflight_facts documents it under `spaces`.

    Args:
        path: It may not exist yet.
        enough_bytes: Where so much is free, what the path holds is not counted, which may take long.
    """
    parent = nearest_existing_parent(path)
    file_system = os.statvfs(parent)
    free = file_system.f_bavail * file_system.f_frsize
    return {
        "path": str(path),
        "existing_parent": str(parent),
        "is_directory": stat.S_ISDIR(parent.stat().st_mode),
        "mount_point": str(mount_point_of(parent)),
        "free_bytes": free,
        "used_bytes": 0 if enough_bytes is not None and free >= enough_bytes else allocated_bytes(path),
    }
