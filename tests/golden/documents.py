"""The commands of the documents: how many are run by tests, and why the others are not."""

from __future__ import annotations

from collections import Counter

from tests.unit.documents.pages import commands


def describe_documents() -> str:
    """Return the number of blocks that are run and not run, then each block of the latter with its reason."""
    found = commands()
    run = Counter(block.page for block in found if not block.reason)
    skipped = [block for block in found if block.reason]
    lines = [f"run: {run.total()}", *(f"  {page}: {count}" for page, count in sorted(run.items()))]
    lines += [f"not run: {len(skipped)}"]
    lines += [f"  {block.page}: {block.text.strip().splitlines()[0]}: {block.reason}" for block in skipped]
    return "\n".join(lines) + "\n"
