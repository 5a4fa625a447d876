"""``python -m tools.perf throughput``: what misses through the service reach of a real Ollama's own throughput."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.capacity.processes import cpu_seconds
from bench.command_line import INTERRUPTED
from bench.evidence.environment import describe_machine
from bench.report.console import STYLES, Activity
from bench.report.figures import write_figures
from bench.verdict.verdicts import worst
from lab.ollama_process import OllamaProcess
from lab.packages import ensure_program
from tools.perf.peers.cores import share_two
from tools.perf.peers.edge import Host
from tools.perf.peers.report import load_average
from tools.perf.peers.service import AIService, Redis
from tools.perf.throughput.callers import CHATS, TOKENS, Callers
from tools.perf.throughput.comparison import DIRECT, LEAST, PARALLEL, Ratio, Turn, compare, relate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

FILE = "throughput.json"
ROUNDS = 20


class Report(msgspec.Struct, frozen=True):
    """What was found, and on what.

    Attributes:
        conditions: Label and text.
        interrupted: It was stopped by the user; the figures are those of the whole rounds.
        least: The bound.
        ratios: Each way, for each number of callers.
        rounds: A turn for each number of callers.
    """

    conditions: dict[str, str]
    interrupted: bool
    least: float
    ratios: list[Ratio]
    rounds: list[list[Turn]]


@dataclass(frozen=True, slots=True)
class Ollama:
    """A running Ollama as the service's provider."""

    url: str
    model: str

    @property
    def settings(self) -> Mapping[str, str]:
        """See Provider."""
        slots = str(max(PARALLEL))
        return {"OLLAMA_HOST": self.url, "OLLAMA_MODEL": self.model, "OLLAMA_NUM_PARALLEL": slots}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--rounds", type=_rounds, default=ROUNDS, help=f"(default: {ROUNDS})")


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Measure; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        folder: Where the report goes.

    Raises:
        BenchError: A process of the run failed.
        LabError: The lab's Ollama did not start, or a program could not be installed.
    """
    cores, before = share_two(), load_average()
    ensure_program("redis-server", "redis-server", units=("redis-server.service",))
    with ExitStack() as stack, Activity(console) as activity:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="alchemorsel-throughput-")))
        activity.tell("starting: Ollama, instance, edge")
        process = stack.enter_context(OllamaProcess(num_parallel=max(PARALLEL)))
        ollama = Ollama(process.url, process.model)
        redis = stack.enter_context(Redis(work, cores.others))
        service = stack.enter_context(AIService(work, cores.server, ollama, redis))
        host = stack.enter_context(Host(work, cores.server, ollama, redis))

        def ollama_cpu() -> float:
            return cpu_seconds(process.pid)

        def through(server: AIService | Host) -> Callers:
            return Callers(server.url, ollama.model, lambda: ollama_cpu() + server.cpu_seconds(), direct=False)

        def tell(parallel: int, turn: Turn) -> None:
            rates = ", ".join(f"{way} {rate:.1f}" for way, rate in turn.rates.items())
            console.print(f"{parallel} parallel, tokens/s: {rates} {turn.problem}", soft_wrap=True, highlight=False)

        ways = {
            DIRECT: Callers(ollama.url, ollama.model, ollama_cpu, direct=True),
            "ours on a port": through(service),
            "edge, 2 instances": through(host),
        }
        for callers in ways.values():
            stack.enter_context(callers)
        activity.tell("measuring")
        rounds = compare(ways, rounds=options.rounds, parallel=PARALLEL, done=tell)
    ratios, interrupted = relate(rounds, PARALLEL), len(rounds) < options.rounds
    conditions = {
        "model": f"{ollama.model}, {max(PARALLEL)} slots, {TOKENS} tokens a chat, {CHATS} chat of each caller a turn",
        "rounds": str(len(rounds)),
        **describe_machine(),
        "load average before": before,
        "load average after": load_average(),
    }
    write_figures(folder / FILE, Report(conditions, interrupted, LEAST, ratios, rounds), console)
    print_ratios(ratios, conditions, console)
    return INTERRUPTED if interrupted else worst(ratio.verdict for ratio in ratios).exit_status


def print_ratios(ratios: Sequence[Ratio], conditions: Mapping[str, str], console: Console) -> None:
    """Print the table, its problems and the conditions."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("misses through", no_wrap=True)
    for heading in ("parallel", "tokens/s", "directly", "ratio (95%)", "by CPU (95%)"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(f"at least {LEAST:g}", no_wrap=True)
    for each in ratios:
        table.add_row(
            each.way,
            str(each.parallel),
            f"{each.rate:.1f}",
            f"{each.direct_rate:.1f}",
            f"{each.ratio:.3f} ({each.low:.3f}-{each.high:.3f})",
            f"{each.cpu_ratio:.3f} ({each.cpu_low:.3f}-{each.cpu_high:.3f})",
            Text(each.verdict, style=STYLES[each.verdict]),
        )
    console.print(table)
    for problem in sorted({problem for each in ratios for problem in each.problems}):
        console.print(f"- {problem}", soft_wrap=True, highlight=False)
    for label, text in conditions.items():
        console.print(Text.assemble((f"{label:<20}", "dim"), f" {text}"), soft_wrap=True, highlight=False)


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)
