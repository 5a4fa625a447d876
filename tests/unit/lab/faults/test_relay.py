"""The relay passes on or spoils what passes, by a word in a file."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from lab.faults import relay
from lab.ports import free_port, listens
from lab.stand_in_ollama import StandInOllama
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = {"messages": [{"role": "user", "content": "Name a herb"}]}


class Relay(NamedTuple):
    """A relay that runs.

    Attributes:
        ollama: Client of its first port.
        fallback: Client of its second one.
        folder: Where its words are.
    """

    ollama: httpx.Client
    fallback: httpx.Client
    folder: Path


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Relay]:
    """Run the program before a server of Ollama's format."""
    first, second = free_port(), free_port()
    with StandInOllama() as ollama:
        upstream = urlsplit(ollama.url).netloc
        argv = [sys.executable, relay.__file__, str(first), str(second), upstream, str(tmp_path)]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            until(listens(second))
            with (
                httpx.Client(base_url=f"http://127.0.0.1:{first}", trust_env=False) as before,
                httpx.Client(base_url=f"http://127.0.0.1:{second}", trust_env=False) as beside,
            ):
                yield Relay(before, beside, tmp_path)
        finally:
            process.kill()
            process.wait()


def test_answers_pass_until_a_word_says_otherwise(running: Relay) -> None:
    """And again once the word is gone."""
    assert running.ollama.post("/api/chat", json=QUESTION).json()["done"]
    word = running.folder / "ollama"
    word.write_text("503\n")
    assert running.ollama.post("/api/chat", json=QUESTION).status_code == 503
    assert running.ollama.get("/api/tags").status_code == 503
    word.unlink()
    assert running.ollama.post("/api/chat", json=QUESTION).json()["done"]


def test_model_that_hangs_looks_well(running: Relay) -> None:
    """Only questions are left without an answer."""
    (running.folder / "ollama").write_text("hang")
    assert running.ollama.get("/api/tags").json()["models"]
    with pytest.raises(httpx.ReadTimeout):
        running.ollama.post("/api/chat", json=QUESTION, timeout=0.5)


def test_fallback_answers_at_once_or_refuses(running: Relay) -> None:
    """By OpenAI's wire format, with a status of the word."""
    answer = running.fallback.post("/v1/chat/completions", json=QUESTION).json()
    assert json.loads(answer["choices"][0]["message"]["content"])["suggestions"]
    assert running.fallback.get("/v1/models").json()["data"]
    for status in (401, 429):
        (running.folder / "fallback").write_text(str(status))
        assert running.fallback.post("/v1/chat/completions", json=QUESTION).status_code == status
