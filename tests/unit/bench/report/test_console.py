"""Signs of life in logs: enough to see that something goes on, not a line for every step."""

from __future__ import annotations

import io

from rich.console import Console

from bench.report.console import Activity


def test_a_log_gets_a_line_every_ten_seconds() -> None:
    """A step told in between is not written."""
    now = [0.0]
    text = io.StringIO()
    with Activity(Console(file=text), clock=lambda: now[0]) as activity:
        for second in range(25):
            now[0] = second
            activity.tell(f"step {second}")
    assert text.getvalue().splitlines() == ["  step 10", "  step 20"]
