"""What the caller sees when a part is lost: a right answer, a labelled one, or an error in time."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lab.ollama_process import OllamaProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.redis_server import RedisServer
    from tests.integration.service.program import Program

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
OLD = {"partial": ["tomato"]}
RECOVERY_S = 30.0
FORGOTTEN_S = 2.5
"""Longer than the memory layer trusts an entry without asking Redis."""


STORED = "alchemorsel; fwd=miss; stored"
INGREDIENT_LISTS = (
    ["tomato", "basil"],
    ["onion", "carrot"],
    ["lentil"],
    ["rice", "leek"],
    ["potato", "cream"],
    ["egg"],
)


def is_stored(program: Program) -> bool:
    """Tell whether answers are stored: of some questions, since one of a small model is sometimes not worth it."""
    asked = (program.ask(INGREDIENTS, {"partial": partial}) for partial in INGREDIENT_LISTS)
    return any(answer.headers["cache-status"] == STORED for answer in asked)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_redis_is_no_error(
    start: Callable[..., Program], ollama: OllamaProcess, redis_server: RedisServer, number: signal.Signals
) -> None:
    """Killed or hung: what the process remembers is served, the rest is computed, and the log says it once."""
    with start(ollama, REDIS_TIMEOUT="50ms") as program:
        before = program.ask(INGREDIENTS, OLD)
        redis_server.signal(number)
        time.sleep(FORGOTTEN_S)
        kept = program.ask(INGREDIENTS, OLD)
        fresh = program.ask(INGREDIENTS, {"partial": ["lost", number.name]})
        messages = [line["message"] for line in program.log() if line["logger"].endswith("redis_health")]
        health = program.http.get("/health").json()
    assert "detail=memory" in kept.headers["cache-status"]
    assert kept.content == before.content
    assert (fresh.status_code, fresh.json()["meta"]["provider"]) == (200, "ollama")
    assert len(messages) == 1
    assert "Redis does not answer" in messages[0]
    assert (health["status"], health["cache"]["available"]) == ("degraded", False)


def test_a_redis_that_comes_back_is_used_again(
    start: Callable[..., Program], ollama: OllamaProcess, redis_server: RedisServer
) -> None:
    """Without a restart."""
    with start(ollama) as program:
        redis_server.kill()
        program.ask(INGREDIENTS, {"partial": ["leek"]})
        redis_server.start()
        give_up = time.monotonic() + RECOVERY_S
        while not program.http.get("/health").json()["cache"]["available"]:
            assert time.monotonic() < give_up
            time.sleep(0.2)
        assert is_stored(program)


def test_a_redis_that_fills_up_still_gives_and_later_takes_again(
    start: Callable[..., Program], ollama: OllamaProcess, redis_server: RedisServer
) -> None:
    """It serves what it holds; what it refuses is the model's answer all the same, remembered by the process."""
    new = {"partial": ["full"]}
    with start(ollama) as program:
        before = program.ask(INGREDIENTS, OLD)
        time.sleep(FORGOTTEN_S)
        redis_server.limit_memory(1)
        held = program.ask(INGREDIENTS, OLD)
        refused = program.ask(INGREDIENTS, new)
        time.sleep(FORGOTTEN_S)
        remembered = program.ask(INGREDIENTS, new)
        health = program.http.get("/health").json()
        redis_server.limit_memory(0)
        assert is_stored(program)
    assert "detail=redis" in held.headers["cache-status"]
    assert held.content == before.content
    assert (refused.status_code, refused.headers["cache-status"]) == (200, "alchemorsel; fwd=miss")
    assert refused.json()["meta"]["provider"] == "ollama"
    assert "detail=memory" in remembered.headers["cache-status"]
    assert remembered.content == refused.content
    assert (health["status"], health["cache"]["available"]) == ("healthy", True)


def test_a_flushed_redis_is_filled_again(
    start: Callable[..., Program], ollama: OllamaProcess, redis_server: RedisServer
) -> None:
    """The model answers once more, and a process that starts then finds that answer."""
    with start(ollama) as program:
        program.ask(INGREDIENTS, OLD)
        redis_server.flush()
        time.sleep(FORGOTTEN_S)
        again = program.ask(INGREDIENTS, OLD)
        with start(ollama) as other:
            found = other.ask(INGREDIENTS, OLD)
    assert (again.status_code, again.headers["cache-status"]) == (200, STORED)
    assert again.json()["meta"]["provider"] == "ollama"
    assert "detail=redis" in found.headers["cache-status"]
    assert found.content == again.content


def test_a_lost_ollama_degrades_and_recovers(start: Callable[..., Program]) -> None:
    """Hits go on, new questions get a labelled stand-in that is not stored, and the model's answers come back."""
    new = {"partial": ["pear"]}
    with OllamaProcess() as server:
        program = start(server, AI_FALLBACKS="mock")
        with program:
            before = program.ask(INGREDIENTS, OLD)
            server.stop()
            hit = program.ask(INGREDIENTS, OLD)
            stand_in = [program.ask(INGREDIENTS, new) for _ in range(2)]
            port = int(server.url.rpartition(":")[2])
            with OllamaProcess(port=port):
                give_up = time.monotonic() + RECOVERY_S
                while (back := program.ask(INGREDIENTS, new)).json()["meta"]["provider"] == "mock":
                    assert time.monotonic() < give_up
                    time.sleep(0.5)
    assert hit.headers["cache-status"].startswith("alchemorsel; hit;")
    assert hit.content == before.content
    for answer in stand_in:
        assert answer.headers["cache-status"] == "alchemorsel; fwd=miss"
        meta = answer.json()["meta"]
        assert (meta["provider"], meta["degraded"], meta["confidence"]) == ("mock", True, 0.0)
        assert answer.headers["x-ai-degraded"] == f'sample;reason="{meta["degraded_reason"]}"'
    assert back.json()["meta"]["degraded"] is False


def test_hits_go_on_in_a_process_that_starts_without_ollama(start: Callable[..., Program]) -> None:
    """It learns the model's digest from Redis."""
    with OllamaProcess() as server, start(server) as program:
        before = program.ask(INGREDIENTS, OLD)
    with start(server) as program:
        hit = program.ask(INGREDIENTS, OLD)
        assert program.http.get("/health/ready").status_code == 200
    assert "detail=redis" in hit.headers["cache-status"]
    assert hit.content == before.content


def test_a_hung_ollama_costs_a_deadline_and_no_more(start: Callable[..., Program]) -> None:
    """With no stand-in allowed, the answer is 503 in time, and it says when to come again."""
    with (
        OllamaProcess() as server,
        start(server, AI_FALLBACKS="openai", OLLAMA_TIMEOUT="1s", OLLAMA_LOAD_TIMEOUT="1s") as program,
    ):
        os.kill(server.pid, signal.SIGSTOP)
        try:
            answer = program.ask(INGREDIENTS, {"partial": ["hung"]})
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["details"] == [{"provider": "ollama", "problem": "timeout"}]
    assert int(answer.headers["retry-after"]) >= 1


def test_a_stopping_service_answers_what_it_has_begun(start: Callable[..., Program], ollama: OllamaProcess) -> None:
    """SIGTERM drains: nobody who was let in is sent away."""
    with start(ollama) as program, ThreadPoolExecutor() as pool:
        begun = pool.submit(program.ask, "/api/v1/ai/generate-recipe", {"prompt": "bean stew"})
        while "queue_running 1.0" not in program.http.get("/metrics").text:
            time.sleep(0.02)
        program.process.send_signal(signal.SIGTERM)
        answer = begun.result()
    assert answer.status_code == 200
    assert answer.json()["meta"]["provider"] == "ollama"
