"""What this machine must have before anything is built: told within a second, all at once, with what to do.

Runs before the virtual environment exists (`python3 -m lab.preconditions`), so it uses the standard library only and
the syntax of Python 3.8.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

PYTHON = (3, 11)
DISK_GB = 12
MEMORY_GB = 6
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Machine:
    """What the check looks at.

    Attributes:
        system: kernel name, as `uname -s` prints it.
        architecture: as `uname -m` prints it.
        python: version of the Python that runs this.
        is_root: whether the user is root.
        free_gb: free disk where the checkout lies, in gigabytes.
        memory_gb: memory in gigabytes.
        has_apt: whether Debian's package tools are there.
    """

    system: str
    architecture: str
    python: tuple[int, int]
    is_root: bool
    free_gb: float
    memory_gb: float
    has_apt: bool

    @classmethod
    def here(cls) -> Machine:
        """Describe this machine."""
        return cls(
            system=platform.system(),
            architecture=platform.machine(),
            python=sys.version_info[:2],
            is_root=os.geteuid() == 0,
            free_gb=shutil.disk_usage(_ROOT).free / 1e9,
            memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
            has_apt=shutil.which("apt-get") is not None,
        )


def problems(machine: Machine) -> list[str]:
    """Everything that stands in the way, each with its remedy; empty where the lab can run."""
    found = []
    if (machine.system, machine.architecture) != ("Linux", "x86_64"):
        found.append(
            f"{machine.system} {machine.architecture}: the lab runs on Linux x86_64. Use a virtual machine with Debian"
            " 12 (2 CPUs, 8 GB memory), or provision hosts of your own: inventories/dev"
        )
    if machine.python < PYTHON:
        found.append(
            f"Python {machine.python[0]}.{machine.python[1]}: {PYTHON[0]}.{PYTHON[1]} or later is needed. Debian 12's"
            " python3 will do; another one is named by `make PYTHON=python3.12 demo`"
        )
    if not machine.is_root:
        found.append("not root: the lab starts containers with systemd inside. Run it again with sudo")
    if machine.free_gb < DISK_GB:
        found.append(f"{machine.free_gb:.1f} GB disk free: {DISK_GB} GB are needed. Free some or use a larger disk")
    if machine.memory_gb < MEMORY_GB:
        found.append(f"{machine.memory_gb:.1f} GB memory: {MEMORY_GB} GB are needed; Ollama alone may take 4 GB")
    if not machine.has_apt:
        found.append("apt-get not found: the lab builds its hosts with Debian's tools. Use a Debian machine")
    return found


def main() -> int:
    """Print the problems; exit status 0 where there are none."""
    found = problems(Machine.here())
    for problem in found:
        print(f"✗ {problem}", file=sys.stderr)  # noqa: T201 - runs before any library is installed
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
