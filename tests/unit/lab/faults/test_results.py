"""A row leaves the benchmark's own files, and its page shows the fault on the time line."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from bench.load.plan import OpenLoop, Phase
from bench.results import load_result
from bench.run_folder import RunFolder, read_run
from lab.faults.fault import Bound, Fault
from lab.faults.results import write_report
from lab.faults.row import judge
from lab.faults.watch import Notice, Watched
from tests.unit.lab.faults.examples import MOMENTS, account, calm, refused

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = [*calm(1, 9), *calm(10, 20), *calm(20, 40), refused(13)]


def test_page_shows_when_the_fault_began_was_noticed_and_ended(tmp_path: Path) -> None:
    """Seconds of the run, which began with the generator; beside the bounds that decided."""
    fault = Fault("redis-lame", "Redis", "lame", lambda _site: nullcontext(), Bound(recovers_s=10))
    phase = Phase("mixed", "ingredients", OpenLoop.steady(len(SAMPLES), 1, 0), seed="s")
    watched = Watched(phase, SAMPLES, account(SAMPLES), MOMENTS, began_s=2.5)
    row = judge(fault, watched, "2026-12-01T10:00:00+00:00", Notice(0.5, "Redis does not answer"))
    write_report(RunFolder(tmp_path), "https://site:3010", fault, row, watched)
    result = load_result(tmp_path)
    assert [(each.at_s, each.what) for each in result.annotations] == [
        (12.5, "Redis: lame"),
        (13.0, "noticed: Redis does not answer"),
        (22.5, "healed"),
        (22.51, "as before"),
    ]
    assert (result.verdict, [bound.value for bound in result.thresholds]) == ("FAIL", [1, 10.0])
    assert read_run(tmp_path, result) == SAMPLES
    page = (tmp_path / "report.html").read_text()
    assert "Time line" in page
    assert "12.5 s: Redis: lame" in page
