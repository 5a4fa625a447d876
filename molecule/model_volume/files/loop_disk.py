"""A disk for a test host: a file behind a loop device, under a name by-id, for as long as this program runs.

Loop devices are the kernel's, shared by all hosts of the lab. This one detaches itself once nobody has it open, so it
goes with its host, however that ends.

Usage: loop_disk.py FILE LINK
"""

import contextlib
import fcntl
import os
import signal
import stat
import struct
import sys
from pathlib import Path

LOOP_CONTROL = Path("/dev/loop-control")
LOOP_CONTROL_NUMBER = os.makedev(10, 237)
LOOP_MAJOR = 7
LOOP_CTL_GET_FREE, LOOP_SET_FD, LOOP_SET_STATUS64 = 0x4C82, 0x4C00, 0x4C04  # linux/loop.h
LO_FLAGS_AUTOCLEAR = 4
LOOP_INFO64 = struct.Struct("5Q4I64s64s32s2Q")


def attach(file: Path) -> tuple[int, Path]:
    """Put `file` behind a free loop device; returns the open device and its path."""
    if not LOOP_CONTROL.exists():
        os.mknod(LOOP_CONTROL, stat.S_IFCHR | 0o600, LOOP_CONTROL_NUMBER)
    while True:
        control = os.open(LOOP_CONTROL, os.O_RDWR)
        number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
        os.close(control)
        path = Path(f"/dev/loop{number}")
        if not path.exists():
            os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, number))
        device, backing = os.open(path, os.O_RDWR), os.open(file, os.O_RDWR)
        with contextlib.suppress(OSError):  # another host took the number in between
            fcntl.ioctl(device, LOOP_SET_FD, backing)
            info = LOOP_INFO64.pack(0, 0, 0, 0, 0, 0, 0, 0, LO_FLAGS_AUTOCLEAR, str(file).encode(), b"", b"", 0, 0)
            fcntl.ioctl(device, LOOP_SET_STATUS64, info)
            return device, path
        os.close(device)
        os.close(backing)


def main() -> None:
    """Attach, link, and wait for the end."""
    file, link = Path(sys.argv[1]), Path(sys.argv[2])
    _, path = attach(file)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    signal.pause()


if __name__ == "__main__":
    main()
