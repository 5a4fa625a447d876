"""Annotations: what was done to the site during a run, and when, so that a report can show a fault beside its effect.

Whoever breaks something writes a line to a file, in any shell::

    echo "$(date --iso-8601=ns) redis stopped" >> annotations.txt

The harness reads the file when the run is over.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.errors import FileFormatError
from bench.results import Annotation

if TYPE_CHECKING:
    from pathlib import Path

_EXPECTED = "expected 'TIME WHAT', the time as of `date --iso-8601=ns`"


def read_annotations(path: Path, started_at: datetime, duration_s: float) -> list[Annotation]:
    """Read the annotations of a run, in order of time; those before and after it are left out.

    Args:
        path: File of annotations. None there means that nothing was done.
        started_at: When the run began.
        duration_s: How long it took, in seconds.

    Raises:
        FileFormatError: The file cannot be read, or a line is no annotation.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"cannot be read ({error}); {_EXPECTED}", str(path)) from error
    found = [_annotation(line, path, number, started_at) for number, line in enumerate(lines, start=1) if line.strip()]
    return sorted((each for each in found if 0 <= each.at_s <= duration_s), key=lambda each: each.at_s)


def _annotation(line: str, path: Path, number: int, started_at: datetime) -> Annotation:
    time, _, what = line.strip().partition(" ")
    try:
        # `date` writes a comma before the fraction, which ISO 8601 prefers.
        at = datetime.fromisoformat(time.replace(",", "."))
    except ValueError as error:
        raise FileFormatError(f"{time!r} is no time; {_EXPECTED}", str(path), number, 1) from error
    if at.tzinfo is None:
        raise FileFormatError(f"{time!r} names no time zone; {_EXPECTED}", str(path), number, 1)
    if not what.strip():
        raise FileFormatError(f"nothing stands after the time; {_EXPECTED}", str(path), number, len(line) + 1)
    return Annotation(at_s=(at.astimezone(UTC) - started_at).total_seconds(), what=what.strip())
