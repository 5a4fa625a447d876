"""The loss of any one part degrades answers instead of breaking them, and recovery needs nobody."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ai_service_hosts"

_PATH = "/api/v1/ai/suggest-ingredients"
_REDIS = "redis-server@alchemorsel.service"
_RECOVERY_S = 120

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def client(host: Host, variables: Variables) -> Client:
    """Give a client of this host's service."""
    return Client.of_api(host, variables("ai_service"))


@contextlib.contextmanager
def _stopped(host: Host, stop: str, start: str) -> Iterator[None]:
    host.check_output(stop)
    try:
        yield
    finally:
        host.check_output(start)


def _request() -> dict[str, Any]:
    """Build a request never sent before."""
    return {"partial": ["tomato", secrets.token_hex(4)]}


def _meta(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["status"] == 200, answer["body"]
    meta: dict[str, Any] = json.loads(answer["body"])["meta"]
    return meta


def _await_primary(client: Client) -> None:
    """Wait until Ollama answers new requests again, within the time of a breaker's cooldown and a model load."""
    deadline = time.monotonic() + _RECOVERY_S
    while time.monotonic() < deadline:
        if _meta(client.send(_PATH, _request()))["provider"] == "ollama":
            return
        time.sleep(2)
    pytest.fail(f"Ollama is back, but the service does not use it after {_RECOVERY_S} s")


def test_without_ollama_the_cache_answers_and_new_answers_are_labelled(
    host: Host, client: Client, variables: Variables
) -> None:
    """A cached request is still a hit; a new one is answered by the fallback, and says so."""
    cached = _request()
    before = client.send(_PATH, cached)
    assert _meta(before)["provider"] == "ollama"
    name = variables("ollama")["ollama_container_name"]
    with _stopped(host, f"docker stop {name}", f"docker start {name}"):
        during = client.send(_PATH, cached)
        assert "hit" in during["headers"]["cache-status"]
        assert during["body"] == before["body"]
        new = _meta(client.send(_PATH, _request()))
        assert (new["provider"], new["degraded"]) == ("mock", True)
    _await_primary(client)


def test_without_redis_new_requests_are_answered_and_cached_again_afterwards(host: Host, client: Client) -> None:
    """The cache's loss costs time, not answers; once it is back, hits are back."""
    with _stopped(host, f"systemctl stop {_REDIS}", f"systemctl start {_REDIS}"):
        assert _meta(client.send(_PATH, _request()))["provider"] == "ollama"
    deadline = time.monotonic() + _RECOVERY_S
    while time.monotonic() < deadline:
        request = _request()
        client.send(_PATH, request)
        if "hit" in client.send(_PATH, request)["headers"]["cache-status"]:
            return
    pytest.fail(f"Redis is back, but nothing is a hit after {_RECOVERY_S} s")
