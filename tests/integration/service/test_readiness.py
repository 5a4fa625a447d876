"""A fresh process beside stored answers: its first request is a hit, however slow its surroundings were at first."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from ai_service.cache.keys import model_key
from tests.contract.redis_server import USER, RedisServer
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
QUESTION = {"partial": ["tomato"]}
SLOW_S = 2.5
"""Longer than one look at a model's server, shorter than the patience of a start."""


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """Run a model server with immediate answers."""
    with ModelServer() as server:
        yield server


def program(redis_server: RedisServer, model: ModelServer, **settings: str) -> Program:
    """One that uses both."""
    return Program(
        **{
            "OLLAMA_HOST": model.url,
            "OLLAMA_MODEL": MODEL,
            "REDIS_URL": redis_server.url,
            "REDIS_USERNAME": USER,
            "REDIS_PASSWORD_FILE": str(redis_server.password_file),
            **settings,
        }
    )


def store_answer(redis_server: RedisServer, model: ModelServer) -> None:
    """Have an answer stored by a process that ends then."""
    with program(redis_server, model) as first:
        assert first.ask(INGREDIENTS, QUESTION).headers["cache-status"] == "alchemorsel; fwd=miss; stored"


def test_a_redis_that_is_slow_at_first(redis_server: RedisServer, model: ModelServer) -> None:
    """It hangs while the process starts, and goes on."""
    store_answer(redis_server, model)
    redis_server.signal(signal.SIGSTOP)
    going_on = threading.Timer(SLOW_S, redis_server.signal, (signal.SIGCONT,))
    going_on.start()
    with program(redis_server, model) as fresh:
        answer = fresh.ask(INGREDIENTS, QUESTION)
        assert fresh.http.get("/health/ready").status_code == 200
    going_on.join()
    assert "detail=redis" in answer.headers["cache-status"]
    assert model.asked == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_redis_that_is_down(redis_server: RedisServer, model: ModelServer, number: signal.Signals) -> None:
    """Refused or silent: the process serves without it."""
    redis_server.signal(number)
    with program(redis_server, model) as fresh:
        answer = fresh.ask(INGREDIENTS, QUESTION)
        health = fresh.http.get("/health").json()
        assert fresh.http.get("/health/ready").status_code == 200
    assert (answer.status_code, health["cache"]["available"]) == (200, False)


def test_an_ollama_that_is_slow_at_first(redis_server: RedisServer, model: ModelServer) -> None:
    """Its digest is not remembered anywhere, so that no stored answer could be found without it."""
    store_answer(redis_server, model)
    redis_server.forget(model_key("ollama", MODEL))
    with ModelServer(slow_until=time.monotonic() + SLOW_S, slow_s=60.0) as slow:
        with program(redis_server, slow) as fresh:
            answer = fresh.ask(INGREDIENTS, QUESTION)
        assert "detail=redis" in answer.headers["cache-status"]
        assert slow.asked == 0


def test_an_ollama_that_is_down_with_its_digest_remembered(redis_server: RedisServer, model: ModelServer) -> None:
    """Stored answers are found by what Redis remembers."""
    store_answer(redis_server, model)
    with program(redis_server, model, OLLAMA_HOST="http://127.0.0.1:9") as fresh:
        answer = fresh.ask(INGREDIENTS, QUESTION)
        assert fresh.http.get("/health/ready").status_code == 200
    assert "detail=redis" in answer.headers["cache-status"]
