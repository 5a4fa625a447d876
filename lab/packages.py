"""Debian packages that the lab itself needs on this machine, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from lab.command import run
from lab.errors import MachineUnfitError

_installing = threading.Lock()  # apt runs once at a time
_QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def ensure_program(program: str, *packages: str, units: tuple[str, ...] = ()) -> None:
    """Install `packages` unless `program` is on the path.

    Args:
        program: name of an executable.
        packages: Debian packages that bring it.
        units: systemd units that these packages start; they are switched off again, because the lab starts its own
            processes and nobody asked for a service that outlives it.

    Raises:
        MachineUnfitError: it is missing, and this is no Debian machine or not root's.
        CommandFailedError: installing failed.
    """
    with _installing:
        if not shutil.which(program):
            _install(program, *packages, units=units)


def _install(program: str, *packages: str, units: tuple[str, ...]) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise MachineUnfitError(f"{program} not found: install {' '.join(packages)}, or run as root on Debian")
    run(["apt-get", "update", "-q"], timeout_s=300, env=_QUIET)
    run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], timeout_s=900, env=_QUIET)
    if units and Path("/run/systemd/system").is_dir():
        run(["systemctl", "disable", "--now", *units], timeout_s=60)
