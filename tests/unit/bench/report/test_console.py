"""Signs of life in logs: enough to see that something goes on, not a line for every step."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.report.console import Activity, LineObserver, ProgressObserver, print_closing
from tests.unit.bench.records import result


def test_a_log_gets_a_line_every_ten_seconds() -> None:
    """A step told in between is not written."""
    now = [0.0]
    text = io.StringIO()
    with Activity(Console(file=text), clock=lambda: now[0]) as activity:
        for second in range(25):
            now[0] = second
            activity.tell(f"step {second}")
    assert text.getvalue().splitlines() == ["  step 10", "  step 20"]


@pytest.mark.parametrize("terminal", [False, True])
def test_names_that_look_like_markup_are_printed_as_they_are(terminal: bool) -> None:
    """A provider called x[/red], a model called [bold]: neither an error nor a style."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=200, markup=False, color_system=None)
    with ProgressObserver(console) if terminal else LineObserver(console) as observer:
        observer.began("warm-up: [bold]m", 1)
        observer.advanced(1)
        observer.ended("miss, x[/red]")
    print_closing(console, result(target="http://[/red]", reasons=["x[/red]"]), Path("[bold]"))
    for name in ("[bold]m", "miss, x[/red]", "- x[/red]", "[bold]/report.html"):
        assert name in text.getvalue()
