"""Environments of programs that tests run: each has its own, pinned and hashed, in the lab's cache."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import environments
from lab.paths import CACHE, ROOT

if TYPE_CHECKING:
    from tests.clients.catalogue import Client

FOLDER = CACHE / "clients"
NODE_SOURCES = Path(__file__).with_name("node")
WEB_SOURCES = ROOT / "tests" / "integration" / "web" / "node"
_PEERS_SOURCES = ROOT / "tools" / "perf" / "peers" / "node"
_NODE = "node"
_FOLDERS = {NODE_SOURCES: "npm", WEB_SOURCES: "npm-web"}
"""In the lab's cache, of the programs of each folder."""


def command(client: Client) -> list[str]:
    """Return the command of a client's program without its argument; the environment is made where it is missing."""
    if client.environment == _NODE:
        return node_command(NODE_SOURCES, client.program)
    module = f"tests.clients.programs.{client.program}"
    if client.environment:
        requirements = ROOT / "requirements" / f"clients-{client.environment}.txt"
        programs = environments.ensure_python(FOLDER / client.environment, requirements)
        return [str(programs / "python"), "-m", module]
    if shutil.which(client.program) is None:
        pytest.skip(f"{client.program} is not on PATH")
    return [sys.executable, "-m", module]


def node_command(sources: Path, program: str) -> list[str]:
    """Return the command of a program for Node.js.

    Args:
        sources: Folder of the program, with a `package-lock.json` of what it needs.
        program: Name of its file, without `.mjs`.
    """
    return [environments.ensure_node(), str(ensure_npm(sources) / f"{program}.mjs")]


def ensure_npm(sources: Path) -> Path:
    """Return a folder with the programs of a folder and the packages that its lock file names."""
    return environments.ensure_npm(FOLDER / _FOLDERS[sources], sources)


def lock() -> None:
    """Rewrite each `package-lock.json` from its `package.json`; it names no registry."""
    for sources in (*_FOLDERS, _PEERS_SOURCES):
        environments.lock_npm(sources)


if __name__ == "__main__":
    lock()
