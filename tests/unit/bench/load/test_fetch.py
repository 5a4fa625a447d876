"""Calls beside the load end, whatever the other side sends."""

from __future__ import annotations

import httpx
import pytest

from bench.errors import TargetError
from bench.evidence.counters import Counters
from bench.evidence.ollama import Ollama
from bench.load.target import Target
from tests.unit.bench.load.test_client import ByteServer

DRIP = (b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", *[b"x"] * 4000)
FLOOD = (b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", *[b"x" * 50_000] * 9)


@pytest.fixture(params=["drip", "flood"])
def endless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ByteServer:
    """Return a server whose answers do not end within small bounds."""
    monkeypatch.setattr("bench.load.target.PAGE_SECONDS", 0.3)
    monkeypatch.setattr("bench.evidence.ollama.PAGE_SECONDS", 0.3)
    monkeypatch.setattr("bench.load.whole_answer.MAX_BYTES", 100_000)
    return ByteServer(*DRIP, pause_s=0.02) if request.param == "drip" else ByteServer(*FLOOD)


def test_a_target_whose_pages_do_not_end_is_told_and_not_waited_for(endless: ByteServer) -> None:
    """A byte now and then is no answer; nor is more than a page has."""
    with endless, Target(endless.url) as target:
        with pytest.raises(TargetError, match=r"/health/ready: (timeout: no whole answer within 0\.3 s|body: larger)"):
            target.require_ready()
        assert target.counters() == Counters()
        assert target.facts()["service version"] == "not told"


def test_an_ollama_whose_pages_do_not_end_is_told_and_not_waited_for(endless: ByteServer) -> None:
    """Likewise."""
    with endless, Ollama(endless.url) as ollama, pytest.raises(TargetError, match=r"/api/ps: (timeout|body)") as caught:
        ollama.loaded()
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)
