"""How long Python takes to import the service, in turns with Python that imports nothing."""

from __future__ import annotations

import sys
import time

from bench.verdict.bootstrap import median_interval, ratio_interval
from lab.command import run
from lab.paths import ROOT
from tools.perf.budgets.finding import Finding, judge
from tools.perf.peers.wrk import children_cpu_seconds

LIMIT_S = 0.6
ROUNDS = 15
_DEADLINE_S = 30.0
_SERVICE = "import ai_service.__main__, ai_service.process.server"
"""The program, and what it imports only once it serves: all that a start waits for."""


def measure(rounds: int = ROUNDS) -> Finding:
    """Measure whole processes, from their start to their end, in rounds of one each.

    Args:
        rounds: How many.

    Raises:
        CommandFailedError: The service cannot be imported.
    """
    _seconds(_SERVICE)  # Compiles to byte code, and brings the files into memory.
    bare, importing, cpu_s = [], [], children_cpu_seconds()
    for _ in range(rounds):
        bare.append(_seconds("pass"))
        importing.append(_seconds(_SERVICE))
    cpu_s = (children_cpu_seconds() - cpu_s) / rounds
    ratio = ratio_interval(importing, bare)
    how = (
        f"whole process, {rounds} rounds; python -c pass took {median_interval(bare).median:.3f} s: "
        f"ratio {ratio.median:.1f} ({ratio.low:.1f}-{ratio.high:.1f}); CPU time of both {cpu_s:.2f} s"
    )
    return judge("import of the service", "s", LIMIT_S, median_interval(importing), how=how)


def _seconds(code: str) -> float:
    started = time.perf_counter()
    run([sys.executable, "-c", code], timeout_s=_DEADLINE_S, cwd=ROOT)
    return time.perf_counter() - started
