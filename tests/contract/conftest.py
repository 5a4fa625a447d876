"""Real servers for the contract suites."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.contract.certificates import Authority
from tests.contract.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for all; tests take keys of their own."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Who certifies servers."""
    return Authority()


@pytest.fixture(scope="session")
def redis_server_with_tls(authority: Authority) -> Iterator[RedisServer]:
    """One Redis that speaks TLS only."""
    with RedisServer(authority=authority) as server:
        yield server


@pytest.fixture
def key() -> str:
    """Create a key used by no other test."""
    return f"ai:v2:test:{uuid4().hex}"
