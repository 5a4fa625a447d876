"""docs/reliability.md is made from the rows, and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.faults.catalogue import FAULTS
from lab.faults.document import DOCUMENT, render
from lab.faults.results import ROWS_FILE, load_rows, save_rows
from lab.faults.row import Row

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Row(
    name="redis-killed",
    part="Redis",
    title="killed | gone",
    verdict="PASS",
    counts={"before": {"cached": 9}, "during": {"cached": 5, "503": 2}, "after": {"cached": 5, "fresh": 1}},
    p99_ms={"before": 3.25, "during": 12.4, "after": None},
    noticed_s=0.21,
    recovery_s=4.04,
    bound_s=10,
    heals_itself=True,
    started_at="2026-12-01T10:00:00+00:00",
    new_share=0.05,
)
ABSENT = Row(
    name="model-volume-full",
    part="Host",
    title="full",
    verdict="not run",
    reasons=["no right to do so"],
    started_at="2026-12-02T10:00:00+00:00",
)


def test_row_says_what_callers_saw_from_the_fault_on() -> None:
    """By kind, with p99 of the three windows; one that began by itself is marked."""
    page = render([GOOD])
    assert (
        "| Redis | killed \\| gone | 1 fresh, 10 cached, 2 503 | 0 | 3.2 / 12 / - | 0.2 | 4.0\\* | 10 | PASS |" in page
    )
    assert "What did not pass" not in page


def test_row_that_was_not_run_has_no_figures_and_says_why() -> None:
    """The summary counts it as what it is."""
    page = render([GOOD, ABSENT])
    assert "| Host | full |  |  |  |  |  | 0 | not run |" in page
    assert "- **Host, full** (`model-volume-full`): not run; no right to do so." in page
    assert "Made on 2026-12-01, 2026-12-02, with 5 % of new requests" in page
    assert "1 rows passed, 0 failed, 0 invalid, 1 not run." in page


def test_rows_replace_earlier_ones_of_the_same_fault(tmp_path: Path) -> None:
    """In the order of the table; a fault that is no longer there goes."""
    file = tmp_path / "rows.json"
    save_rows(file, [ABSENT, GOOD], ["redis-killed", "model-volume-full"])
    again = Row(name="redis-killed", part="Redis", title="killed", verdict="FAIL")
    kept = save_rows(file, [again], ["redis-killed"])
    assert [(row.name, row.verdict) for row in kept] == [("redis-killed", "FAIL")]
    assert load_rows(file) == kept
    assert load_rows(tmp_path / "none.json") == []


def test_document_is_that_of_the_rows_that_are_kept() -> None:
    """`python -m lab.faults --document` writes it again; each row is that of a fault that there is."""
    rows = load_rows(ROWS_FILE)
    assert render(rows) == DOCUMENT.read_text()
    titles = {fault.name: (fault.part, fault.title) for fault in FAULTS}
    assert {row.name: (row.part, row.title) for row in rows} == titles
