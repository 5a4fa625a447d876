"""What a host has of Redis and valkey servers: processes, configuration, data and ports; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str, str]]


def survey(run: Run, root: Path) -> dict[str, Any]:
    """Return what the host has of Redis and valkey servers.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.
    """
    return {}
