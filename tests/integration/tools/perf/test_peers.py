"""The comparison on real processes: the echo, and our service behind its edge, very short."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from bench.command_line import INTERRUPTED
from bench.results import Verdict
from lab.paths import ROOT
from tools.perf.__main__ import main
from tools.perf.budgets.herd import PEOPLE
from tools.perf.peers.ranking import Report
from tools.perf.peers.report import FILE, print_report

if TYPE_CHECKING:
    from pathlib import Path


def test_rounds_are_measured_kept_and_shown(tmp_path: Path) -> None:
    """One command starts all, measures them in turns, and leaves the figures; only the speed is left open here."""
    only = "edge,instance,echo"
    status = main(["peers", "--loads", "hits", "--only", only, "--rounds", "2", "--seconds", "1", *_out(tmp_path)])

    report = _read(tmp_path)
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


def test_an_interrupted_run_keeps_the_rounds_that_are_whole(tmp_path: Path) -> None:
    """And measures no further load."""
    command = [sys.executable, "-m", "tools.perf", "peers", "--loads", "hits,steady", "--only", "nginx"]
    with subprocess.Popen(
        [*command, "--rounds", "50", "--seconds", "1", *_out(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        next(line for line in program.stdout if line.lstrip().startswith("3 hits"))
        program.send_signal(signal.SIGINT)
        program.stdout.read()
    report = _read(tmp_path)
    assert (program.returncode, report.interrupted, report.tables) == (INTERRUPTED, True, [])
    assert [len(ranked.slots) for ranked in report.ranking] == [1, 1]


def test_hits_at_a_steady_rate_come_from_the_cache(tmp_path: Path) -> None:
    """Of the edge and the yardstick; a machine that is too busy for the generator makes them INVALID, and says so."""
    status = main(["peers", "--loads", "steady", "--only", "edge", "--rounds", "1", "--seconds", "1", *_out(tmp_path)])

    report = _read(tmp_path)
    assert report.ranking == []
    (table,) = report.tables
    assert [row.name for row in table.rows] == ["echo", "edge"]
    for row in table.rows:
        assert list(row.figures) == ["answered %", "p50 ms", "p95 ms", "p99 ms"]
        assert all("generator was late" in trial.problem for trial in row.trials if trial.problem), row.notes
    assert status == max(row.verdict.exit_status for row in table.rows)


def test_new_questions_are_asked_of_everybody_that_has_no_answer_yet(tmp_path: Path) -> None:
    """Misses reach the stand-in, each; of a herd one call does for a cache, and a gateway without one passes all on."""
    loads = ["--loads", "misses,herd", "--only", "edge,nginx,portkey"]
    main(["peers", *loads, "--rounds", "1", "--seconds", "1", *_out(tmp_path)])

    misses, herd = _read(tmp_path).tables
    assert [row.name for row in misses.rows] == ["direct", "edge", "nginx", "portkey"]
    assert [row.name for row in herd.rows] == ["edge", "nginx", "portkey"]
    assert {row.verdict for row in (*misses.rows, *herd.rows)} == {Verdict.PASS}, [row.notes for row in misses.rows]
    assert all(row.figures["p99 ms"].median >= 200 for row in misses.rows)
    assert herd.rows[1].figures["calls"].median == 1
    assert herd.rows[2].figures["calls"].median == PEOPLE


def _out(folder: Path) -> list[str]:
    return ["--out", str(folder)]


def _read(folder: Path) -> Report:
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Report)
