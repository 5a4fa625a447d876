"""Every link of the documents leads somewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.documents.pages import ROOT, anchors, blocks, pages, prose

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r"\]\(([^)\s]+)\)")


def broken(page: Path) -> list[str]:
    """Return the relative links of a document whose file or heading is not there."""
    found = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    """Relative ones; those to the web are not asked."""
    assert broken(page) == []


def test_alerts_link_to_sections_of_the_runbook() -> None:
    """Each of the role's alerts, as the page's reader opens it from a message."""
    rules = "\n".join(file.read_text() for file in ROOT.glob("roles/monitoring/**/*.yml*"))
    linked = set(re.findall(r"operations\.md#([\w-]+)", rules))
    assert linked <= anchors(ROOT / "docs/operations.md")


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    """A file and a heading that are not there; code and fenced blocks are no links."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` c\n[1](no.md) [2](#a-b-c) [3](#d) [4](page.md#a-b-c) [5](https://x)\n```text\n[6](no)\n```\n"
    )
    assert broken(page) == ["no.md", "#d"]


def test_every_block_names_its_language() -> None:
    """`bash` is what people type, and is run or says why not; `text` is what programs print."""
    unnamed = [f"{each.page}:{each.line}" for page in pages() for each in blocks(page) if not each.language]
    assert unnamed == []
