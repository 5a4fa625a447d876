"""The terminal: progress while a run goes on, tables when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bench.report.formats import NOTHING, format_ms, format_ratio, format_threshold, format_value
from bench.results import Latency, Result, ThresholdResult, Verdict
from bench.run_folder import PAGE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from rich.console import Console

SIGN_OF_LIFE_SECONDS = 10.0

STYLES = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INVALID: "bold magenta",
}
"""How a verdict looks."""


class ProgressObserver:
    """Shows a bar for each step of a run; the line of a finished step stays, with what came of it.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<20}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:>4.0f}/{task.total:<4.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=console,
        )
        self._current = TaskID(0)
        self._total = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def began(self, label: str, total: int) -> None:
        """Show the bar of a new step."""
        self._total = total
        self._current = self._progress.add_task(label, total=total, note="")

    def advanced(self, done: int) -> None:
        """Move the bar."""
        self._progress.update(self._current, completed=min(done, self._total))

    def ended(self, note: str) -> None:
        """Fill the bar and say what came of the step."""
        self._progress.update(self._current, completed=self._total, note=note)


class LineObserver:
    """Writes a line when a step begins and one when it ends: for logs and pipes, where a bar cannot move.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def began(self, label: str, total: int) -> None:
        """Say what begins."""
        self._console.print(f"{label} ({total} requests)", highlight=False)

    def advanced(self, done: int) -> None:
        """Say nothing: a log is no place for a bar."""

    def ended(self, note: str) -> None:
        """Say what came of the step."""
        self._console.print(f"  {note}", highlight=False)


class Activity:
    """What is being done right now: one live line on a terminal, elsewhere a line every ten seconds.

    Args:
        console: Where to write.
        clock: Monotonic seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._status = console.status("starting")
        self._clock = clock
        self._told = clock()

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def tell(self, text: str) -> None:
        """Say what is being done."""
        self._status.update(text)
        if not self._console.is_terminal and self._clock() - self._told >= SIGN_OF_LIFE_SECONDS:
            self._told = self._clock()
            self._console.print(f"  {text}", highlight=False)


def summary_table(result: Result) -> Table:
    """Return the compact table of a result: a line for each task, for the terminal.

    Args:
        result: The run, or the one that `bench.results.load_result` has read.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("task")
    for heading in ("uncached p50", "p95", "cached p50", "p95", "faster"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for task in result.tasks:
        table.add_row(
            task.task,
            *_cells(task.uncached),
            *_cells(task.cached),
            # A ratio without its interval says nothing: of a few answers it is chance.
            format_ratio(task.ratio if task.ratio_low else None),
            Text(task.verdict, style=STYLES[task.verdict]),
        )
    return table


def threshold_table(result: Result) -> Table:
    """Return the table of bounds: what was asked, what was measured, how sure that is.

    Args:
        result: The run.
    """
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("bound", no_wrap=True)
    for heading in ("measured", "95% sure: <=", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for bound in result.thresholds:
        table.add_row(
            format_threshold(bound.selector, bound.expression),
            format_value(bound.unit, bound.value),
            "" if bound.upper is None else format_value(bound.unit, bound.upper),
            str(bound.samples),
            Text(bound.verdict, style=STYLES[bound.verdict]) if bound.gated else _shown(bound),
        )
    return table


def _shown(bound: ThresholdResult) -> Text:
    return Text("shown: broken", style="red") if bound.verdict is Verdict.FAIL else Text("shown", style="dim")


def verdict_line(result: Result) -> Text:
    """Return the run's verdict and how well it is proven, in a line."""
    held = sum(finding.holds for finding in result.evidence)
    return Text.assemble(
        (f" {result.verdict} ", f"{STYLES[result.verdict]} reverse"),
        f" {result.target}, profile {result.profile}: ",
        f"{held} of {len(result.evidence)} checks of evidence hold, {result.duration_s:.0f} s",
    )


def print_closing(console: Console, result: Result, folder: Path) -> None:
    """Print the last screen of a run: tables, verdict with its reasons, where the report lies.

    Args:
        console: Where to write.
        result: The run.
        folder: Folder of its files.
    """
    console.print(summary_table(result), threshold_table(result), verdict_line(result))
    for reason in result.reasons:
        console.print(Padding(Text(f"- {reason}"), (0, 0, 0, 2)))
    # Paths stay in one piece, so that they can be copied.
    console.print(f"\nreport       {folder / PAGE_FILE}", soft_wrap=True, highlight=False)
    console.print(f"raw samples  {folder / result.samples_file}", soft_wrap=True, highlight=False)


def _cells(latency: Latency | None) -> tuple[str, str]:
    return (format_ms(latency.p50_ms), format_ms(latency.p95_ms)) if latency else (NOTHING, NOTHING)
