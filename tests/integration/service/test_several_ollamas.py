"""One service over two real Ollama servers: both take their share, and the loss of one is nobody's error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from lab.ollama_process import OllamaProcess
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.service.program import Program

INGREDIENTS = "/api/v1/ai/suggest-ingredients"


@pytest.fixture
def second() -> Iterator[OllamaProcess]:
    """Another Ollama, with the same model."""
    with OllamaProcess() as server:
        yield server


def has_loaded(ollama: OllamaProcess) -> bool:
    """Whether the server was asked: the first question has it load the model."""
    return bool(httpx.get(f"{ollama.url}/api/ps").json()["models"])


def rests(program: Program, ollama: OllamaProcess) -> bool:
    """Whether the service sends nothing to a server for a while, by a question's failure or by its own look."""
    servers = {server["url"]: server for server in program.http.get("/health").json()["servers"]}
    return servers[ollama.url]["breaker"] != "closed" or any(
        model["problem"] for model in servers[ollama.url]["models"]
    )


def test_questions_at_a_time_are_spread(
    start: Callable[..., Program], ollama: OllamaProcess, second: OllamaProcess
) -> None:
    """Two at once are one for each, so the second server has loaded its model."""
    with start(ollama, OLLAMA_SERVERS=f"{ollama.url},{second.url}") as program, ThreadPoolExecutor(2) as pool:
        questions = [{"partial": [name]} for name in ("leek", "fennel")]
        answers = list(pool.map(lambda question: program.ask(INGREDIENTS, question), questions))
        asked = has_loaded(second)
    assert [answer.json()["meta"]["provider"] for answer in answers] == ["ollama", "ollama"]
    assert asked


def test_a_lost_server_costs_no_answer(
    start: Callable[..., Program], ollama: OllamaProcess, second: OllamaProcess
) -> None:
    """The other one gives it, not degraded; keys and hits stay as they were, since its model is the same."""
    with start(second, OLLAMA_SERVERS=f"{second.url},{ollama.url}") as program:
        before = program.ask(INGREDIENTS, {"partial": ["leek"]})
        second.stop()
        fresh = program.ask(INGREDIENTS, {"partial": ["celery"]})
        kept = program.ask(INGREDIENTS, {"partial": ["leek"]})
        until(lambda: rests(program, second))
    assert (fresh.status_code, fresh.json()["meta"]["degraded"]) == (200, False)
    assert kept.content == before.content
    assert kept.headers["cache-status"].startswith("alchemorsel; hit")
