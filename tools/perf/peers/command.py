"""``python -m tools.perf peers``: starts everybody, runs the rounds, keeps and prints what they found."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command_line import INTERRUPTED
from bench.report.console import Activity
from bench.report.figures import write_figures
from bench.report.formats import format_ms
from bench.verdict.verdicts import worst
from lab.packages import ensure_program
from tools.perf.peers.candidates import ECHO, NAMES, Candidate, Field
from tools.perf.peers.comparison import compare
from tools.perf.peers.cores import share_two
from tools.perf.peers.ranking import Report, Slot
from tools.perf.peers.report import FILE, describe_conditions, load_average, print_report
from tools.perf.peers.wrk import Wrk

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

CONNECTIONS = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the comparison."""
    parser.add_argument("--rounds", type=_at_least(1), default=10, help="how often each is measured (default: 10)")
    parser.add_argument("--seconds", type=_at_least(1), default=4, help="of each measurement (default: 4)")
    parser.add_argument("--only", type=_names, default=NAMES, help=f"comma list of {','.join(NAMES)} (default: all)")


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
    wrk = Wrk(cores.generator, CONNECTIONS)
    slots_wanted = options.rounds * len(options.only)
    with ExitStack() as stack, Activity(console) as activity:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alchemorsel-peers-")))
        field = Field(stack, work, cores, wrk, activity.tell)
        candidates = [_enter(field, name, console) for name in options.only]
        done = 0

        def tell(candidate: Candidate, slot: Slot) -> None:
            nonlocal done
            done += 1
            activity.tell(f"{done} of {slots_wanted} measurements")
            console.print(_line(done, slots_wanted, candidate, slot), soft_wrap=True, highlight=False)

        ranking = compare(candidates, wrk, rounds=options.rounds, seconds=options.seconds, warmup_seconds=1, done=tell)
    interrupted = done < slots_wanted
    report = Report(describe_conditions(cores, CONNECTIONS, before), interrupted, ranking)
    write_figures(folder / FILE, report, console)
    print_report(console, report)
    return INTERRUPTED if interrupted else worst(ranked.verdict for ranked in ranking).exit_status


def _enter(field: Field, name: str, console: Console) -> Candidate:
    field.tell(f"starting: {name}")
    candidate = field.enter(name)
    console.print(f"[green]✓[/] {candidate.title}: {candidate.answer_bytes} bytes an answer", highlight=False)
    return candidate


def _line(done: int, wanted: int, candidate: Candidate, slot: Slot) -> str:
    figures = slot.figures
    text = f"{done:>3}/{wanted} {candidate.title:<15} {figures.rate:>8,.0f}/s  p99 {format_ms(figures.p99_us / 1000)}"
    return f"{text}  [red]{slot.problem}[/]" if slot.problem else text


def _names(text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not set(chosen) <= set(NAMES) or ECHO not in chosen:
        raise argparse.ArgumentTypeError(f"{text!r}: expected some of {','.join(NAMES)}, {ECHO} among them")
    return tuple(name for name in NAMES if name in chosen)


def _at_least(low: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from {low} on")
        return int(text)

    return parse
