"""docs/reliability.md, from the rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.atomic_file import write_atomically
from lab.faults import watch
from lab.faults.outcome import WINDOWS, Kind
from lab.faults.site import DEADLINE_S
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.faults.row import Row

DOCUMENT = ROOT / "docs" / "reliability.md"


def write_document(rows: Sequence[Row]) -> None:
    """Write the document.

    Args:
        rows: In the order of the table.
    """
    write_atomically(DOCUMENT, render(rows).encode())


def render(rows: Sequence[Row]) -> str:
    """Return the document.

    Args:
        rows: In the order of the table.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown
    )
    environment.filters.update(seen=_seen, milliseconds=_milliseconds, seconds=_seconds, cell=_cell)
    return environment.get_template("reliability.md.j2").render(
        rows=rows,
        windows=WINDOWS,
        watch=watch,
        deadline_s=DEADLINE_S,
        shares=sorted({row.new_share for row in rows if row.counts}),
        dates=sorted({row.started_at[:10] for row in rows}),
    )


def _seen(row: Row) -> str:
    """Return what callers saw from the fault on, most frequent kind first in the order of `Kind`."""
    total = {kind: sum(row.counts.get(window, {}).get(kind, 0) for window in WINDOWS[1:]) for kind in Kind}
    return ", ".join(f"{count} {kind}" for kind, count in total.items() if count)


def _milliseconds(row: Row) -> str:
    values = [row.p99_ms.get(window) for window in WINDOWS]
    return " / ".join("-" if value is None else f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in values)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
