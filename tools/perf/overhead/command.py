"""``python -m tools.perf overhead --target URL --ollama URL``: what a running service adds to a miss."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import msgspec

from bench.errors import UsageError
from bench.evidence.environment import describe_machine
from bench.evidence.ollama import Ollama
from bench.load.target import Target
from bench.measure import make_folder
from bench.report.console import Activity
from bench.report.figures import write_figures
from bench.tls import Trust, add_ca_file
from bench.verdict.verdicts import worst
from tools.perf.budgets.finding import Finding  # noqa: TC001 - msgspec reads the annotation
from tools.perf.budgets.table import print_findings
from tools.perf.overhead.chat import TOKENS, ChatPair
from tools.perf.overhead.paired_calls import judge_pairs, measure_pairs

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

FILE = "overhead.json"
PAIRS = 100
FEWEST = 20
"""Fewer pairs leave an interval that no budget of milliseconds lies outside of."""


class Report(msgspec.Struct, frozen=True):
    """What was found, and on what: conditions as label and text; latencies in milliseconds, of the same pairs."""

    conditions: dict[str, str]
    findings: list[Finding]
    direct_ms: list[float]
    through_ms: list[float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--target", required=True, metavar="URL", help="the service, e.g. http://127.0.0.1:3010")
    parser.add_argument("--ollama", required=True, metavar="URL", help="the Ollama behind it")
    add_ca_file(parser)
    parser.add_argument("--pairs", type=_pairs, default=PAIRS, help=f"at least {FEWEST} (default: {PAIRS})")
    parser.add_argument("--num-ctx", type=int, default=4096, help="the service's OLLAMA_NUM_CTX (default: 4096)")


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Measure; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        folder: Where the report goes; it is made once the service answers.

    Raises:
        TargetError: The service or Ollama does not answer.
    """
    trust = Trust(options.ca_file)
    with Target(options.target, trust) as target, Ollama(options.ollama, trust) as ollama:
        if options.num_ctx < 1:
            raise UsageError("--num-ctx is a number of tokens, e.g. 4096")
        target.require_ready()
        make_folder(folder)
        conditions = target.facts() | {"Ollama": f"{ollama.version()} at {ollama.url}"} | describe_machine()
        with Activity(console) as activity, ChatPair(target.url, ollama.url, options.num_ctx, trust) as chat:
            chat.through(0)  # The model may have to be loaded first.
            chat.direct(0)
            chat.reloads = 0
            pairs = measure_pairs(chat.direct, chat.through, options.pairs, activity.tell)
        doubt = ""
        if chat.reloads:
            doubt = f"the model was loaded anew for {chat.reloads} direct calls; is --num-ctx that of the service?"
    findings = list(judge_pairs(pairs, doubt))
    report = Report(conditions, findings, pairs.direct_ms, pairs.through_ms)
    write_figures(folder / FILE, report, console)
    print_findings(findings, console)
    console.print(f"- a chat of {TOKENS} tokens at most, asked directly and through the service, in turns")
    return worst(finding.verdict for finding in findings).exit_status


def _pairs(text: str) -> int:
    if not text.isdecimal() or int(text) < FEWEST:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least {FEWEST}")
    return int(text)
