"""What this machine must have before anything is built: told within a second, all at once, with what to do.

Runs before the virtual environment exists (`python3 -m lab.preconditions`), so it uses the standard library only and
the syntax of Python 3.8.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

PYTHON = (3, 11)
DISK_GB = 12
MEMORY_GB = 6
_ROOT = Path(__file__).resolve().parent.parent


def problems() -> list[str]:
    """Everything that stands in the way, each with its remedy; empty where the lab can run."""
    found = []
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        found.append(
            f"{platform.system()} {platform.machine()}: the lab runs on Linux x86_64. Use a virtual machine with Debian"
            " 12 (2 CPUs, 8 GB memory), or point the playbooks at your own hosts: inventories/dev"
        )
    if sys.version_info < PYTHON:
        found.append(
            f"Python {platform.python_version()} at {sys.executable}: {PYTHON[0]}.{PYTHON[1]} or later is needed."
            " Debian 12's python3 will do; another one is named by `make PYTHON=python3.12 ...`"
        )
    if platform.system() == "Linux":
        found += _linux_problems()
    return found


def _linux_problems() -> list[str]:
    found = []
    if os.geteuid() != 0:
        found.append("not root: the lab starts containers with systemd inside. Run it again with sudo")
    free_gb = shutil.disk_usage(_ROOT).free / 1e9
    if free_gb < DISK_GB:
        found.append(f"{free_gb:.1f} GB free at {_ROOT}: {DISK_GB} GB are needed. Free some or use a larger disk")
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory_gb < MEMORY_GB:
        found.append(f"{memory_gb:.1f} GB memory: {MEMORY_GB} GB are needed (Ollama's limit in the lab is 4 GB)")
    if shutil.which("apt-get") is None:
        found.append("apt-get not found: the lab builds its hosts with Debian's tools. Use a Debian machine")
    return found


def main() -> int:
    """Print the problems; exit status 0 where there are none."""
    found = problems()
    for problem in found:
        print(f"✗ {problem}", file=sys.stderr)  # noqa: T201 - runs before any library is installed
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
