"""``python -m tools.perf peers``: starts everybody, runs the rounds of each load, keeps and prints what they found."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command_line import INTERRUPTED
from bench.report.console import Activity
from bench.report.figures import write_figures
from bench.verdict.verdicts import worst
from lab.packages import ensure_program
from tools.perf.peers.cores import share_two
from tools.perf.peers.field import NAMES
from tools.perf.peers.loads import LOADS, Session
from tools.perf.peers.ranking import Report
from tools.perf.peers.report import FILE, describe_conditions, load_average, print_report
from tools.perf.peers.wrk import Wrk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

CONNECTIONS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the comparison."""
    parser.add_argument("--rounds", type=_at_least(1), default=10, help="how often each is measured (default: 10)")
    parser.add_argument("--seconds", type=_at_least(1), default=4, help="of each measurement (default: 4)")
    parser.add_argument(
        "--loads", type=_some_of(LOADS), default=LOADS, help=f"comma list of {','.join(LOADS)} (default: all)"
    )
    parser.add_argument(
        "--only",
        type=_some_of(NAMES),
        default=NAMES,
        help=f"comma list of {','.join(NAMES)} (default: all); yardsticks always take part",
    )


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Compare; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        folder: Where the report goes.

    Raises:
        BenchError: A process of the run failed.
        LabError: A program could not be installed.
    """
    cores, before = share_two(), load_average()
    ensure_program("wrk", "wrk")
    with ExitStack() as stack, Activity(console) as activity:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alchemorsel-peers-")))
        session = Session(
            work,
            cores,
            Wrk(cores.generator, CONNECTIONS),
            console,
            activity.tell,
            names=options.only,
            rounds=options.rounds,
            seconds=options.seconds,
        )
        try:
            session.measure(options.loads)
        finally:  # What was measured is kept, whatever ended the rest.
            conditions = describe_conditions(cores, CONNECTIONS, before)
            report = Report(conditions, session.interrupted, session.ranking, session.tables)
            if report.ranking or report.tables:
                write_figures(folder / FILE, report, console)
                print_report(console, report)
    verdicts = [ranked.verdict for ranked in report.ranking]
    verdicts += [row.verdict for table in report.tables for row in table.rows]
    return INTERRUPTED if report.interrupted else worst(verdicts).exit_status


def _some_of(names: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        chosen = {name.strip() for name in text.split(",")}
        if not chosen <= set(names):
            raise argparse.ArgumentTypeError(f"{text!r}: expected some of {','.join(names)}")
        return tuple(name for name in names if name in chosen)

    return parse


def _at_least(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from {low} on")
        return int(text)

    return parse
