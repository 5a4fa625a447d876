"""Real servers for the contract suites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for all; tests take keys of their own."""
    with RedisServer() as server:
        yield server
