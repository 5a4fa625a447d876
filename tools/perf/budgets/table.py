"""Budgets on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.report.console import STYLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from tools.perf.budgets.finding import Finding


def format_figure(finding: Finding) -> str:
    """Return what was measured, with its unit."""
    return f"{finding.value:.3g} {finding.unit}".rstrip()


def _table(findings: Sequence[Finding]) -> Table:
    """Return a line for each budget."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("budget", no_wrap=True)
    for heading in ("at most", "measured", "95% interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for finding in findings:
        spread = "-" if finding.low == finding.high else f"{finding.low:.3g}-{finding.high:.3g}"
        verdict = Text(finding.verdict, style=STYLES[finding.verdict])
        table.add_row(finding.name, f"{finding.limit:g} {finding.unit}", format_figure(finding), spread, verdict)
    return table


def print_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print the table, and how each figure came about."""
    console.print(_table(findings))
    for finding in findings:
        console.print(f"- {finding.name}: {finding.how}", soft_wrap=True, highlight=False)
