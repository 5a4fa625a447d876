"""The README tells the truth about settings and commands."""

from __future__ import annotations

import re
from pathlib import Path

from tools.docs.settings_table import PAGE, with_tables

_ROOT = Path(__file__).resolve().parents[2]
README = _ROOT / "README.md"


def test_settings_tables_are_todays() -> None:
    """Every setting is on the page, with its default: `make docs` writes it."""
    assert with_tables(PAGE.read_text()) == PAGE.read_text()


def test_cited_decisions_exist_and_hold() -> None:
    """A page cites the decision in force, not one that another superseded."""
    decisions = {page.name[:4]: page.read_text() for page in (_ROOT / "docs/decisions").glob("*.md")}
    in_force = {number for number, text in decisions.items() if "\nSuperseded by " not in text}
    folders = ("docs/*.md", "roles/*/README.md", "roles/**/*.yml", "ai_service/**/*.py", "bench/**/*.py", "lab/**/*.py")
    pages = [README, _ROOT / "CHANGELOG.md", *(page for pattern in folders for page in _ROOT.glob(pattern))]
    cited = {number for page in pages for number in re.findall(r"decisions?[/ ](\d{4})", page.read_text())}
    assert len(in_force) < len(decisions)
    assert cited
    assert cited <= in_force
