"""The programs of a lab host as it runs them: their modules alone, by a Python without packages."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from lab.faults import programs
from lab.ports import free_port, listens
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def running(folder: Path, module: str, *arguments: str) -> Iterator[httpx.Client]:
    """Run a module that serves, and return a client of it.

    Args:
        folder: Empty; gets the modules.
        module: Its name.
        arguments: Of its command line, after the port.
    """
    for path, content in programs.files():
        file = folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (home,) = folder.glob("usr/local/lib/*")
    port = free_port()
    argv = [sys.executable, "-S", "-m", module, str(port), *arguments]
    process = subprocess.Popen(argv, cwd=home, stdout=subprocess.DEVNULL)
    try:
        until(listens(port))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        process.kill()
        process.wait()
