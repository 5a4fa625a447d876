"""The comparison on real processes: the echo, and our service behind its edge, very short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from bench.results import Verdict
from tools.perf.__main__ import main
from tools.perf.peers.ranking import Report
from tools.perf.peers.report import FILE, print_report

if TYPE_CHECKING:
    from pathlib import Path


def test_rounds_are_measured_kept_and_shown(tmp_path: Path) -> None:
    """One command starts all, measures them in turns, and leaves the figures; only the speed is left open here."""
    only = "edge,instance,echo"
    status = main(["peers", "--only", only, "--rounds", "2", "--seconds", "1", "--out", str(tmp_path)])

    report = msgspec.json.decode((tmp_path / FILE).read_bytes(), type=Report)
    assert [ranked.name for ranked in report.ranking] == ["echo", "instance", "edge"]
    echo, instance, edge = report.ranking
    assert (echo.ratio, len(edge.bounds)) == (1.0, 2)
    assert status == edge.verdict.exit_status
    assert Verdict.INVALID not in {instance.verdict, edge.verdict}, instance.notes + edge.notes
    assert abs(edge.answer_bytes - echo.answer_bytes) < 100
    for ranked in report.ranking:
        assert len(ranked.slots) == 2
        assert all(slot.figures.requests and slot.cpu_us_per_request > 0 for slot in ranked.slots)
    assert not report.interrupted

    console = Console(width=100, record=True)
    print_report(console, report)
    assert "edge, 2 instances" in console.export_text()
