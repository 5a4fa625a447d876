"""The documents: their fenced blocks, links and headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
COMMANDS = "bash"
"""Language of blocks that people type."""
_REASON = re.compile(r"<!-- not run: (.+) -->")
_FENCE = re.compile(r"^( *)```(\S*)\s*$")
_CODE = re.compile(r"(`+)(.+?)\1")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        page: The document, from the root of the checkout.
        line: Number of its first line.
        language: Of its fence; "" without one.
        text: What is in it.
        reason: Why it is not run; "" where it is.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str


def pages() -> list[Path]:
    """Return all documents."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("roles/*/README.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Return a document's blocks in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    name, opened, reason = page.relative_to(ROOT).as_posix(), -1, ""
    indent, language = "", ""
    for number, line in enumerate(lines):
        fence = _FENCE.match(line)
        if opened < 0 and fence:
            indent, language, opened = fence[1], fence[2], number
            found = _REASON.search(lines[number - 1]) if number else None
            reason = found[1] if found else ""
        elif opened >= 0 and fence and not fence[2]:
            text = "\n".join(each.removeprefix(indent) for each in lines[opened + 1 : number])
            yield Block(name, opened + 2, language, text, reason)
            opened = -1


def commands() -> list[Block]:
    """Return the blocks that people type, of all documents."""
    return [block for page in pages() for block in blocks(page) if block.language == COMMANDS]


def prose(page: Path) -> str:
    """Return a document without its fenced blocks."""
    kept, fenced = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def inline_code(page: Path) -> list[str]:
    """Return what stands between backticks in the prose of a document."""
    return [match[2].replace("\\|", "|") for match in _CODE.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown renderer gives the headings of a document."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.*)$", prose(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
        name, count = slug, 0
        while name in found:
            count += 1
            name = f"{slug}-{count}"
        found.add(name)
    return found
