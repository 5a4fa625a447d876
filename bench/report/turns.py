"""The page of two services measured in turns: every scope's runs side by side, what became of it, how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.compare.comparison import Change
from bench.report.formats import format_ms
from bench.report.svg import Drawing
from bench.report.templates import as_markup, fill
from bench.results import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.compare.comparison import Comparison, Row

WIDTH, HEIGHT = 340.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 14.0, 326.0, 26.0, 120.0
_HEADLINES = {
    Verdict.PASS: "No gated scope is slower, and no more requests fail.",
    Verdict.FAIL: "The new one is worse.",
    Verdict.INCONCLUSIVE: "The runs do not decide.",
}
_BADGES = {Change.SLOWER: "fail", Change.FASTER: "pass", Change.SAME: "pass", Change.UNDECIDED: "inconclusive"}


@dataclass(frozen=True, slots=True)
class Turns:
    """Runs that were made in turns.

    Attributes:
        old: URL of the service to compare with.
        new: URL of the service in question.
        profile: Of the load.
        workloads: That were run.
        started_at: UTC, ISO 8601.
        least_change: Smallest change that matters, as a share.
        max_ratio: Largest NEW / OLD that gated scopes may show; None without one.
        comparison: Of all runs.
        folders: Name of the folder of each round's old and new run, beside the page.
    """

    old: str
    new: str
    profile: str
    workloads: Sequence[str]
    started_at: str
    least_change: float
    max_ratio: float | None
    comparison: Comparison
    folders: Sequence[tuple[str, str]]


def render_turns(turns: Turns) -> str:
    """Return the page as one HTML document, which refers to the runs' own pages and to nothing else."""
    kept = turns.max_ratio is not None and turns.comparison.verdict is Verdict.PASS
    return fill(
        "turns.html.j2",
        turns=turns,
        comparison=turns.comparison,
        comparison_name="the old service",
        sides=("old", "new"),
        headline="The ratio is kept in every gated scope." if kept else _HEADLINES[turns.comparison.verdict],
        cards=[(row, _BADGES[row.change], as_markup(draw_rounds(row))) for row in turns.comparison.rows],
        generated=f"{turns.started_at[:10]} {turns.started_at[11:16]} UTC",
    )


def draw_rounds(row: Row) -> Drawing:
    """Draw the figure of each run, old and new, in the order of the rounds.

    Args:
        row: One percentile of one scope.
    """
    drawing = Drawing(WIDTH, HEIGHT, f"{row.scope} {row.percentile} of each round, old and new")
    most = max(*row.old_runs, *row.new_runs) or 1.0
    rounds = max(len(row.old_runs), len(row.new_runs))
    for value, y in ((most, _TOP), (0.0, _BOTTOM)):
        drawing.line(_LEFT, y, _RIGHT, y, "grid")
        drawing.text(_LEFT, y - 4, format_ms(value) if value else "0", "tick")
    step = (_RIGHT - _LEFT) / rounds
    for css, values in (("old", row.old_runs), ("new", row.new_runs)):
        places = [
            (_LEFT + step * (number + 0.5), _BOTTOM - value / most * (_BOTTOM - _TOP))
            for number, value in enumerate(values)
        ]
        drawing.polyline(places, f"curve {css}")
        for x, y in places:
            drawing.dot(x, y, 3.5, css)
    for number in range(rounds):
        drawing.text(_LEFT + step * (number + 0.5), _BOTTOM + 16, f"round {number + 1}", "tick", "middle")
    return drawing
