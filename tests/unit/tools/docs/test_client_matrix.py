"""The page of clients says what a run found."""

from __future__ import annotations

import pytest

from tools.docs.client_matrix import BEGIN, END, PAGE, with_tables

VERSIONS = {"openai-python": "3.0", "curl": "8.0"}
RESULTS = {
    ("openai-python", "plain", "service"): "",
    ("openai-python", "plain", "ollama"): "",
    ("openai-python", "stream", "service"): "",
    ("openai-python", "stream", "ollama"): "APIError 500: a | b",
    ("openai-python", "long", "service"): "unexpected",
    ("openai-python", "tools", "stand-in ollama"): "",
    ("openai-python", "tools_stream", "stand-in ollama"): "no calls",
    ("curl", "plain", "service"): "",
}


def page() -> str:
    """Write a page with these results."""
    return with_tables(f"# Clients\n{BEGIN}old\n{END}After.\n", RESULTS, VERSIONS)


def test_marks_tell_the_service_from_ollama_where_they_differ() -> None:
    """One mark where both did the same, or where Ollama was not asked."""
    rows = [line for line in page().splitlines() if line.startswith("| openai (Python) | 3.0 | OpenAI |")]
    marks = [cell.strip() for cell in rows[0].split("|")][4:]
    assert marks[:3] == ["✓", "", "✓ (Ollama ✗)"]
    assert "✗" in marks
    assert "| curl --http2 | 8.0 | OpenAI | ✓ |" in page()


def test_tools_are_counted() -> None:
    """Of the cells that ran, for each stand-in."""
    assert "| openai (Python) | 3.0 | OpenAI | 1 of 2 | | |" in page()


def test_each_fault_is_shown() -> None:
    """With its client, its server and its cells; a column's separator in it is no column."""
    assert "| openai (Python) | service | `max_tokens` 4096 | `unexpected` |" in page()
    assert "`APIError 500: a \\| b`" in page()


def test_clients_that_did_not_run_have_no_row() -> None:
    """What was there before is replaced."""
    assert "litellm" not in page()
    assert "old" not in page()
    assert page().endswith("After.\n")


def test_page_without_markers_is_refused() -> None:
    """Rather than a page without tables."""
    with pytest.raises(ValueError, match=r"clients\.md lost a marker"):
        with_tables("# Clients\n", RESULTS, VERSIONS)
    assert BEGIN in PAGE.read_text(encoding="utf-8")
