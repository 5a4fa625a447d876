"""The role gpu_driver rebuilds an initramfs that a killed play left behind its blacklist."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.roles.ansible_module import ROLES

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = ROLES / "gpu_driver" / "files" / "initramfs_age.sh"


def said_of(file: Path, folder: Path) -> str:
    """Run the script."""
    argv = ["sh", "-s", str(file), str(folder)]
    done = subprocess.run(argv, input=SCRIPT.read_text(), capture_output=True, text=True, timeout=10, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("images", "said"), [({}, ""), ({"a": 1}, "older\n"), ({"a": 1, "b": 3}, ""), ({"a": 1, "b": 2}, "older\n")]
)
def test_initramfs_that_was_built_before_the_blacklist_is_older(
    tmp_path: Path, images: dict[str, int], said: str
) -> None:
    """Of several the newest counts, which is the one that is rebuilt; a host without any has nothing to rebuild."""
    blacklist = tmp_path / "blacklist.conf"
    ages = {blacklist: 2, **{tmp_path / f"initrd.img-{name}": written for name, written in images.items()}}
    for path, written in ages.items():
        path.touch()
        os.utime(path, (written, written))
    assert said_of(blacklist, tmp_path) == said


def test_host_without_the_blacklist_is_left_alone(tmp_path: Path) -> None:
    """As in check mode, before it is written."""
    (tmp_path / "initrd.img-a").touch()
    assert said_of(tmp_path / "nothing", tmp_path) == ""
