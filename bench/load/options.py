"""The options of bench/locustfile.py: what is asked, and when."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from bench.load.arrivals import PROCESSES, Stage, parse_stages
from bench.load.plan import NEW_FROM, OpenLoop
from bench.load.request_mix import ALL_TASKS, GENERATED, RequestMix
from bench.load.workload import TASKS

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser


def add_options(parser: LocustArgumentParser) -> None:
    """Add the harness's options to Locust's; those for people show on its web page too.

    Args:
        parser: Locust's.
    """
    add = parser.add_argument
    add("--workload", choices=GENERATED, default="cached", help="what is asked (see bench/load/plan.py)")
    add("--task", choices=(ALL_TASKS, *TASKS), default=ALL_TASKS, help="which of the service's tasks")
    add("--seed", default="", help="names the requests; the same seed asks the same (default: random)")
    add("--distinct", type=_positive, default=8, help="cached, mixed: how many known requests")
    add("--catalogue", type=_positive, default=100, help="zipf: how many requests there are")
    add("--exponent", type=_amount, default=1.0, help="zipf: how unevenly they are asked (0: all alike)")
    add("--new-share", type=_share, default=0.0, help="mixed: share of new requests, 0 to 1")
    add("--new-from", type=_whole, default=NEW_FROM, help="mixed: index of the first new request")
    add("--known-exponent", type=_amount, default=0.0, help="mixed: how unevenly known ones are asked (0: in turn)")
    add("--people", type=_positive, default=100, help="herd: number of simultaneous identical requests")
    add("--count", type=_whole, default=0, help="closed loop: stop after so many requests, or herds (0: never)")
    add("--max-seconds", type=_amount, default=0.0, help="closed loop: start none after this (0: never)")
    add("--rate", type=_amount, default=0.0, help="open loop: arrivals per second, of all processes together")
    add("--seconds", type=_amount, default=30.0, help="open loop: how long arrivals go on")
    add("--stages", type=_stages, default="", help="open loop: rates over time, e.g. 30s:10-100,60s:100")
    add("--arrivals", choices=PROCESSES, default="constant", help="open loop: how they are spaced")
    add("--warmup-seconds", type=_amount, default=0.0, help="open loop: arrivals marked as warm-up")
    hidden = functools.partial(add, include_in_web_ui=False)
    hidden(
        "--ca-file", default="", metavar="FILE", help="CA bundle for an https:// host (default: the operating system's)"
    )
    hidden("--samples", default="", help="file for the raw samples, JSON lines; an older one is replaced")
    hidden("--owner", type=int, default=0, help="end when this parent process is gone (its id; 0: never)")
    # The workers that share a phase, by their ids: set by the master, not by people.
    hidden("--members", default="", help=argparse.SUPPRESS)


def schedule_of(options: argparse.Namespace) -> OpenLoop | None:
    """Return the arrivals that the options ask for; None for a closed loop.

    Args:
        options: The parsed command line.
    """
    if options.stages:
        stages = parse_stages(options.stages)
    elif options.rate:
        stages = (Stage(options.seconds, options.rate, options.rate),)
    else:
        return None
    return OpenLoop(stages, options.warmup_seconds, options.arrivals, options.seed)


def picks_of(options: argparse.Namespace) -> RequestMix:
    """Return which requests the options ask for.

    Args:
        options: The parsed command line.
    """
    return RequestMix(
        options.workload,
        options.task,
        seed=options.seed,
        distinct=options.distinct,
        catalogue=options.catalogue,
        exponent=options.exponent,
        new_share=options.new_share,
        new_from=options.new_from,
        known_exponent=options.known_exponent,
    )


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number; expected 0 or more")
    return int(text)


def _positive(text: str) -> int:
    if not _whole(text):
        raise argparse.ArgumentTypeError("expected a whole number above 0")
    return int(text)


def _amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return value


def _share(text: str) -> float:
    if _amount(text) > 1:
        raise argparse.ArgumentTypeError(f"{text} is no share; expected 0 to 1")
    return float(text)


def _stages(text: str) -> str:
    try:
        if text:
            parse_stages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text
