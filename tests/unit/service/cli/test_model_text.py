"""Models in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ai_service.cli.model_text import described, processor, until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"size": 100, "size_vram": 100}, "100% GPU"),
        ({"size": 100, "size_vram": 0}, "100% CPU"),
        ({"size": 100}, "100% CPU"),
        ({"size": 100, "size_vram": 52}, "48%/52% CPU/GPU"),
        ({"size": 0}, "unknown"),
    ],
)
def test_processor_is_named_as_ollama_names_it(model: dict[str, Any], words: str) -> None:
    """With the share of each where a model lies on both."""
    assert processor(model) == words


@pytest.mark.parametrize(
    ("expires_at", "words"),
    [
        ("2026-11-30T12:04:00Z", "4 minutes from now"),
        ("2026-11-30T15:00:00+01:00", "2 hours from now"),
        ("2026-11-30T12:00:30.123456789Z", "30 seconds from now"),
        ("2026-11-30T11:59:00Z", "stopping"),
        ("2318-01-01T00:00:00Z", "forever"),
        ("", "unknown"),
    ],
)
def test_time_in_memory_is_told_from_now_on(expires_at: str, words: str) -> None:
    """In the largest unit that fits."""
    assert until(expires_at, NOW) == words


def test_a_model_is_described_by_what_the_server_tells() -> None:
    """An old server tells less; a long licence is cut, and says where the rest is."""
    told = {
        "details": {"family": "gemma3", "parameter_size": "268M"},
        "model_info": {"general.architecture": "gemma3", "gemma3.context_length": 32768},
        "parameters": "stop    <end>\nnum_ctx 4096",
        "license": "\n".join(f"line {number}" for number in range(9)),
    }
    shown = described(told)
    assert shown["Model"] == [("architecture", "gemma3"), ("parameters", "268M"), ("context length", "32768")]
    assert shown["Parameters"] == [("stop", "<end>"), ("num_ctx", "4096")]
    assert [line for _, line in shown["License"]] == ["line 0", "line 1", "line 2", "line 3", "... (all of it: --json)"]
    assert described({})["Model"] == [("architecture", "unknown")]
