"""``python -m tools.perf budgets``: measures what the service costs, and holds it to its budgets."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
from rich.text import Text

from bench.report.console import STYLES, Activity
from bench.report.figures import write_figures
from bench.verdict.verdicts import worst
from lab.packages import ensure_program
from tools.perf.budgets import cached_rate, herd, import_time, memory, overhead
from tools.perf.budgets.finding import Finding  # noqa: TC001 - msgspec reads the annotation
from tools.perf.budgets.table import format_figure, print_findings
from tools.perf.errors import ProcessError
from tools.perf.peers.cores import Cores, share_out
from tools.perf.peers.edge import Host
from tools.perf.peers.gateways import LiteLLM
from tools.perf.peers.report import describe_conditions, load_average
from tools.perf.peers.service import AIService, Redis, Upstream
from tools.perf.peers.wrk import Wrk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

FILE = "budgets.json"
NAMES = ("import", "memory", "herd", "overhead", "rate")


class Report(msgspec.Struct, frozen=True):
    """What was found, and on what: conditions as label and text."""

    conditions: dict[str, str]
    findings: list[Finding]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--only", type=_names, default=NAMES, help=f"comma list of {','.join(NAMES)} (default: all)")


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Measure; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        folder: Where the report goes.

    Raises:
        BenchError: A process of the run failed.
        LabError: A program could not be installed.
    """
    cores, before = share_out(), load_average()
    ensure_program("wrk", "wrk")
    ensure_program("redis-server", "redis-server", units=("redis-server.service",))
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="alchemorsel-budgets-") as work, Activity(console) as activity:
        for name in options.only:
            activity.tell(name)
            for finding in _measure(name, Path(work), cores, activity.tell):
                findings.append(finding)
                console.print(_line(finding), soft_wrap=True)
    report = Report(describe_conditions(cores, memory.CONNECTIONS, before), findings)
    write_figures(folder / FILE, report, console)
    print_findings(findings, console)
    for label, text in report.conditions.items():
        console.print(Text.assemble((f"{label:<20}", "dim"), f" {text}"), soft_wrap=True, highlight=False)
    return worst(finding.verdict for finding in findings).exit_status


def _measure(name: str, work: Path, cores: Cores, tell: Callable[[str], None]) -> list[Finding]:
    if name == "import":
        return [import_time.measure()]
    try:
        if name == "memory":
            with system(work, cores) as (service, upstream):
                return [memory.measure(service, upstream, Wrk(cores.generator, memory.CONNECTIONS), tell)]
        if name == "herd":
            with system(work, cores, delay_ms=herd.DELAY_MS) as (service, upstream), _on(cores.generator):
                return list(asyncio.run(herd.measure(service, upstream)))
        if name == "overhead":
            tell("LiteLLM: install if needed, start")
            with (
                system(work, cores, delay_ms=overhead.DELAY_MS) as (service, upstream),
                Redis(work, cores.others) as redis,
                LiteLLM(work, cores.server, upstream, redis) as litellm,
                _on(cores.generator),
            ):
                return list(overhead.measure(service, upstream, litellm, tell))
        # Edge and instances take what the generator leaves; of two cores that is one.
        wide = replace(cores, server=cores.server | (cores.others - cores.generator))
        with host(work, wide) as site, _on(cores.generator):
            return [cached_rate.measure(site, work, tell)]
    except httpx.HTTPError as error:
        raise ProcessError(f"{name}: {type(error).__name__}: {error}") from error


@contextmanager
def system(work: Path, cores: Cores, *, delay_ms: float = 0) -> Iterator[tuple[AIService, Upstream]]:
    """Our service on a port, its Redis and its upstream, all new, so that no measurement finds another's answers.

    Args:
        work: For logs.
        cores: Who runs where.
        delay_ms: The upstream's.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work)))
        upstream = stack.enter_context(Upstream(folder, cores.others, delay_ms=delay_ms))
        redis = stack.enter_context(Redis(folder, cores.others))
        yield stack.enter_context(AIService(folder, cores.server, upstream, redis)), upstream


@contextmanager
def host(work: Path, cores: Cores) -> Iterator[Host]:
    """Run the service as on a host: several instances behind an edge.

    Args:
        work: For logs.
        cores: Who runs where.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=work)))
        upstream = stack.enter_context(Upstream(folder, cores.others))
        redis = stack.enter_context(Redis(folder, cores.others))
        yield stack.enter_context(Host(folder, cores.server, upstream, redis))


@contextmanager
def _on(cores: frozenset[int]) -> Iterator[None]:
    """Pin this process, now the load generator, to the generator's cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _line(finding: Finding) -> Text:
    return Text.assemble(f"{finding.name}: {format_figure(finding)} ", (finding.verdict, STYLES[finding.verdict]))


def _names(text: str) -> tuple[str, ...]:
    chosen = {name.strip() for name in text.split(",")}
    if not chosen <= set(NAMES):
        raise argparse.ArgumentTypeError(f"{text!r}: expected some of {','.join(NAMES)}")
    return tuple(name for name in NAMES if name in chosen)
