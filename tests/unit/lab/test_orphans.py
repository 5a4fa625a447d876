"""What an engine that was killed leaves running is ended; what belongs to another engine is not."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHIM = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('up', flush=True); sys.stdin.read()"


def _start_shim(socket: Path) -> subprocess.Popen[str]:
    """Start a stand-in for a shim of the containerd at this socket, with one child."""
    shim = subprocess.Popen(
        ["containerd-shim-stand-in", "-c", _SHIM, "-address", str(socket)],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shim.stdout is not None
    assert shim.stdout.readline() == "up\n"
    return shim


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a shim of the lab's engine."""
    with _start_shim(tmp_path / "lab.sock") as shim:
        yield shim
        shim.kill()


@pytest.fixture
def others(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a shim of another engine on the machine."""
    with _start_shim(tmp_path / "other.sock") as shim:
        yield shim
        shim.kill()


def test_only_the_labs_own_shims_are_found(
    tmp_path: Path, ours: subprocess.Popen[str], others: subprocess.Popen[str]
) -> None:
    """The socket tells them apart."""
    assert orphans.shims(tmp_path / "lab.sock") == [ours.pid]
    assert orphans.shims(tmp_path / "other.sock") == [others.pid]


def test_shim_and_container_are_ended_and_others_go_on(
    tmp_path: Path, ours: subprocess.Popen[str], others: subprocess.Popen[str]
) -> None:
    """Both the shim and its child are gone; the other engine's shim runs."""
    child = int(Path(f"/proc/{ours.pid}/task/{ours.pid}/children").read_text())
    orphans.end(tmp_path / "lab.sock")
    assert ours.wait(timeout=10) == -signal.SIGKILL
    assert not _is_alive(child)
    assert others.poll() is None


def _is_alive(pid: int) -> bool:
    """Whether a process still runs something; a zombie has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def test_nothing_to_end_is_no_error(tmp_path: Path) -> None:
    """An ordinary start has no orphans."""
    orphans.end(tmp_path / "nobody.sock")
    assert orphans.shims(tmp_path / "nobody.sock") == []
