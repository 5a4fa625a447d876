"""The terminal: progress while a run goes on, tables when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bench.results import Latency, Result, Verdict

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_STYLES = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INVALID: "bold white on red",
}


def format_ms(milliseconds: float | None) -> str:
    """Return a latency in three significant digits, in the unit that reads best; a dash for none."""
    if milliseconds is None:
        return "-"
    if milliseconds >= 999.5:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.3g} ms"


class ProgressObserver:
    """Shows a bar for each step of a run; the line of a finished step stays, with what came of it.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description:<21}"),
            BarColumn(bar_width=22),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}[/dim]"),
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


def summary_table(result: Result) -> Table:
    """Return the compact table of a result: a line for each task, for the terminal.

    Args:
        result: The run.
    """
    table = Table(title=f"{result.target}  (profile {result.profile})", title_justify="left", title_style="bold")
    for heading in ("task", "uncached p50", "p95", "cached p50", "p95", "faster", "verdict"):
        table.add_column(heading, justify="left" if heading in {"task", "verdict"} else "right")
    for task in result.tasks:
        table.add_row(
            task.task,
            *_cells(task.uncached),
            *_cells(task.cached),
            f"{task.ratio:,.0f} x" if task.ratio else "-",
            Text(task.verdict, style=_STYLES[task.verdict]),
        )
    counts = [f"{phase.phase} {phase.task} {phase.counted}" for phase in result.phases]
    table.caption = f"samples: {', '.join(counts) or 'none'}; of fewer than 20, p95 is the slowest"
    table.caption_justify = "left"
    return table


def threshold_table(result: Result) -> Table:
    """Return the table of bounds: what was asked, what was measured, how sure that is.

    Args:
        result: The run.
    """
    table = Table(title="bounds", title_justify="left", title_style="bold")
    for heading in ("bound", "measured", "95 % sure it is at most", "samples", "verdict"):
        table.add_column(heading, justify="left" if heading in {"bound", "verdict"} else "right")
    for bound in result.thresholds:
        latency = bound.unit == "ms"
        value = format_ms(bound.value) if latency else "-" if bound.value is None else f"{bound.value:.2%}"
        verdict = Text(bound.verdict, style=_STYLES[bound.verdict]) if bound.gated else Text("shown", style="dim")
        table.add_row(
            f"{bound.selector}: {bound.expression}",
            value,
            format_ms(bound.upper) if latency else "",
            str(bound.samples),
            verdict,
        )
    return table


def closing(result: Result, folder: Path | None = None) -> RenderableType:
    """Return the last screen of a run: tables, verdict with its reasons, where the report lies.

    Args:
        result: The run.
        folder: Folder of its files, if they are to be named.
    """
    parts: list[RenderableType] = [Text(), summary_table(result), Text(), threshold_table(result), Text()]
    held = sum(finding.holds for finding in result.evidence)
    line = Text("verdict ") + Text(f" {result.verdict} ", style=_STYLES[result.verdict])
    line += Text(f"  {held} of {len(result.evidence)} rules of evidence hold, {result.duration_s:.0f} s")
    parts.append(line)
    parts += [Padding(Text(f"- {reason}"), (0, 0, 0, 2)) for reason in result.reasons]
    if folder is not None:
        parts.append(Text(f"report  {folder / 'report.html'}"))
    return Group(*parts)


def _cells(latency: Latency | None) -> tuple[str, str]:
    return (format_ms(latency.p50_ms), format_ms(latency.p95_ms)) if latency else ("-", "-")
