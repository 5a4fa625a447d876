"""The stand-in for a hosted fallback answers at once, or refuses, by a word in a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.unit.lab.faults.host_programs import running

if TYPE_CHECKING:
    from pathlib import Path

QUESTION = {"messages": [{"role": "user", "content": "Name a herb"}]}


def test_fallback_answers_at_once_or_refuses(tmp_path: Path) -> None:
    """By OpenAI's wire format, with a status of the word."""
    with running(tmp_path, "lab.faults.stand_in_fallback", str(tmp_path)) as fallback:
        answer = fallback.post("/v1/chat/completions", json=QUESTION).json()
        assert json.loads(answer["choices"][0]["message"]["content"])["suggestions"]
        assert fallback.get("/v1/models").json()["data"]
        for status in (401, 429):
            (tmp_path / "fallback").write_text(str(status))
            assert fallback.post("/v1/chat/completions", json=QUESTION).status_code == status
