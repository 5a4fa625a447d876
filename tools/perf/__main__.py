"""Entry point of ``python -m tools.perf``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command_line import STATUSES, Parser, new_folder, run_program
from bench.errors import BenchError
from bench.measure import make_folder
from lab.errors import LabError
from tools.perf.budgets import command as budgets
from tools.perf.calibration import command as calibration
from tools.perf.overhead import command as overhead
from tools.perf.peers import command as peers
from tools.perf.pool import command as pool
from tools.perf.throughput import command as throughput
from tools.perf.tokens import command as tokens

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rich.console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: The command line without the program's name; None for the real one.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    return run_program("tools.perf", lambda console: _measure(options, console))


def _measure(options: argparse.Namespace, console: Console) -> int:
    if options.command == "calibration":
        return calibration.run(options, console)
    folder = options.out or new_folder(options.command)
    try:
        if options.command == "overhead":
            return overhead.run(options, console, folder)
        make_folder(folder)
        commands = {
            "peers": peers.run,
            "budgets": budgets.run,
            "pool": pool.run,
            "throughput": throughput.run,
            "tokens": tokens.run,
        }
        return commands[options.command](options, console, folder)
    except LabError as error:
        raise BenchError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m tools.perf", description="Measure what the service costs.", epilog=STATUSES)
    commands = parser.add_subparsers(dest="command", required=True)
    beside = commands.add_parser("peers", help="measure the service beside other gateways, in turns, on this machine")
    peers.add_arguments(beside)
    costs = commands.add_parser("budgets", help="measure what the service costs on this machine: time, memory, calls")
    budgets.add_arguments(costs)
    added = commands.add_parser("overhead", help="measure what the service adds to a miss: directly and through it")
    overhead.add_arguments(added)
    scaled = commands.add_parser("pool", help="measure how throughput grows with Ollama servers, by stand-ins")
    pool.add_arguments(scaled)
    passed = commands.add_parser(
        "throughput", help="measure the throughput of misses through the service against Ollama's own"
    )
    throughput.add_arguments(passed)
    errors = commands.add_parser("calibration", help="simulate how often verdicts and comparisons are wrong")
    calibration.add_arguments(errors)
    written = commands.add_parser(
        "tokens", help="measure in pairs what the short form of new answers saves, and its quality"
    )
    tokens.add_arguments(written)
    for command in (beside, costs, added, scaled, passed, written):
        command.add_argument("--out", type=Path, metavar="DIR", help="folder for the files (default: under reports/)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
