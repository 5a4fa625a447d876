"""Calls beside the load end, whatever the other side sends."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING

import pytest

from bench.errors import TargetError
from bench.evidence.counters import Counters
from bench.evidence.ollama import Ollama
from bench.failures import failure_kind
from bench.load.plan import ClosedLoop, Phase
from bench.load.target import Target
from bench.load.whole_answer import UnfinishedAnswerError
from bench.samples import read_samples
from bench.sequential.stream import StreamRun
from bench.tls import SYSTEM
from tests.unit.bench.load.test_client import CLOSE, ByteServer

if TYPE_CHECKING:
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS = {
    "body that drips": (OK + b"Content-Length: 4000\r\n\r\n", *[b"x"] * 4000),
    "head that drips": (*[OK[at : at + 1] for at in range(len(OK))], *[b"X", b"-", b"A", b":", b"b", b"\r\n"] * 500),
    "interim answers without end": (*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 4000,),
    "chunks that drip": (OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 4000),
    "trailers that drip": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", *[b"X-A: b\r\n"] * 4000),
    "flood": (OK + b"Content-Length: 9000000\r\n\r\n", *[b"x" * 50_000] * 9, CLOSE),
    "flood of heads": (*[b"HTTP/1.1 102 Processing\r\n\r\n" * 2000] * 9, CLOSE),
}
"""Answers without an end, by what does not end."""

UNFINISHED = r"(timeout: no whole answer within 0\.3 s|body: larger)"


@pytest.fixture(params=ANSWERS)
def endless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ByteServer:
    """Return a server whose answers do not end within small bounds."""
    monkeypatch.setattr("bench.load.target.PAGE_SECONDS", 0.3)
    monkeypatch.setattr("bench.evidence.ollama.PAGE_SECONDS", 0.3)
    monkeypatch.setattr("bench.load.target.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("bench.sequential.stream.ANSWER_SECONDS", 0.3)
    monkeypatch.setattr("bench.load.whole_answer.MAX_BYTES", 100_000)
    return ByteServer(*ANSWERS[request.param], pause_s=0.0 if "flood" in request.param else 0.02)


def test_a_target_whose_pages_do_not_end_is_told_and_not_waited_for(endless: ByteServer) -> None:
    """A byte now and then is no answer, neither of a head nor of a body; nor is more than a page has."""
    began = time.monotonic()
    with endless, Target(endless.url) as target:
        with pytest.raises(TargetError, match=f"/health/ready: {UNFINISHED}"):
            target.require_ready()
        assert target.counters() == Counters()
        assert target.facts()["service version"] == "not told"
        assert failure_kind(target.ask("recipe", "seed", 0)["failure"]) in {"timeout", "body"}
        took = time.monotonic() - began
    assert took < 20  # A whole answer would take 60 s and more.


def test_an_ollama_whose_pages_do_not_end_is_told_and_not_waited_for(endless: ByteServer) -> None:
    """Likewise."""
    with endless, Ollama(endless.url) as ollama, pytest.raises(TargetError, match=f"/api/ps.*{UNFINISHED}") as caught:
        ollama.loaded()
    assert isinstance(caught.value.__cause__, UnfinishedAnswerError)


def test_a_stream_that_does_not_end_has_failed(endless: ByteServer, tmp_path: Path) -> None:
    """With its kind, and the next one is asked."""
    with endless:
        StreamRun(endless.url, SYSTEM).run(
            Phase("stream", "recipe", ClosedLoop(2, 20.0)), tmp_path / "samples", lambda _done: None
        )
    samples, end = read_samples(tmp_path / "samples")
    assert [failure_kind(sample.failure) in {"timeout", "body"} for sample in samples] == [True, True]
    assert end is not None


def test_nothing_is_unpacked() -> None:
    """Some hundred bytes may be as many megabytes; the load's client unpacks nothing, either."""
    packed = gzip.compress(b'{"success": true, "data": {}, "meta": {"provider": "p"}}')
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    with ByteServer(head + packed) as server, Target(server.url) as target:
        assert failure_kind(target.ask("recipe", "seed", 0)["failure"]) == "body"
    assert b"\r\nAccept-Encoding: identity\r\n" in server.server.requests[0]
