"""What people see and what programs read: tables on a terminal, JSON where asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The option that every command has."""

COLOURS = {"healthy": "green", "running": "green", "closed": "green", "degraded": "yellow", "half-open": "yellow",
           "critical": "red", "open": "red", "stopped": "red", "failed": "red", "PASS": "green", "FAIL": "red",
           "INCONCLUSIVE": "yellow", "INVALID": "red"}  # fmt: skip


def print_json(data: Any, *, on_one_line: bool = False) -> None:
    """Print one JSON document on standard output, and let it out at once."""
    print(json.dumps(data, indent=None if on_one_line else 2, default=str), flush=True)  # noqa: T201 - rich folds lines


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, headed: bool = True) -> None:
    """Print a table with states in their colours; print nothing without rows."""
    shown = Table(*columns, show_header=headed, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(_cell(str(value)) for value in row))
    if shown.row_count:
        console.print(shown)
        console.print()


def _cell(text: str) -> str:
    colour = COLOURS.get(text)
    return f"[{colour}]{text}[/]" if colour else text.replace("[", r"\[")
