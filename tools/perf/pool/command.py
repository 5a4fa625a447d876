"""``python -m tools.perf pool``: uncached requests a second over 1, 2 and 3 stand-ins of a known service time."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import msgspec
from rich.table import Table

from bench.errors import TargetError
from bench.evidence.environment import describe_machine
from bench.report.figures import write_figures
from bench.results import Verdict
from lab.ports import free_port
from lab.stand_in_ollama import MODEL, StandInOllama
from tools.perf.peers.server import Server, answers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

FILE = "pool.json"
LEAST = 0.95
"""Of linear: what DESIGN asks of 2 and 3 servers, against one in the same run."""
SERVERS = (1, 2, 3)
SERVICE_S = 0.5
REQUESTS = 40
"""For each server of a run, so that all runs take about as long."""
PATH = "/api/v1/ai/suggest-ingredients"


class Run(msgspec.Struct, frozen=True):
    """One number of servers.

    Attributes:
        servers: How many.
        requests: Answered, each computed by a stand-in.
        seconds: From the first request to the last answer.
        shares: Requests of each stand-in.
        share_of_linear: Rate over that of one server times their number.
    """

    servers: int
    requests: int
    seconds: float
    shares: list[int]
    share_of_linear: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


class Report(msgspec.Struct, frozen=True):
    """What was found, and on what."""

    conditions: dict[str, str]
    runs: list[Run]
    least: float
    verdict: Verdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--service-seconds", type=float, default=SERVICE_S, help=f"(default: {SERVICE_S:g})")
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"of each server (default: {REQUESTS})")


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Measure; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where the table goes.
        folder: Where the report goes.

    Raises:
        TargetError: A request was not answered by a stand-in.
    """
    measured = [_measure(count, options.service_seconds, options.requests, folder) for count in SERVERS]
    runs = relate(measured)
    verdict = judge(runs)
    conditions = {
        "servers": f"stand-ins for Ollama, {options.service_seconds:g} s for a request, one slot",
        "load": f"{options.requests} different requests a server, twice as many callers as servers",
        **describe_machine(),
    }
    write_figures(folder / FILE, Report(conditions, runs, LEAST, verdict), console)
    console.print(_table(runs))
    console.print(f"at least {LEAST:g} of linear: {verdict}")
    return verdict.exit_status


def relate(measured: Sequence[tuple[int, float, list[int]]]) -> list[Run]:
    """Return the runs with their share of linear.

    Args:
        measured: Number of servers, seconds, and requests of each server; one server first.
    """
    alone = sum(measured[0][2]) / measured[0][1]
    return [
        Run(servers, sum(shares), seconds, shares, sum(shares) / seconds / (alone * servers))
        for servers, seconds, shares in measured
    ]


def judge(runs: Sequence[Run]) -> Verdict:
    """Hold the runs to the bound."""
    return Verdict.PASS if all(each.share_of_linear >= LEAST for each in runs) else Verdict.FAIL


def _measure(count: int, service_s: float, requests: int, folder: Path) -> tuple[int, float, list[int]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(StandInOllama(service_s=service_s)) for _ in range(count)]
        service = stack.enter_context(_Service(count, [server.url for server in servers], folder))
        client = stack.enter_context(httpx.Client(base_url=service.url, timeout=60, trust_env=False))
        callers = stack.enter_context(ThreadPoolExecutor(2 * count))

        def ask(number: int) -> None:
            answer = client.post(PATH, json={"partial": [f"food {count} {number}"]})
            if answer.status_code != 200 or answer.json()["meta"]["provider"] != "ollama":
                raise TargetError(f"request {number} was not answered by a stand-in: {answer.text[:200]}")

        list(callers.map(ask, range(-count, 0)))  # What is slow once is over: connections, and who is proven.
        before = [server.asked for server in servers]
        started = time.perf_counter()
        list(callers.map(ask, range(count * requests)))
        seconds = time.perf_counter() - started
        return count, seconds, [server.asked - asked for server, asked in zip(servers, before, strict=True)]


class _Service(Server):
    """The service over the stand-ins."""

    def __init__(self, count: int, urls: Sequence[str], folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            f"service-{count}",
            [sys.executable, "-m", "ai_service"],
            ready=answers(f"{self.url}/health/ready"),
            folder=folder,
            cores=os.sched_getaffinity(0),
            environment={
                "ALCHEMORSEL_PORT": str(port),
                "ALCHEMORSEL_OLLAMA_MODEL": MODEL,
                "ALCHEMORSEL_OLLAMA_SERVERS": ",".join(urls),
                "ALCHEMORSEL_LOG_LEVEL": "warning",
            },
        )


def _table(runs: Sequence[Run]) -> Table:
    table = Table("servers", "requests", "requests/s", "of linear", "requests of each", box=None, pad_edge=False)
    for each in runs:
        shares = ", ".join(map(str, each.shares))
        table.add_row(str(each.servers), str(each.requests), f"{each.rate:.2f}", f"{each.share_of_linear:.3f}", shares)
    return table
