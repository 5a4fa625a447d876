"""A process that is ready and does not run is found by its waiting."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from lab.faults import starvation
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path


def test_waiting_of_the_processes_that_are_meant_is_counted() -> None:
    """By a word of their command lines, all threads together."""
    with subprocess.Popen([sys.executable, "-c", "input()", "starved-in-a-test"], stdin=subprocess.PIPE) as process:
        found = starvation.waits_ns(["starved-in-a-test"])
        process.communicate(b"\n", timeout=20)
    assert list(found) == [str(process.pid)]
    assert found[str(process.pid)] >= 0


def test_lines_have_the_clock_of_the_machine_and_a_share(tmp_path: Path) -> None:
    """One a second, of the program as a host runs it."""
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, starvation.__file__, str(log), "pytest"]) as process:
        try:
            until(lambda: log.exists() and log.read_text().count("\n") >= 1)
        finally:
            process.kill()
    at, share = log.read_text().split()[:2]
    assert float(at) > 0
    assert float(share) >= 0
