"""The real Redis, the real Ollama with a real model, and the real program between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.ollama_process import OllamaProcess
from tests.contract.redis_server import RedisServer
from tests.integration.service.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.service.meddler import Meddler


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Run a Redis for a test to stop and kill."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaProcess]:
    """Run the lab's Ollama."""
    with OllamaProcess() as server:
        yield server


@pytest.fixture
def start(redis_server: RedisServer) -> Callable[..., Program]:
    """Give a factory of programs with this Redis and an Ollama; given settings take precedence."""

    def make(ollama: OllamaProcess | Meddler, **settings: str) -> Program:
        return Program(
            **{
                "OLLAMA_HOST": ollama.url,
                "OLLAMA_MODEL": ollama.model,
                "RECIPE_MAX_TOKENS": "512",
                **redis_server.settings,
                **settings,
            }
        )

    return make
