"""The file that keeps a measurement's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bench.run_folder import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console


def write_figures(path: Path, report: msgspec.Struct, console: Console) -> None:
    """Write a report as JSON that people can read too, and say where it is; before anything is shown of it.

    Args:
        path: The file; its folder is there.
        report: What was found.
        console: Where to say it.

    Raises:
        StorageError: It cannot be written.
    """
    write_file(path, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    console.print(f"figures  {path}", soft_wrap=True, highlight=False)
