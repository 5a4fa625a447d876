"""``python -m tools.perf calibration``: how often verdicts and comparisons are wrong, as a table for the manual."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from bench.atomic_file import write_atomically
from bench.errors import UsageError
from bench.results import Verdict
from tools.perf.calibration.comparisons import BUSY, QUEUE, QUIET, SHARED, called_different
from tools.perf.calibration.simulated import Case, judged

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console

BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
MOST_WRONG = 0.05
SEED = 21

CASES = [
    *(Case(samples, row, 0.05) for samples in (700, 2200) for row in (1, 5, 20)),
    Case(700, 1, 0.0),
    Case(2200, 1, 0.005),
    Case(2200, 5, 0.15),
    Case(2200, 20, 0.2),
]
COMPARISONS = (
    ("single runs, quiet machine", QUIET, 1, 1.0),
    ("single runs behind a queue, stalls in rows of 20", QUEUE, 1, 1.0),
    ("single runs, shared machine (levels differ by 10 %)", SHARED, 1, 1.0),
    ("5 runs each in turns, shared machine", SHARED, 5, 1.0),
    ("5 runs each in turns, busy machine (levels differ by 30 %)", BUSY, 5, 1.0),
    ("NEW 2 times as slow: single runs, shared machine", SHARED, 1, 2.0),
    ("NEW 1.5 times as slow: 5 runs each in turns, shared machine", SHARED, 5, 1.5),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``calibration``."""
    parser.add_argument("--runs", type=int, default=1000, metavar="N", help="simulated runs a row (default: 1000)")
    parser.add_argument("--comparisons", type=int, default=200, metavar="N", help="of equal runs a row (default: 200)")
    parser.add_argument("--write", type=Path, metavar="FILE", help=f"put the table into FILE, after {BEGIN}")


def run(options: argparse.Namespace, console: Console) -> int:
    """Simulate and print; returns 0, or 1 where anything that must be rare is not.

    Raises:
        UsageError: The file cannot be written, or has no place for the table.
    """
    lines, wrong = [], []
    for line, right in chain(_verdicts(options.runs), _comparisons(options.comparisons)):
        console.print(line, soft_wrap=True, highlight=False)
        lines.append(line)
        wrong += [] if right else [line]
    if options.write:
        _write(options.write, "\n".join(lines))
    for line in wrong:
        console.print(f"more than {MOST_WRONG:.0%}: {line}", style="bold red")
    return Verdict.FAIL.exit_status if wrong else 0


def _verdicts(runs: int) -> Iterator[tuple[str, bool]]:
    yield f"{runs} simulated runs a row; bound on p95 in an open loop:", True
    yield "", True
    yield "| Samples | Slow requests in rows of | Truly slow (5 % is the bound) | PASS | FAIL | INCONCLUSIVE |", True
    yield "|---|---|---|---|---|---|", True
    for case in CASES:
        counted = judged(case, runs, SEED)
        shares = {verdict: counted[verdict] / runs for verdict in Verdict}
        at_bound = case.slow == 0.05
        right = not at_bound or max(shares[Verdict.PASS], shares[Verdict.FAIL]) <= _most(runs)
        cells = " | ".join(f"{shares[one]:.1%}" for one in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE))
        yield f"| {case.samples:,} | {case.row} | {case.slow:.1%} | {cells} |", right
    yield "", True


def _comparisons(count: int) -> Iterator[tuple[str, bool]]:
    yield f"{count} simulated comparisons a row, of three scopes at p50 and p95:", True
    yield "", True
    yield "| Compared | Called SLOWER or FASTER |", True
    yield "|---|---|", True
    for name, machine, rounds, factor in COMPARISONS:
        share = called_different(machine, count, SEED, rounds=rounds, factor=factor)
        yield f"| {name} | {share:.1%} |", factor != 1.0 or share <= _most(count)


def _most(count: int) -> float:
    """Return the share of so many that shows more than `MOST_WRONG`, beyond the chance of the simulation itself."""
    return MOST_WRONG + 1.645 * math.sqrt(MOST_WRONG * (1 - MOST_WRONG) / count)


def _write(path: Path, table: str) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        before, found, rest = text.partition(BEGIN)
        _, closed, after = rest.partition(END)
        if not (found and closed):
            raise UsageError(f"{path} has no place for the table: expected lines {BEGIN} and {END}")
        write_atomically(path, f"{before}{BEGIN}\n{table}\n{END}{after}".encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
