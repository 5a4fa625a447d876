"""``python -m tools.perf tokens``: what the short form of answers saves, and whether it costs quality."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ai_service.providers.ollama import OllamaProvider
from bench.evidence.environment import describe_machine
from bench.report.console import Activity
from bench.report.figures import write_figures
from lab.ollama_process import OllamaProcess
from tools.perf.tokens.measurement import NUM_CTX, REQUESTS, count_retold, measure, read_twice, tasks_of
from tools.perf.tokens.table import Report, print_report

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tools.perf.tokens.measurement import Pair

FILE = "tokens.json"
TIMEOUT_S = 300.0
PREFIX_ROUNDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--ollama", metavar="URL", default="", help="an Ollama server (default: the lab's, started)")
    parser.add_argument("--model", default=OllamaProcess.model, help=f"its model (default: {OllamaProcess.model})")
    parser.add_argument("--pairs", type=_pairs, default=12, help="of each task (default: 12)")
    parser.add_argument("--temperature", type=float, default=0.0, help="of both forms (default: 0, no luck in a pair)")
    parser.add_argument(
        "--recipe-tokens",
        type=int,
        default=512,
        help="token budget of a recipe; from 768 on with nutrients (default: 512)",
    )


def run(options: argparse.Namespace, console: Console, folder: Path) -> int:
    """Measure; returns the exit status.

    Args:
        options: Those of `add_arguments`.
        console: Where progress and table go.
        folder: Where the report goes.

    Raises:
        TargetError: Ollama does not answer.
        LabError: The lab's Ollama did not start.
    """
    with ExitStack() as stack, Activity(console) as activity:
        url = options.ollama or stack.enter_context(OllamaProcess()).url
        activity.tell("measuring pairs")
        pairs = asyncio.run(_measure(url, options, console))
        activity.tell("reading prompts")
        retold = count_retold(url, options.model, pairs.get("recipe", ()))
        recipe = tasks_of("recipe", options.recipe_tokens)["short"].ask(REQUESTS["recipe"][0].canonical())
        prefix = read_twice(url, options.model, recipe, PREFIX_ROUNDS)
    conditions = {
        "model": options.model,
        "recipe tokens": str(options.recipe_tokens),
        "temperature": str(options.temperature),
    } | describe_machine()
    report = Report(conditions, pairs, retold, prefix)
    write_figures(folder / FILE, report, console)
    print_report(report, console)
    return 0


async def _measure(url: str, options: argparse.Namespace, console: Console) -> dict[str, list[Pair]]:
    provider = OllamaProvider(
        url, options.model, timeout_s=TIMEOUT_S, load_timeout_s=TIMEOUT_S, num_ctx=NUM_CTX, keep_alive_s=-1
    )
    try:
        return {
            name: await measure(
                provider,
                name,
                recipe_tokens=options.recipe_tokens,
                pairs=options.pairs,
                temperature=options.temperature,
                done=lambda line: console.print(line, soft_wrap=True, highlight=False),
            )
            for name in REQUESTS
        }
    finally:
        await provider.close()


def _pairs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number of at least 1")
    return int(text)
