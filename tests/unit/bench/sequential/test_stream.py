"""Streams as a reader sees them: when text comes, whatever else a server sends between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.load.plan import ClosedLoop, Phase
from bench.samples import Sample, read_samples
from bench.sequential.stream import StreamRun
from bench.tls import SYSTEM
from tests.unit.bench.load.test_client import CLOSE, ByteServer

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
ANSWER = b'event: answer\ndata: {"success": true, "data": {}, "meta": {"provider": "p"}}\n\n'
PAUSE_S = 0.2


def delta(data: str) -> bytes:
    """Return an event with a piece of text."""
    return b"event: delta\ndata: %s\n\n" % data.encode()


def streamed(tmp_path: Path, *pieces: bytes) -> Sample:
    """Ask a server for a stream that sends these, with a pause after each."""
    phase = Phase("stream", "recipe", ClosedLoop(1, 20.0))
    with ByteServer(HEAD, *pieces, CLOSE, pause_s=PAUSE_S) as server:
        StreamRun(server.url, SYSTEM).run(phase, tmp_path / "samples", lambda _asked: None)
    ((sample,), _end) = read_samples(tmp_path / "samples")
    return sample


@pytest.mark.parametrize("first", ['{"text": ""}', '{"text": null}', "{}", '{"role": "assistant"}'])
def test_a_first_delta_without_text_is_no_token(tmp_path: Path, first: str) -> None:
    """Some servers send one at once, which would be a time to the first token of nothing."""
    sample = streamed(tmp_path, delta(first), delta('{"text": "a"}'), delta('{"text": "b"}'), ANSWER)
    assert (sample.ok, len(sample.token_ns)) == (True, 2), sample.failure
    assert sample.token_ns[0] > 2 * PAUSE_S * 1e9


def test_forty_deltas_in_one_chunk_came_together(tmp_path: Path) -> None:
    """The pause before them is what a reader waits."""
    forty = delta('{"text": "a"}') * 40
    sample = streamed(tmp_path, forty, forty, ANSWER)
    assert len(sample.token_ns) == 80
    assert len(set(sample.token_ns)) == 2
    assert sample.token_ns[40] - sample.token_ns[39] > 0.9 * PAUSE_S * 1e9


@pytest.mark.parametrize(
    ("pieces", "failure"),
    [
        ((delta('{"text": "a"}'),), "the stream ended without an answer"),
        ((b'event: error\ndata: {"error": "no"}\n\n',), "the stream ended with an error"),
    ],
)
def test_a_stream_without_an_answer_has_failed(tmp_path: Path, pieces: tuple[bytes, ...], failure: str) -> None:
    """However much text came."""
    assert streamed(tmp_path, *pieces).failure == failure
