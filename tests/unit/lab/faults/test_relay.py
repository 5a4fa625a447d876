"""The relay passes on or spoils what passes, by a word in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from lab.stand_in_ollama import StandInOllama
from tests.unit.lab.faults.host_programs import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = {"messages": [{"role": "user", "content": "Name a herb"}]}


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[httpx.Client]:
    """Run the program before a server of Ollama's format, commanded by a file of the test's folder."""
    with (
        StandInOllama() as ollama,
        running(tmp_path, "lab.faults.relay", urlsplit(ollama.url).netloc, str(tmp_path)) as client,
    ):
        yield client


def test_answers_pass_until_a_word_says_otherwise(relay: httpx.Client, tmp_path: Path) -> None:
    """And again once the word is gone."""
    assert relay.post("/api/chat", json=QUESTION).json()["done"]
    word = tmp_path / "ollama"
    word.write_text("503\n")
    assert relay.post("/api/chat", json=QUESTION).status_code == 503
    assert relay.get("/api/tags").status_code == 503
    word.unlink()
    assert relay.post("/api/chat", json=QUESTION).json()["done"]


def test_model_that_hangs_looks_well(relay: httpx.Client, tmp_path: Path) -> None:
    """Only questions are left without an answer."""
    (tmp_path / "ollama").write_text("hang")
    assert relay.get("/api/tags").json()["models"]
    with pytest.raises(httpx.ReadTimeout):
        relay.post("/api/chat", json=QUESTION, timeout=0.5)
