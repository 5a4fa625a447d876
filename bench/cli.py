"""The command line of the harness."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from bench import moved
from bench.capacity import command as capacity
from bench.capacity.curve import load_curve
from bench.command_line import INTERRUPTED, STATUSES, Parser, new_folder, run_program
from bench.compare import command as compare
from bench.compare import in_turns
from bench.compare.against_baseline import AgainstBaseline
from bench.errors import NotComparableError, UsageError
from bench.evidence.annotations import read_annotations
from bench.evidence.ollama import Ollama
from bench.load.plan import WORKLOADS
from bench.load.proxies import warn_of_proxies
from bench.load.target import Target
from bench.measure import make_folder, measure
from bench.report.console import LineObserver, ProgressObserver, print_closing, summary_table
from bench.report.page import render
from bench.results import load_result
from bench.run_folder import PAGE_FILE, read_run, write_file
from bench.sizing import command as sizing
from bench.tls import Trust, add_ca_file
from bench.verdict.slo import DEFAULT_PATH, Profile, load_profile
from bench.verdict.verdicts import worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bench.results import Result

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: The command line without the program's name; None for the real one.

    Returns:
        The exit status.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words and words[0] in moved.COMMANDS:
        return run_program("bench", lambda _console: moved.run(words))
    options = _parser().parse_args(words)
    return run_program("bench", lambda console: _COMMANDS[options.command](options, console))


def _show(options: argparse.Namespace, console: Console) -> int:
    console.print(summary_table(load_result(options.result)))
    return 0


def _report(options: argparse.Namespace, console: Console) -> int:
    result = load_result(options.run)
    folder = options.run if options.run.is_dir() else options.run.parent
    curve = load_curve(options.capacity) if options.capacity else None
    file = options.out or folder / PAGE_FILE
    samples = read_run(folder, result)
    before = AgainstBaseline(options.baseline) if options.baseline else None
    page = render(result, samples, curve, (before.name, before.compare(result, samples)) if before else None)
    write_file(file, page.encode())
    console.print(f"report       {file}", soft_wrap=True, highlight=False)
    if options.hdr:
        from bench.report.hdr import render_hdr  # noqa: PLC0415 - few want it

        write_file(options.hdr, render_hdr(result, samples))
        console.print(f"histograms   {options.hdr}", soft_wrap=True, highlight=False)
    return 0


def _find_capacity(options: argparse.Namespace, console: Console) -> int:
    return capacity.run(options, console, options.out)


def _run(options: argparse.Namespace, console: Console) -> int:
    profile = load_profile(options.profile, options.slo)
    if options.duration is not None:
        profile = _with_duration(profile, options.duration)
    if options.annotations:
        read_annotations(
            options.annotations, datetime.now(UTC), 0.0
        )  # a mistake in it is told before anything is measured
    workloads = _chosen(profile, options)
    before = AgainstBaseline(options.baseline) if options.baseline else None
    if before is not None:
        before.require_same_load(profile, workloads)
    with ExitStack() as stack:
        trust = Trust(options.ca_file)
        target = stack.enter_context(Target(options.target, trust))
        ollama = stack.enter_context(Ollama(options.ollama, trust)) if options.ollama else None
        target.require_ready()
        if ollama is not None:
            ollama.loaded()  # A wrong URL is told before anything is measured.
        folder = make_folder(options.out) if options.out else new_folder("bench")
        console.print(
            Text.assemble(
                (target.url, "bold"), "  profile ", (profile.name, "bold"), f": {profile.description}", overflow="fold"
            ),
            soft_wrap=True,
        )
        warn_of_proxies(console)
        observer: ProgressObserver | LineObserver = (
            ProgressObserver(console) if console.is_terminal else LineObserver(console)
        )
        stack.enter_context(observer)
        result = measure(
            target,
            profile,
            folder,
            observer,
            nvidia_smi=options.nvidia_smi,
            annotations=options.annotations,
            processes=options.processes,
            workloads=workloads,
            ollama=ollama,
        )
    print_closing(console, result, folder)
    if result.interrupted:
        return INTERRUPTED
    return _hold_against(before, result, folder, console) if before else result.verdict.exit_status


def _hold_against(before: AgainstBaseline, result: Result, folder: Path, console: Console) -> int:
    """Put the comparison with a baseline into the page of a run, and print it; the worse verdict is the status."""
    try:
        samples = read_run(folder, result)
        comparison = before.compare(result, samples)
    except NotComparableError as error:
        console.print(f"- not compared with {before.name}: {error}", soft_wrap=True, highlight=False)
        return result.verdict.exit_status or error.exit_status
    write_file(folder / PAGE_FILE, render(result, samples, None, (before.name, comparison)).encode())
    console.print(f"\nCompared with {before.name}:", highlight=False)
    compare.print_comparison(console, comparison)
    return worst([result.verdict, comparison.verdict]).exit_status


def _chosen(profile: Profile, options: argparse.Namespace) -> tuple[str, ...]:
    """Return the workloads to run: those of the profile, or some of them."""
    known, wanted = profile.load.workloads, options.workload
    if missing := [name for name in wanted or () if name not in known]:
        raise UsageError(f"profile {profile.name} has no {missing[0]}; it has {', '.join(known)}")
    if "cold" in (wanted or ()) and not options.ollama:
        raise UsageError("--workload cold unloads models, so it needs --ollama URL")
    return tuple(wanted or known)


def _with_duration(profile: Profile, seconds: float) -> Profile:
    cached = profile.load.cached
    if len(cached.stages) > 1:
        raise UsageError("--duration is for a cached phase of one stage; this profile's has several")
    if seconds <= cached.warmup_seconds:
        raise UsageError(f"--duration {seconds:g}s leaves nothing after the warm-up of {cached.warmup_seconds:g} s")
    longer = replace(cached, stages=(replace(cached.stages[0], seconds=seconds),))
    return replace(profile, load=replace(profile.load, cached=longer))


def _duration(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; expected e.g. 30s or 2m")
    return float(match[1]) * _UNITS[match[2]]


def _workloads(text: str) -> tuple[str, ...]:
    chosen = tuple(name.strip() for name in text.split(","))
    if wrong := [name for name in chosen if name not in WORKLOADS]:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is no workload; expected some of {','.join(WORKLOADS)}")
    return chosen


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m bench", description="Measure a running service, with proof.", epilog=STATUSES)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure a service and hold it to its bounds")
    run.add_argument("--target", required=True, metavar="URL", help="the service, e.g. http://127.0.0.1:3010")
    add_ca_file(run)
    run.add_argument("--profile", default="lab", help="bounds and load (default: lab)")
    run.add_argument("--slo", type=Path, default=DEFAULT_PATH, metavar="FILE", help="bounds (default: bench/slo.yml)")
    run.add_argument("--duration", type=_duration, help="of each cached phase, e.g. 30s (default: the profile's)")
    run.add_argument(
        "--annotations",
        "--marks",
        type=Path,
        metavar="FILE",
        help="events to show on the time line, a line 'TIME WHAT' each (--marks is its former name)",
    )
    run.add_argument(
        "--nvidia-smi",
        metavar="COMMAND",
        help="command that samples the GPUs, such as 'ssh HOST nvidia-smi'; '' disables it",
    )
    run.add_argument("--workload", type=_workloads, metavar="LIST", help=f"comma list of {','.join(WORKLOADS)}")
    run.add_argument(
        "--ollama", metavar="URL", help="URL of the Ollama server behind it, for cold starts, memory and call counts"
    )
    run.add_argument("--baseline", type=Path, metavar="FILE", help="run or baseline to compare with, in the page too")
    run.add_argument("--processes", type=_count, default=1, metavar="N", help="number of load processes (default: 1)")
    for name in moved.COMMANDS:
        commands.add_parser(name, help=moved.describe(name), add_help=False, usage="%(prog)s ...")
    most = commands.add_parser("capacity", help="find the highest rate within the bounds, and the bottleneck")
    capacity.add_arguments(most)
    turns = commands.add_parser("ab", help="measure two services in turns, and compare them by repeated runs")
    in_turns.add_arguments(turns)
    for command in (run, most, turns):
        command.add_argument("--out", type=Path, metavar="DIR", help="folder for the files (default: under reports/)")
    difference = commands.add_parser("compare", help="compare two runs statistically")
    compare.add_compare_arguments(difference)
    baseline = commands.add_parser("baseline", help="keep a run in a small file, to compare later ones with")
    compare.add_baseline_arguments(baseline)
    report = commands.add_parser("report", help="write the report of an earlier run again, also with a capacity curve")
    report.add_argument("run", type=Path, metavar="RUN", help="folder of a run")
    report.add_argument("--capacity", type=Path, metavar="FILE", help="of `bench capacity`: the file or its folder")
    report.add_argument("--baseline", type=Path, metavar="FILE", help="run or baseline that the page compares it with")
    report.add_argument("--hdr", type=Path, metavar="FILE", help="write the latencies as HdrHistogram's log, too")
    report.add_argument("--out", type=Path, metavar="FILE", help="the page (default: report.html of the run)")
    needed = commands.add_parser("sizing", help="calculate how many Ollama hosts a wanted rate takes")
    sizing.add_arguments(needed)
    show = commands.add_parser("show", help="print the table of an earlier run")
    show.add_argument("result", type=Path, metavar="RESULT.json", help="the file, or the folder of a run")
    return parser


_COMMANDS = {
    "run": _run,
    "show": _show,
    "report": _report,
    "compare": compare.run_compare,
    "ab": in_turns.run,
    "baseline": compare.run_baseline,
    "capacity": _find_capacity,
    "sizing": sizing.run,
}
