"""``python -m bench sizing [RUN] --rate N``: how many Ollama hosts a wanted rate takes."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

from bench.errors import UsageError
from bench.results import load_result
from bench.run_folder import read_run
from bench.sizing.arithmetic import Demand, Host, Sizing, size
from bench.sizing.service_time import hit_ratio, service_time

if TYPE_CHECKING:
    from rich.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="folder of a run: its times and its hit ratio")
    parser.add_argument("--rate", type=_above_zero, required=True, metavar="N", help="wanted requests a second")
    parser.add_argument("--hit-ratio", type=_share, metavar="SHARE", help="0 to 1 (default: of the run's Zipf mix)")
    parser.add_argument("--mix", type=_mix, default={}, metavar="LIST", help="such as recipe=0.2,ingredients=0.8")
    parser.add_argument("--tokens", type=_above_zero, metavar="N", help="tokens of an answer, where there is no run")
    parser.add_argument("--tokens-per-second", type=_above_zero, metavar="N", help="of one request at a time, likewise")
    parser.add_argument(
        "--prompt-seconds", type=_not_negative, default=0.0, metavar="S", help="until the first token, likewise"
    )
    parser.add_argument(
        "--slots", type=_count, default=1, metavar="N", help="of a host: OLLAMA_NUM_PARALLEL (default: 1)"
    )
    parser.add_argument(
        "--gain",
        type=_above_zero,
        default=1.0,
        metavar="X",
        help="throughput with all slots busy over that with one (default: 1, none, as on a CPU)",
    )
    parser.add_argument("--max-wait", type=_not_negative, default=5.0, metavar="S", help="in the queue (default: 5)")
    parser.add_argument(
        "--within", type=_share, default=0.95, metavar="SHARE", help="that waits no longer (default: 0.95)"
    )
    parser.add_argument(
        "--max-busy", type=_share, default=0.8, metavar="SHARE", help="of the slots, on average (default: 0.8)"
    )
    parser.add_argument("--json", action="store_true", help="print figures for programs")


def run(options: argparse.Namespace, console: Console) -> int:
    """Calculate, and print it.

    Raises:
        UsageError: Something is missing, or contradicts something else.
        FileFormatError: The run cannot be read, or its samples are not that run's.
    """
    service_s, source, measured_hits = _service_time(options)
    hits = measured_hits if options.hit_ratio is None else options.hit_ratio
    if hits is None:
        raise UsageError("--hit-ratio is needed: the run has no Zipf mix that measured one")
    if options.gain > options.slots:
        raise UsageError(f"--gain {options.gain:g} is more than the {options.slots} slots can give")
    if options.within >= 1 or options.max_busy in {0, 1}:
        raise UsageError("--within and --max-busy are shares below 1, and --max-busy is above 0")
    demand = Demand(
        rate=options.rate,
        hit_ratio=hits,
        max_wait_s=options.max_wait,
        share_within=options.within,
        max_busy=options.max_busy,
    )
    host = Host(service_s=service_s, slots=options.slots, gain=options.gain)
    try:
        sizing = size(demand, host)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if options.json:
        figures = {"demand": demand, "host": host, "source": source, "sizing": sizing}
        print(msgspec.json.format(msgspec.json.encode(figures)).decode())  # noqa: T201 - rich would fold long lines
        return 0
    console.print(_table(demand, host, sizing, source))
    return 0


def _service_time(options: argparse.Namespace) -> tuple[float, str, float | None]:
    """Return the mean service time, where it comes from, and the hit ratio that was measured beside it."""
    given = options.tokens is not None or options.tokens_per_second is not None
    if (options.run is None) is not given:
        raise UsageError("give a RUN, or both --tokens and --tokens-per-second")
    if options.run is None:
        if options.tokens is None or options.tokens_per_second is None:
            raise UsageError("--tokens and --tokens-per-second go together")
        seconds = options.prompt_seconds + options.tokens / options.tokens_per_second
        return seconds, f"{options.tokens:g} tokens at {options.tokens_per_second:g}/s: an estimate", None
    result = load_result(options.run)
    folder = options.run if options.run.is_dir() else options.run.parent
    seconds, counted = service_time(result, read_run(folder, result), options.mix)
    named = ", ".join(f"{count} of {task}" for task, count in counted.items())
    return seconds, f"{named}, measured one at a time", hit_ratio(result)


def _table(demand: Demand, host: Host, sizing: Sizing, source: str) -> Table:
    table = Table("what", "figure", "from", box=None, pad_edge=False)
    within = f"{demand.share_within:.0%} wait at most {demand.max_wait_s:g} s, slots busy at most {demand.max_busy:.0%}"
    busy = f"{host.busy_service_s:.2f} s with all {host.slots} busy"
    for row in (
        ("requests/s, wanted", f"{demand.rate:g}", "given"),
        ("hit ratio", f"{demand.hit_ratio:.1%}", "given or measured"),
        ("requests/s for models", f"{sizing.computed_rate:.3g}", "the rest"),
        ("time of a request", f"{host.service_s:.2f} s", f"{source}; {busy}"),
        ("slots busy on average", f"{sizing.busy_slots:.2f}", "rate x time (Little)"),
        ("slots needed", str(sizing.slots), within),
        ("hosts", str(sizing.hosts), f"of {host.slots} slots: {sizing.busy:.0%} busy, {sizing.waits:.1%} wait"),
        ("hosts, one to spare", str(sizing.with_spare), "any one may be lost or drained"),
    ):
        table.add_row(*row)
    return table


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return value


def _above_zero(text: str) -> float:
    if (value := _number(text)) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return value


def _not_negative(text: str) -> float:
    if (value := _number(text)) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return value


def _share(text: str) -> float:
    if not 0 <= (value := _number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; expected 0 to 1")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _mix(text: str) -> dict[str, float]:
    mix: dict[str, float] = {}
    for part in text.split(","):
        task, equals, weight = part.partition("=")
        if not equals or not task.strip() or task.strip() in mix:
            raise argparse.ArgumentTypeError(f"{part!r} is no TASK=WEIGHT, each task once")
        mix[task.strip()] = _above_zero(weight)
    return mix
