"""The table of the pairs."""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.verdict.bootstrap import median_interval, ratio_interval
from tools.perf.tokens.measurement import FORMS, Asked, Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console


class Report(msgspec.Struct, frozen=True):
    """What was measured, and on what.

    Attributes:
        conditions: Label and text.
        pairs: By task.
        retold: Tokens of each recipe, of either form, in the long form and in the short one.
        prefix_s: Seconds of reading a recipe's prompt: its constant part known, and not.
    """

    conditions: dict[str, str]
    pairs: dict[str, list[Pair]]
    retold: list[tuple[int, int]]
    prefix_s: list[tuple[float, float]]


class Row(NamedTuple):
    """A figure in both forms, and what the short one's is of the long one's, as a median with its 95 % interval."""

    figure: str
    long: str
    short: str
    ratio: str = ""


def rows_of(task: str, pairs: Sequence[Pair]) -> list[Row]:
    """Return the rows of a task.

    Tokens and times are those of pairs of two answers: what broke off saves nothing. Times are shown as ratios alone.
    """
    whole = [pair for pair in pairs if not any(pair[form].problem for form in FORMS)]
    rows = [
        _row(f"{task}: answers of {len(pairs)}", pairs, lambda asked: sum(not each.problem for each in asked), "d"),
        _row(f"{task}: mean confidence", pairs, lambda asked: mean(each.confidence for each in asked), ".2f"),
        _row(f"{task}: checks not passed", pairs, lambda asked: sum(len(each.failed) for each in asked), "d"),
    ]
    if not whole:
        return rows
    same = sum(pair["long"].text.rstrip() == pair["short"].text for pair in whole)
    tokens = _row(f"{task}: tokens, median", whole, lambda asked: median(each.tokens for each in asked), "g")
    share = median_interval([pair["short"].first_part_s / pair["short"].seconds for pair in whole])
    return [
        tokens._replace(ratio=_ratio(whole, lambda asked: asked.tokens)),
        *rows,
        Row(f"{task}: pairs with the same text", "", f"{same} of {len(whole)}"),
        Row(f"{task}: time", "", "", _ratio(whole, lambda asked: asked.seconds)),
        Row(
            f"{task}: first part after, of the whole time", "", f"{share.median:.2f} ({share.low:.2f}-{share.high:.2f})"
        ),
    ]


def _row(title: str, pairs: Sequence[Pair], figure: Callable[[Sequence[Asked]], float], shape: str) -> Row:
    long, short = (format(figure([pair[form] for pair in pairs]), shape) for form in FORMS)
    return Row(title, long, short)


def _ratio(pairs: Sequence[Pair], figure: Callable[[Asked], float]) -> str:
    ratio = ratio_interval([figure(pair["short"]) for pair in pairs], [figure(pair["long"]) for pair in pairs])
    return f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def print_report(report: Report, console: Console) -> None:
    """Print the table, and what the constant part of a prompt saves."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for heading in ("long form", "short form", "short / long (95 %)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for task, pairs in report.pairs.items():
        for row in rows_of(task, pairs):
            table.add_row(*row)
    if report.retold:
        long, short = map(list, zip(*report.retold, strict=True))
        ratio = ratio_interval(short, long)
        shown = f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
        title = f"recipe: tokens of the same {len(long)} answers, median"
        table.add_row(title, f"{median(long):g}", f"{median(short):g}", shown)
    console.print(table)
    if report.prefix_s:
        ratio = ratio_interval(*map(list, zip(*report.prefix_s, strict=True)))
        console.print(
            "- reading a recipe's prompt whose constant part the server has read before takes"
            f" {ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f}) of reading all of it (prompt_eval_duration)",
            soft_wrap=True,
            highlight=False,
        )
