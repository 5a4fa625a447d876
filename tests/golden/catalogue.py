"""The golden files by name, and what makes the text of each from the program as it is."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden import commands, curl, documents, help_texts, metrics, openapi, roles, settings, statuses
from tests.golden.served import served

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).with_name("files")
UPDATE = "python -m tests.golden"

CATALOGUE: dict[str, Callable[[], str]] = {
    "answers.txt": lambda: served().answers,
    "commands.txt": commands.describe_commands,
    "curl.txt": curl.describe_curl_lines,
    "documents.txt": documents.describe_documents,
    "exit_statuses.txt": statuses.describe_statuses,
    "metrics.txt": metrics.describe_metrics,
    "openapi.json": openapi.describe_document,
    "settings.txt": settings.describe_settings,
    **{f"help/{name}.txt": make for name, make in help_texts.PROGRAMS.items()},
    **{f"roles/{name}.json": make for name, make in roles.ROLES.items()},
}


def difference(name: str, today: str) -> str:
    """Compare today's text with the golden file.

    Args:
        name: The golden file's.
        today: The text as the program makes it now.

    Returns:
        A unified diff; "" where they are equal. A missing file counts as an empty one.
    """
    file = FOLDER / name
    kept = file.read_text() if file.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), today.splitlines(), f"accepted tests/golden/files/{name}", "the program today", lineterm=""
    )
    return "\n".join(lines)


def orphans() -> list[str]:
    """Name the golden files that nothing makes any more."""
    kept = (file.relative_to(FOLDER).as_posix() for file in FOLDER.rglob("*") if file.is_file())
    return sorted(set(kept) - set(CATALOGUE))
