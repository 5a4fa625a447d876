"""``python -m bench ab``: two services measured in turns, so that what the machine does meanwhile hits both alike."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command_line import INTERRUPTED, new_folder
from bench.compare.baseline import load_baseline
from bench.compare.command import add_judgement, print_comparison
from bench.compare.defaults import FEWEST_RUNS
from bench.errors import NotComparableError, UsageError
from bench.load.proxies import warn_of_proxies
from bench.load.target import Target
from bench.measure import make_folder, measure
from bench.report.console import LineObserver
from bench.run_folder import PAGE_FILE, write_file
from bench.tls import Trust, add_ca_file
from bench.verdict.slo import DEFAULT_PATH, load_profile

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from bench.compare.baseline import Baseline

ROUNDS = 5
SIDES = ("old", "new")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``ab``."""
    parser.add_argument("--old", required=True, metavar="URL", help="the service to compare with")
    parser.add_argument("--new", required=True, metavar="URL", help="the service in question; the same for a self-test")
    add_ca_file(parser)
    parser.add_argument("--profile", default="lab", help="load (default: lab)")
    parser.add_argument("--slo", type=Path, default=DEFAULT_PATH, metavar="FILE", help="default: bench/slo.yml")
    parser.add_argument("--workload", default="cached", metavar="LIST", help="comma list (default: cached)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"runs of each (default: {ROUNDS})")
    add_judgement(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    """Measure both in turns, OLD first in odd rounds and NEW first in even ones; returns the exit status.

    Raises:
        BenchError: A run failed, or proves nothing.
    """
    # SciPy takes a second to import, and other commands need none of it.
    from bench.compare.comparison import compare_groups  # noqa: PLC0415
    from bench.report.turns import Turns, render_turns  # noqa: PLC0415

    profile, workloads = load_profile(options.profile, options.slo), tuple(options.workload.split(","))
    if missing := [name for name in workloads if name not in profile.load.workloads or name == "cold"]:
        raise UsageError(f"{missing[0]!r} is no workload of profile {profile.name} that can be measured in turns")
    if options.rounds < FEWEST_RUNS:
        raise UsageError(f"--rounds is at least {FEWEST_RUNS}: fewer tell nothing about how much runs differ")
    trust, started_at = Trust(options.ca_file), datetime.now(UTC)
    runs: dict[str, list[Baseline]] = {side: [] for side in SIDES}
    with Target(options.old, trust) as old, Target(options.new, trust) as new:
        targets = dict(zip(SIDES, (old, new), strict=True))
        for target in targets.values():
            target.require_ready()
        folder = make_folder(options.out) if options.out else new_folder("ab")
        warn_of_proxies(console)
        for number in range(1, options.rounds + 1):
            for side in SIDES if number % 2 else reversed(SIDES):
                console.print(f"round {number} of {options.rounds}: {side}", highlight=False)
                place = make_folder(folder / f"{side}-{number}")
                with LineObserver(console) as observer:
                    result = measure(targets[side], profile, place, observer, nvidia_smi="", workloads=workloads)
                if result.interrupted:
                    console.print(f"interrupted in round {number}; the runs before it are in {folder}", soft_wrap=True)
                    return INTERRUPTED
                runs[side].append(_condense(place, f"round {number}, {side}"))
    comparison = compare_groups(runs["old"], runs["new"], options.least_change, options.max_ratio, paired=True)
    turns = Turns(
        old=old.url,
        new=new.url,
        profile=profile.name,
        workloads=workloads,
        started_at=started_at.isoformat(timespec="seconds"),
        least_change=options.least_change,
        max_ratio=options.max_ratio,
        comparison=comparison,
        folders=[(f"old-{number}", f"new-{number}") for number in range(1, options.rounds + 1)],
    )
    write_file(folder / PAGE_FILE, render_turns(turns).encode())
    print_comparison(console, comparison, max_ratio=options.max_ratio, least_change=options.least_change)
    console.print(f"\nreport  {folder / PAGE_FILE}", soft_wrap=True, highlight=False)
    console.print(f"runs    {folder}", soft_wrap=True, highlight=False)
    return comparison.verdict.exit_status


def _condense(folder: Path, name: str) -> Baseline:
    """Return what is compared of a run; one that proves nothing ends the comparison at once, not after all others."""
    try:
        return load_baseline(folder)
    except NotComparableError as error:
        raise NotComparableError(f"{name}: {error}; its page is {folder / PAGE_FILE}") from error
