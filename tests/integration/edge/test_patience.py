"""How long the edge waits for its peers: for all of them at the same time, so the tests take as long as the slowest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest
import pytest_asyncio

from tests.edge_program import EdgeProgram
from tests.http_fake import FakeHandler, HTTPFake
from tests.integration.edge.peer import INGREDIENTS, Callers, Peer, post, status_of
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.integration.service.model_server import ModelServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_WAIT_S = 55.0
"""Longer than any deadline of the edge that a test waits for."""
SILENCE_S = 35.0
"""A model's: longer than a caller that does not read may take (30 s), shorter than the service's deadline."""
GROWTH_BYTES = 16 * 1024 * 1024
UNREAD = b"x" * 32 * 1024 * 1024
"""An answer that is not read: more than the sockets on the way hold."""
HALF_BODY = post("/v1/chat/completions", {"model": "fixed:1b"})[:-5]


class _PlentyHandler(FakeHandler):
    def do_GET(self) -> None:
        """Answer with much."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(UNREAD)))
        self.end_headers()
        with contextlib.suppress(OSError):  # the edge cuts the reader off
            self.wfile.write(UNREAD)


class Plenty(HTTPFake):
    """A server whose answers fit no buffer."""

    handler = _PlentyHandler


@dataclass
class Seen:
    """What came of the peers."""

    half_head: bytes
    half_body: bytes
    slow_model: tuple[int, dict[str, str], bytes]
    reader_was_cut: bool
    statuses: list[int]
    grown_bytes: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(edge: EdgeProgram, model: ModelServer) -> AsyncIterator[Seen]:
    """Have all of them wait, beside callers that do what callers do."""
    until(lambda: edge.states() == {"1": "UP", "2": "UP"})
    process = psutil.Process(edge.pid())
    async with Callers(edge.port) as callers:
        await callers.more(50)
        model.answer_s = SILENCE_S
        before = process.memory_info().rss
        outcomes = await asyncio.gather(
            _left_with(edge.port, b"GET / HTTP/1.1\r\nHost: edge\r\n"),
            _left_with(edge.port, HALF_BODY),
            _asks_a_slow_model(edge.port),
            _does_not_read(),
        )
        grown = process.memory_info().rss - before
    yield Seen(*outcomes, callers.statuses, grown)


async def _left_with(port: int, data: bytes) -> bytes:
    async with Peer.connected(port) as peer:
        await peer.send(data)
        return await peer.rest(MAX_WAIT_S)


async def _asks_a_slow_model(port: int) -> tuple[int, dict[str, str], bytes]:
    async with Peer.connected(port) as peer:
        await peer.send(post(INGREDIENTS, {"partial": ["quince"]}))
        return await peer.answer(MAX_WAIT_S)


async def _does_not_read() -> bool:
    """Ask for much and read nothing; tell whether the connection was cut within time."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        server = stack.enter_context(Plenty())
        edge = stack.enter_context(EdgeProgram(Path(folder), {"1": server.url.removeprefix("http://")}))
        reader = stack.enter_context(socket.create_connection(("127.0.0.1", edge.port)))
        reader.sendall(b"GET / HTTP/1.1\r\nHost: edge\r\n\r\n")
        own, give_up = reader.getsockname(), time.monotonic() + MAX_WAIT_S
        while time.monotonic() < give_up:
            await asyncio.sleep(1)
            ends = [each for each in psutil.net_connections("tcp4") if each.laddr and each.laddr.port == edge.port]
            if not any(each.raddr == own and each.status == "ESTABLISHED" for each in ends):
                return True
    return False


async def test_half_a_head_ends(seen: Seen) -> None:
    """With 408, and not at once."""
    assert status_of(seen.half_head) == 408


async def test_half_a_body_ends_in_the_shape_of_its_path(seen: Seen) -> None:
    """With 408 too, before it occupies an instance."""
    assert status_of(seen.half_body) == 408
    told = json.loads(seen.half_body.partition(b"\r\n\r\n")[2])["error"]
    assert (told["code"], told["type"]) == ("request_timeout", "invalid_request_error")


async def test_caller_waits_for_a_slow_model(seen: Seen) -> None:
    """Longer than a caller may keep the edge waiting."""
    status, headers, body = seen.slow_model
    assert status == 200
    assert json.loads(body)["data"]["suggestions"]
    assert headers["x-ai-provider"] == "ollama"


async def test_reader_that_does_not_read_is_cut(seen: Seen) -> None:
    """What it was sent is thrown away."""
    assert seen.reader_was_cut


async def test_other_callers_do_not_notice(seen: Seen) -> None:
    """Nor does the edge's memory."""
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 200
    assert seen.grown_bytes < GROWTH_BYTES
