"""``python -m bench capacity --target URL``: the highest rate within the SLO, for each hit ratio."""

from __future__ import annotations

import argparse
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.capacity.curve import (
    FAILURES,
    FILE,
    GENERATOR,
    OTHERS,
    Curve,
    Point,
    Step,
    describe_point,
    summarize_unproven,
)
from bench.capacity.search import RESOLUTION, Limits, search
from bench.capacity.trial import Bounds, Trials
from bench.capacity.usage import is_filled_by_others, is_generators_limit, saturated
from bench.command_line import INTERRUPTED, new_folder
from bench.errors import BenchError, RefusedError, TargetError, UsageError
from bench.evidence.environment import describe_machine
from bench.load.credentials import explain_key
from bench.load.generator import Generator
from bench.load.plan import KNOWN
from bench.load.proxies import warn_of_proxies
from bench.load.target import Target
from bench.load.workload import TASKS
from bench.measure import make_folder
from bench.report.console import STYLES, Activity
from bench.report.figures import write_figures
from bench.results import Verdict
from bench.run_folder import storage_error
from bench.tls import Trust, add_ca_file
from bench.verdict.slo import DEFAULT_PATH, Profile, load_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

STEPS = 14
"""The most rates that are tried for a hit ratio: from 50 to 4,000 by doubling, and the gap halved to 15 %, take 10."""

LEAST = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--target", required=True, metavar="URL", help="the service, e.g. http://127.0.0.1:3010")
    add_ca_file(parser)
    parser.add_argument("--profile", default="lab", help="whose gated bounds have to be kept (default: lab)")
    parser.add_argument(
        "--slo", type=Path, default=DEFAULT_PATH, metavar="FILE", help="bounds (default: bench/slo.yml)"
    )
    parser.add_argument("--task", choices=tuple(TASKS), default="ingredients", help="default: ingredients")
    parser.add_argument(
        "--hit-ratios", type=_ratios, default=(1.0, 0.99, 0.9), metavar="LIST", help="default: 1,0.99,0.9"
    )
    parser.add_argument("--start", type=_above_0, default=50.0, metavar="RATE", help="first rate (default: 50/s)")
    parser.add_argument("--most", type=_above_0, default=4000.0, metavar="RATE", help="highest rate (default: 4,000/s)")
    parser.add_argument("--seconds", type=_above_0, default=5.0, help="of each trial (default: 5)")
    parser.add_argument("--minutes", type=_above_0, default=10.0, help="no trial begins after this (default: 10)")
    parser.add_argument("--slots", type=int, default=1, help="OLLAMA_NUM_PARALLEL, for Ollama's share (default: 1)")


def run(options: argparse.Namespace, console: Console, out: Path | None) -> int:
    """Search; returns the exit status.

    It is 0, 1 where no rate keeps the bounds, 2 without a rate tried, 3 where one is not proven, 130 where interrupted.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        out: Where the curve goes; None for a folder of its own. It is made once the service answers.

    Raises:
        BenchError: The service does not answer, refuses the key, or the generator failed; the hit ratios before it are
            kept.
    """
    if options.slots < 1 or options.most < options.start:
        raise UsageError("--slots is at least 1, and --most is not below --start")
    profile = load_profile(options.profile, options.slo)
    bounds = bounds_of(profile, options.task)
    started_at, began = datetime.now(UTC), time.monotonic()
    points: list[Point] = []
    interrupted, failure = False, None
    with Target(options.target, Trust(options.ca_file)) as target, Activity(console) as activity:
        target.require_ready()
        folder = make_folder(out) if out else new_folder("capacity")
        environment = target.facts() | describe_machine()
        trials = Trials(
            target=target,
            generator=Generator(target.url, folder / "locust.log", ca_file=options.ca_file),
            task=options.task,
            seed=secrets.token_hex(8),
            distinct=KNOWN,
            bounds=bounds,
            seconds=options.seconds,
            slots=options.slots,
            max_lag_p99_ms=profile.load.max_lag_p99_ms,
            tell=activity.tell,
            file=folder / ".trial.jsonl",
        )
        console.print(Text.assemble((target.url, "bold"), f"  {options.task}: {bounds}"), soft_wrap=True)
        warn_of_proxies(console)
        try:
            _prime(target, trials, activity)
            for ratio in options.hit_ratios:
                points += [_point(trials, ratio, options, began, console)]
        except KeyboardInterrupt:
            interrupted = True
        except (BenchError, OSError) as error:
            failure = error if isinstance(error, BenchError) else storage_error(folder, error)
            if not points:
                raise failure from error
    points = [point for point in points if point.steps]  # Without time left, nothing was tried.
    curve = Curve(
        target=target.url,
        task=options.task,
        bound=str(bounds),
        method=f"rates doubled from {options.start:g}/s, then the gap halved until {RESOLUTION:g} times remains; "
        f"Poisson arrivals for {options.seconds:g} s each",
        started_at=started_at.isoformat(timespec="seconds"),
        duration_s=time.monotonic() - began,
        interrupted=interrupted or failure is not None,
        environment=environment,
        points=points,
        unproven=[sentence for point in points for step in point.steps for sentence in step.unproven],
    )
    write_figures(folder / FILE, curve, console)
    console.print(_table(points))
    for sentence in summarize_unproven(curve):
        console.print(f"- {sentence}", soft_wrap=True, highlight=False)
    if failure is not None:
        console.print(f"the hit ratios before it are kept in {folder}", soft_wrap=True, highlight=False)
        raise failure
    if interrupted:
        return INTERRUPTED
    if not points:
        told = (
            " no rate was tried within --minutes: the known requests took that long to be answered for the first time"
        )
        console.print(Text.assemble((" INCONCLUSIVE ", STYLES[Verdict.INCONCLUSIVE] + " reverse"), told))
        return Verdict.INCONCLUSIVE.exit_status
    if curve.unproven:
        console.print(Text.assemble((" INVALID ", STYLES[Verdict.INVALID] + " reverse"), " the rates are not proven"))
        return Verdict.INVALID.exit_status
    if not any(point.capacity or point.at_least for point in points):
        console.print(Text.assemble((" FAIL ", STYLES[Verdict.FAIL] + " reverse"), " no rate keeps the bounds"))
        return Verdict.FAIL.exit_status
    return 0


def bounds_of(profile: Profile, task: str) -> Bounds:
    """Return the gated bounds of a task: the latency of its hits, perhaps of its misses, and failures (1 % if none).

    Args:
        profile: The profile.
        task: The service's task.

    Raises:
        UsageError: The profile gates no latency of the task's hits.
    """
    gated = [bound for bound in profile.thresholds if bound.gated and bound.tags.get("task", task) == task]
    latency = [bound for bound in gated if bound.metric == "latency"]
    hits = [bound for bound in latency if bound.tags.get("cache") == "hit"]
    misses = [bound for bound in latency if bound.tags.get("cache") == "miss"]
    if not hits:
        raise UsageError(
            f"profile {profile.name} gates no latency{{task:{task},cache:hit}}, so there is nothing to keep"
        )
    p = hits[0].p
    of_misses = next((bound.bound for bound in misses if bound.p == p), None)
    failures = next((bound.bound for bound in gated if bound.metric == "failures"), 0.01)
    return Bounds(p=p, hit_ms=hits[0].bound, miss_ms=of_misses, failures=failures)


def summarize(hit_ratio: float, steps: Sequence[Step]) -> Point:
    """Return what a search found.

    Args:
        hit_ratio: That was planned.
        steps: All that were tried.
    """
    capacity = max((step.rate for step in steps if step.kept), default=0.0)
    broken = min(
        (step for step in steps if not step.kept and step.rate > capacity), key=lambda one: one.rate, default=None
    )
    if broken is None:
        return Point(
            hit_ratio=hit_ratio, capacity=capacity, broken=None, saturated="", steps=list(steps), at_least=True
        )
    if all(step.failed for step in steps):
        return Point(hit_ratio=hit_ratio, capacity=0.0, broken=broken.rate, saturated=FAILURES, steps=list(steps))
    crowded, limited = is_filled_by_others(broken), is_generators_limit(broken)
    in_the_way = OTHERS if crowded else GENERATOR if limited else saturated(broken.used) if broken.kept is False else ""
    return Point(
        hit_ratio=hit_ratio,
        capacity=capacity,
        broken=broken.rate,
        saturated=in_the_way,
        steps=list(steps),
        at_least=broken.kept is None or limited or crowded,
    )


def _prime(target: Target, trials: Trials, activity: Activity) -> None:
    for index in range(trials.distinct):
        activity.tell(f"asking {index + 1} of {trials.distinct} known requests for the first time")
        answer = target.ask(trials.task, trials.seed, index)
        if answer["status"] in {401, 403}:
            raise RefusedError(f"the first request was refused: {answer['failure']}; {explain_key()}")
        if answer["failure"]:
            raise TargetError(f"{target.url} did not answer a {trials.task} request: {answer['failure']}")


def _point(trials: Trials, ratio: float, options: argparse.Namespace, began: float, console: Console) -> Point:
    def attempt(rate: float) -> Step | None:
        if time.monotonic() - began > options.minutes * 60:
            console.print("  no time left (--minutes); the bracket stays as wide as it is", highlight=False)
            return None
        step = trials.attempt(rate, ratio)
        shares = ", ".join(f"{name} {share:.0%}" for name, share in step.used.items())
        kept = "kept" if step.kept else step.note
        if step.unproven:
            kept += "; not proven"
        console.print(Text.assemble(f"  {ratio:.1%} hits, {rate:,.0f}/s: {kept}  ", (shares, "dim")))
        return step

    return summarize(ratio, search(attempt, Limits(options.start, max(LEAST, trials.least), options.most, STEPS)))


def _table(points: Sequence[Point]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("hit ratio", "capacity", "breaks at"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("in the way")
    for point in points:
        table.add_row(f"{point.hit_ratio:.1%}", *describe_point(point))
    return table


def _ratios(text: str) -> tuple[float, ...]:
    try:
        ratios = tuple(float(part) for part in text.split(","))
    except ValueError:
        ratios = (-1.0,)
    if not all(0 <= ratio <= 1 for ratio in ratios):
        raise argparse.ArgumentTypeError(f"{text!r}: expected shares from 0 to 1, e.g. 1,0.99,0.9")
    return ratios


def _above_0(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value
