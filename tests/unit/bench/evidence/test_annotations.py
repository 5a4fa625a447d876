"""Marks are read as a shell writes them, and a mistake is told with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bench.errors import FileFormatError
from bench.evidence.annotations import read_annotations
from bench.results import Annotation

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_annotations_of_the_run_come_in_order_of_time_whatever_their_zone(tmp_path: Path) -> None:
    """The comma and the zone of ``date --iso-8601=ns`` are understood; before and after the run is not in it."""
    file = tmp_path / "annotations.txt"
    file.write_text(
        "2026-01-02T12:00:20.5+00:00 redis back\n\n"
        "2026-01-02T13:00:10,250000000+01:00 redis stopped for good\n"
        "2026-01-02T11:59:59+00:00 before\n2026-01-02T12:01:01+00:00 after\n",
        encoding="utf-8",
    )
    assert read_annotations(file, BEGAN, 60.0) == [
        Annotation(at_s=10.25, what="redis stopped for good"),
        Annotation(at_s=20.5, what="redis back"),
    ]


def test_no_file_means_that_nothing_was_done(tmp_path: Path) -> None:
    """Whoever injects faults may make the file with the first one."""
    assert read_annotations(tmp_path / "none", BEGAN, 60.0) == []


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("noon redis stopped", "1:1", "'noon' is no time"),
        ("2026-01-02T12:00:00 redis stopped", "1:1", "names no time zone"),
        ("2026-01-02T12:00:00Z", "1:21", "nothing stands after the time"),
    ],
)
def test_a_line_that_is_no_mark_is_told_with_its_place(tmp_path: Path, line: str, place: str, message: str) -> None:
    """The error says what would be right."""
    file = tmp_path / "annotations.txt"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=message) as caught:
        read_annotations(file, BEGAN, 60.0)
    assert str(caught.value).startswith(f"{file}:{place}: ")
    assert "expected 'TIME WHAT'" in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder is no file of annotations."""
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_annotations(tmp_path, BEGAN, 60.0)
