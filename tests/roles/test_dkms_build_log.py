"""What the role gpu_driver reads from DKMS's log of a build that failed, on folders like DKMS's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.roles.role_script import run_script

if TYPE_CHECKING:
    from pathlib import Path

# As Debian's driver 550 failed against a kernel whose function had one more argument; the command line is shortened.
LOG = f"""\
DKMS make.log for nvidia-current-open-550.163.01 for kernel 6.12.117 (x86_64)
 CONFTEST: dma_fence_set_error
#define NV_DMA_FENCE_SET_ERROR_PRESENT
   gcc {"-Wno-error " * 100}
nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'
make[2]: *** [scripts/Makefile.build:249: nvidia/nv-pci.o] Error 1

# exit code: 2
# elapsed time: 00:03:46
"""


def log(folder: Path, module: str, text: str, *, age: int = 0) -> Path:
    """Write the log of a build that failed some seconds ago."""
    path = folder / module / "550.163.01" / "build" / "make.log"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    return path


def errors(folder: Path) -> list[str]:
    """Return the lines that the script prints."""
    return run_script("gpu_driver", "build_errors.sh", str(folder)).stdout.splitlines()


def test_errors_and_the_end_are_told(tmp_path: Path) -> None:
    """What the compiler says, not what only has the word in a name or an option."""
    path = log(tmp_path, "nvidia-current-open", LOG)
    told = errors(tmp_path)
    assert told[:3] == [
        f"{path} says:",
        "  nvidia/nv-pci.c:237:9: error: too few arguments to function 'pci_resize_resource'",
        "  make[2]: *** [scripts/Makefile.build:249: nvidia/nv-pci.o] Error 1",
    ]
    assert told[-1] == "  # elapsed time: 00:03:46"
    assert max(map(len, told[1:])) <= 202


def test_newest_log_of_the_gpus_modules_is_read(tmp_path: Path) -> None:
    """Neither an older one nor another module's."""
    log(tmp_path, "nvidia-current", "old\n", age=60)
    newer = log(tmp_path, "nvidia-current-open", "new\n", age=30)
    log(tmp_path, "zfs", "another's\n")
    assert errors(tmp_path) == [f"{newer} says:", "  new"]


def test_no_log_is_no_error(tmp_path: Path) -> None:
    """The packages may have failed before anything was built."""
    result = run_script("gpu_driver", "build_errors.sh", str(tmp_path / "none"))
    assert (result.returncode, result.stdout) == (0, "")
