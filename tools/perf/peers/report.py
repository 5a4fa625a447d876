"""What a comparison found: one JSON file, and the table on the terminal."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.evidence.environment import cpu_model
from bench.report.console import STYLES
from bench.results import Verdict
from tools.perf.peers.gateways import litellm_version, portkey_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from bench.verdict.bootstrap import Interval
    from tools.perf.peers.cores import Cores
    from tools.perf.peers.load_table import LoadTable
    from tools.perf.peers.ranking import Bound, RankedCandidate, Report

FILE = "peers.json"


def describe_conditions(cores: Cores, connections: int, before: str) -> dict[str, str]:
    """Return what the figures depend on.

    Args:
        cores: Who ran where.
        connections: Of the generator.
        before: Load average before the run.
    """
    return {
        "CPU": cpu_model(Path("/proc/cpuinfo")),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "generator": f"wrk, closed loop, 1 thread, {connections} keep-alive connections",
        "placement": f"servers on cores {_numbers(cores.server)}, generator on {_numbers(cores.generator)}, "
        f"Redis and mock upstream on {_numbers(cores.others)}",
        "versions": _versions(),
        "load average before": before,
        "load average after": load_average(),
    }


def load_average() -> str:
    """Return the machine's load averages over 1, 5 and 15 minutes: near 0 on an idle machine."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def print_report(console: Console, report: Report) -> None:
    """Print conditions, table, notes.

    Args:
        console: Where to.
        report: What.
    """
    if report.ranking:
        console.print(_table(report.ranking))
    for table in report.tables:
        console.print(_load_table(table))
        console.print(f"- {table.load}: {table.how}; {table.rounds} rounds", soft_wrap=True, highlight=False)
        for row in table.rows:
            for note in row.notes:
                console.print(f"- {table.load}: {row.title}: {note}", soft_wrap=True, highlight=False)
    if report.interrupted:
        console.print("- interrupted: the figures are those of the whole rounds", highlight=False)
    for ranked in report.ranking:
        for bound in ranked.bounds:
            console.print(_bound(ranked, bound), soft_wrap=True)
        for note in ranked.notes:
            console.print(f"- {ranked.title}: {note}", soft_wrap=True, highlight=False)
    for label, text in report.conditions.items():
        console.print(Text.assemble((f"{label:<20}", "dim"), f" {text}"), soft_wrap=True, highlight=False)


def _table(ranking: Iterable[RankedCandidate]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("cached answers", no_wrap=True)
    for heading in ("% of echo (95%)", "req/s", "p50 ms", "p99 ms", "CPU us", "by CPU"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("bounds", no_wrap=True)
    for ranked in ranking:
        table.add_row(
            ranked.title,
            f"{_percent(ranked.ratio)} ({_percent(ranked.ratio_low)}-{_percent(ranked.ratio_high)})",
            f"{ranked.rate:,.0f}",
            _short(ranked.p50_ms),
            _short(ranked.p99_ms),
            _short(ranked.cpu_us_per_request),
            _percent(ranked.cpu_ratio),
            _judgement(ranked),
        )
    return table


def _load_table(load: LoadTable) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column(load.load, no_wrap=True)
    for heading in load.rows[0].figures:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in load.rows:
        invalid = Text(row.verdict, style=STYLES[row.verdict]) if row.verdict is Verdict.INVALID else ""
        table.add_row(row.title, *map(_interval, row.figures.values()), invalid)
    return table


def _interval(figure: Interval) -> str:
    median, low, high = map(_short, (figure.median, figure.low, figure.high))
    to = "-" if figure.low >= 0 else " to "
    return median if low == high else f"{median} ({low}{to}{high})"


def _judgement(ranked: RankedCandidate) -> Text:
    if not ranked.bounds and ranked.verdict is not Verdict.INVALID:
        return Text("none", style="dim")
    return Text(ranked.verdict, style=STYLES[ranked.verdict])


def _bound(ranked: RankedCandidate, bound: Bound) -> Text:
    figure = f"{bound.value:.3g} ({bound.low:.3g} to {bound.high:.3g}) "
    return Text.assemble(f"- {ranked.title}: {bound.text}: {figure}", (bound.verdict, STYLES[bound.verdict]))


def _percent(share: float) -> str:
    return _short(share * 100)


def _short(value: float) -> str:
    """Two digits after the point below 1, one below 10, none above: what the spread allows to be read."""
    digits = 2 if value < 1 else 1 if value < 10 else 0
    return f"{value:,.{digits}f}"


def _numbers(cores: Iterable[int]) -> str:
    return ",".join(map(str, sorted(cores)))


def _versions() -> str:
    nginx, redis = _first_line("nginx", "-v"), _first_line("redis-server", "--version")
    edge = _first_line("haproxy", "-v").partition(" - ")[0]
    told = [edge, f"uvicorn {version('uvicorn')}", nginx.removeprefix("nginx version: "), redis.partition(" sha=")[0]]
    return ", ".join([*(text for text in told if text), f"LiteLLM {litellm_version()}", f"Portkey {portkey_version()}"])


def _first_line(program: str, option: str) -> str:
    """Return the first line of a program's output; empty where it is not installed, and so took no part."""
    if shutil.which(program) is None:
        return ""
    said = subprocess.run([program, option], capture_output=True, text=True, timeout=10, check=False)
    return (said.stdout + said.stderr).partition("\n")[0].strip()
