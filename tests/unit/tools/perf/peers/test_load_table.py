"""The table of a load: medians with intervals, no bounds, nothing from trials that prove nothing."""

from __future__ import annotations

from rich.console import Console

from bench.results import Verdict
from tools.perf.peers.load_table import LoadTable, Trial, tabulate
from tools.perf.peers.ranking import Report
from tools.perf.peers.report import print_report

_TITLES = [("edge", "the edge"), ("nginx", "nginx")]


def _table(*rounds: list[Trial]) -> LoadTable:
    return tabulate("herd", "100 at once", _TITLES, rounds)


def test_each_figure_is_the_median_of_its_rounds_with_its_interval() -> None:
    """By participant and heading."""
    table = _table(*([Trial({"ms": each}), Trial({"ms": 10 * each})] for each in (1.0, 2.0, 9.0)))
    edge, nginx = (row.figures["ms"] for row in table.rows)
    assert (edge.median, edge.low, edge.high) == (2.0, 1.0, 9.0)
    assert nginx.median == 20.0
    assert table.rounds == 3


def test_a_trial_that_proves_nothing_makes_its_row_invalid() -> None:
    """And no other row."""
    table = _table([Trial({"ms": 1.0}, problem="lost"), Trial({"ms": 1.0})])
    assert [row.verdict for row in table.rows] == [Verdict.INVALID, Verdict.PASS]
    assert table.rows[0].notes == ["lost"]


def test_remarks_and_figures_are_shown() -> None:
    """With the number of measurements that had a remark."""
    rounds = [[Trial({"ms": 1.5}), Trial({"ms": each}, "half of it was not sent")] for each in (1.0, 3.0)]
    console = Console(width=100, record=True)
    print_report(console, Report({}, interrupted=True, ranking=[], tables=[_table(*rounds)]))
    shown = console.export_text()
    assert "1.0-3.0" in shown
    assert "nginx: in 2 of 2 measurements, such as the first: half of it was not sent" in shown
    assert "interrupted" in shown
