"""``python -m bench compare`` and ``python -m bench baseline save``."""

from __future__ import annotations

import argparse
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.compare.baseline import encode_baseline, load_baseline
from bench.compare.defaults import FEWEST_RUNS, MIN_CHANGE, NOISE_BY_OTHERS, RUN_NOISE
from bench.errors import UsageError
from bench.failures import describe_failures
from bench.report.console import STYLES
from bench.report.formats import format_ms
from bench.results import Verdict
from bench.run_folder import write_file
from bench.verdict.percentiles import ALPHA

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from bench.compare.comparison import Comparison, Row

_CHANGES = {"SLOWER": "bold red", "FASTER": "bold green", "SAME": "", "UNDECIDED": "yellow"}


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``compare``."""
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="OLD and NEW: folders of runs, or baselines")
    parser.add_argument("--old", nargs="+", type=Path, default=[], metavar="RUN", help="repeated runs, three or more")
    parser.add_argument(
        "--new", nargs="+", type=Path, default=[], metavar="RUN", help="the same, to compare with those"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="stands for OLD, so that NEW alone is named")
    parser.add_argument(
        "--run-noise",
        type=_noise,
        default=RUN_NOISE,
        metavar="SHARE",
        help="how much two single runs of the same code differ on this machine, as a standard deviation "
        f"(default: {RUN_NOISE:.0%}%; repeated runs measure it)",
    )
    add_judgement(parser)


def add_judgement(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which change matters."""
    parser.add_argument(
        "--max-ratio", type=_ratio, metavar="R", help="largest NEW/OLD that gated scopes may show, e.g. 1.2: for CI"
    )
    parser.add_argument(
        "--least-change",
        type=_share,
        default=MIN_CHANGE,
        metavar="SHARE",
        help=f"smallest change that matters (default: {MIN_CHANGE:.0%}%)",
    )


def add_baseline_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``baseline``."""
    actions = parser.add_subparsers(dest="action", required=True)
    save = actions.add_parser("save", help="condense a run to a small file that later runs are compared with")
    save.add_argument("run", type=Path, metavar="RUN", help="folder of a run")
    save.add_argument("file", type=Path, nargs="?", default=Path("baseline.json"), metavar="FILE")


def run_compare(options: argparse.Namespace, console: Console) -> int:
    """Compare two runs and print what became of each scope.

    Returns:
        The exit status: 0 nothing became slower (or the ratio is kept), 1 something did (or the ratio is broken),
        2 the ratio cannot be decided.

    Raises:
        NotComparableError: The runs cannot be compared; its exit status is 3.
    """
    # SciPy takes a second to import, and other commands need little of it.
    from bench.compare.comparison import compare  # noqa: PLC0415

    if options.old or options.new:
        return _compare_repeated(options, console)
    paths = ([options.baseline] if options.baseline else []) + options.runs
    if len(paths) != 2:
        expected = "one run beside --baseline" if options.baseline else "two: OLD and NEW"
        raise UsageError(f"compare takes {expected}; {len(options.runs)} given")
    old, new = map(load_baseline, paths)
    judgement = {name: getattr(options, name) for name in ("least_change", "max_ratio", "run_noise")}
    comparison = compare(old, new, **judgement)
    print_comparison(console, comparison, max_ratio=options.max_ratio, least_change=options.least_change)
    return comparison.verdict.exit_status


def _compare_repeated(options: argparse.Namespace, console: Console) -> int:
    from bench.compare.comparison import compare_groups  # noqa: PLC0415 - as above

    if options.runs or options.baseline or min(len(options.old), len(options.new)) < FEWEST_RUNS:
        raise UsageError(f"compare --old RUN... --new RUN... takes {FEWEST_RUNS} runs or more of each, and no others")
    old, new = ([load_baseline(path) for path in side] for side in (options.old, options.new))
    comparison = compare_groups(old, new, options.least_change, options.max_ratio)
    print_comparison(console, comparison, max_ratio=options.max_ratio, least_change=options.least_change)
    return comparison.verdict.exit_status


def run_baseline(options: argparse.Namespace, console: Console) -> int:
    """Condense a run to a baseline file.

    Returns:
        The exit status, 0.

    Raises:
        NotComparableError: The run proves nothing.
        UsageError: The folder of the file does not exist.
        StorageError: The file cannot be written.
    """
    baseline = load_baseline(options.run)
    write_file(options.file, encode_baseline(baseline))
    size = options.file.stat().st_size / 1024
    console.print(
        f"{options.file}: {len(baseline.scopes)} scopes, profile {baseline.profile}, {size:.0f} KiB",
        soft_wrap=True,
        highlight=False,
    )
    return 0


def print_comparison(
    console: Console,
    comparison: Comparison,
    *,
    max_ratio: float | None = None,
    least_change: float = MIN_CHANGE,
) -> None:
    """Print what became of each scope, and the verdict.

    Args:
        console: Where to write.
        comparison: What was found.
        max_ratio: By which it was judged.
        least_change: Likewise.
    """
    hopeless = [row for row in comparison.rows if isinf(row.shift.high) and not row.gated]
    console.print(_table([row for row in comparison.rows if row not in hopeless]))
    if hopeless:
        names = ", ".join(f"{row.scope} {row.percentile}" for row in hopeless)
        console.print(f"- too few samples to compare, or too much alike: {names}", soft_wrap=True, highlight=False)
    for failing in comparison.failures:
        then, now = (f"{failed} of {sent}" for failed, sent in (failing.old, failing.new))
        kinds = f" ({describe_failures(failing.kinds)})" if failing.kinds else ""
        style = "bold red" if failing.more else ""
        console.print(
            f"- failed in {failing.phase} {failing.task}: {then} -> {now}{kinds}: {failing.change}", style=style
        )
    for name in comparison.missing:
        console.print(f"- only one of the runs has {name}", highlight=False)
    for difference in comparison.differing:
        console.print(f"- not the same: {difference}", soft_wrap=True, highlight=False)
    if any("CPU" in one or "cores" in one for one in comparison.differing):
        console.print("- the machines differ, so a change may be theirs", style="bold yellow")
    if comparison.run_noise and NOISE_BY_OTHERS * comparison.others >= comparison.run_noise:
        console.print(
            f"- other programs used up to {comparison.others:.0%} of the machine, so single runs say little: "
            "repeated ones, in turns, say more (bench ab)",
            style="bold yellow",
            soft_wrap=True,
        )
    rule = f"at most {max_ratio:g} x" if max_ratio else "no slower"
    least = f"a change is {least_change:.3g} or more at p < {ALPHA:g}"
    if comparison.run_noise:
        least += f", where single runs differ by {comparison.run_noise:.0%}"
    style = f"{STYLES[comparison.verdict]} reverse"
    console.print(Text.assemble((f" {comparison.verdict} ", style), f" {rule} in gated scopes; {least}"))


def _table(rows: list[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column("scope")
    for heading in ("old", "new", "new/old (95%)", "p", "delta"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("change", no_wrap=True)
    held = any(row.verdict for row in rows)
    if held:
        table.add_column("ratio", no_wrap=True)
    for row in rows:
        shift, name = row.shift, f"{row.scope} {row.percentile}"
        cells: list[str | Text] = [
            name if row.gated else Text(name, style="dim"),
            format_ms(row.old_ms),
            format_ms(row.new_ms),
            f"{shift.ratio:.2f} ({_short(shift.low)}-{_short(shift.high)})",
            "<.001" if shift.p < 0.001 else f"{shift.p:.3f}".removeprefix("0"),
            f"{row.delta:+.2f}",
            Text(row.change, style=_CHANGES[row.change]),
        ]
        if held:
            cells.append(_against(row))
        table.add_row(*cells)
    return table


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"


def _against(row: Row) -> Text:
    if row.verdict is None or not row.gated:
        return Text("shown", style="dim")
    return Text("?" if row.verdict is Verdict.INCONCLUSIVE else row.verdict, style=STYLES[row.verdict])


def _noise(text: str) -> float:
    return 0.0 if text in {"0", "0%"} else _share(text)


def _number(lowest: float, expected: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            value = lowest
        if not lowest < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return value

    return read


_ratio = _number(0.0, "a ratio above 0, e.g. 1.2")
_share = _number(0.0, "a share above 0, e.g. 5% or 0.05")
