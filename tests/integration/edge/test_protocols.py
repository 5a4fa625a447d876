"""Clients that offer other protocols get their answer, and no body becomes a request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from lab.packages import ensure_program
from tests.edge_program import EdgeProgram
from tests.http_fake import FakeHandler, HTTPFake
from tests.integration.edge.peer import INGREDIENTS, Peer, post, status_of
from tests.waiting import TIMEOUT_S

SEGMENT_S = 0.2
"""Between two segments of one request."""


@pytest.mark.parametrize(
    "offer",
    [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0",
        "Upgrade: h2c",
    ],
)
async def test_request_with_an_upgrade_keeps_its_body(edge: EdgeProgram, offer: str) -> None:
    """Java's HttpClient and curl --http2 offer h2c with every request; here the body comes in a second segment."""
    request = post(INGREDIENTS, {"partial": ["pear"]}, offer)
    head, _, body = request.partition(b"\r\n\r\n")
    async with Peer.connected(edge.port) as peer:
        await peer.send(head + b"\r\n\r\n")
        await asyncio.sleep(SEGMENT_S)
        await peer.send(body)
        status, _, told = await peer.answer()
        assert (status, json.loads(told)["success"]) == (200, True)


async def test_body_that_looks_like_a_request_is_none(edge: EdgeProgram) -> None:
    """Behind an upgrade a server may take the body of a request for the next one: request smuggling."""
    inner = b"GET /health HTTP/1.1\r\nHost: edge\r\n\r\n"
    head = (
        f"POST {INGREDIENTS} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\nContent-Length: {len(inner)}"
    )
    async with Peer.connected(edge.port) as peer:
        await peer.send(f"{head}\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n".encode())
        await asyncio.sleep(SEGMENT_S)
        await peer.send(inner)
        answers = await peer.rest()
        assert status_of(answers) == 400
        assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
    ],
)
async def test_length_that_two_parsers_may_read_differently_makes_no_second_request(
    edge: EdgeProgram, lines: str
) -> None:
    """Refused, or read in one way: the bytes behind it are never answered as a request of their own."""
    smuggled = b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: edge\r\n\r\n"
    async with Peer.connected(edge.port) as peer:
        await peer.send(f"POST {INGREDIENTS} HTTP/1.1\r\nHost: edge\r\n{lines}\r\nConnection: close\r\n\r\n".encode())
        await peer.send(smuggled)
        answers = await peer.rest()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert status_of(answers) in {400, 415, 501}


class _Echo(FakeHandler):
    def do_GET(self) -> None:
        """Answer with the headers that came."""
        self.answer(200, {name.lower(): value for name, value in self.headers.items()})


class Echo(HTTPFake):
    """A server that tells what it was sent."""

    handler = _Echo


async def test_server_is_offered_no_other_protocol() -> None:
    """Nor the settings of one; also where the request has no body."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Echo() as echo,
        EdgeProgram(Path(folder), {"1": echo.url.removeprefix("http://")}) as edge,
    ):
        async with Peer.connected(edge.port) as peer:
            offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"
            await peer.send(f"GET / HTTP/1.1\r\nHost: edge\r\n{offer}\r\n\r\n".encode())
            got = json.loads((await peer.answer())[2])
    assert not {"upgrade", "http2-settings", "connection"} & set(got)


async def test_server_gets_no_header_that_a_caller_may_have_made_up() -> None:
    """Where a request came from is the edge's to say."""
    forged = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Real-IP: 192.0.2.1"
    with (
        tempfile.TemporaryDirectory() as folder,
        Echo() as echo,
        EdgeProgram(Path(folder), {"1": echo.url.removeprefix("http://")}) as edge,
    ):
        async with Peer.connected(edge.port) as peer:
            await peer.send(f"GET / HTTP/1.1\r\nHost: edge\r\n{forged}\r\nForwarded: for=192.0.2.1\r\n\r\n".encode())
            got = json.loads((await peer.answer())[2])
    assert {name: got[name] for name in got if "forwarded" in name or "real" in name} == {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
    }
    assert got["host"] == "edge"


class _WaitingHandler(FakeHandler):
    def do_GET(self) -> None:
        """Be ready; but answer no other request, and notice that its caller hangs up."""
        if self.path == "/health/ready":
            self.answer(200, {})
            return
        self.fake.asked.set()
        with contextlib.suppress(ConnectionError):
            self.rfile.read(1)
        self.fake.deserted.set()


class Waiting(HTTPFake):
    """A server that never answers.

    Attributes:
        asked: Set once a request came.
        deserted: Set once its caller hung up.
    """

    handler = _WaitingHandler

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.deserted = threading.Event(), threading.Event()


async def test_caller_who_hangs_up_does_so_at_the_service_too() -> None:
    """A model is not kept busy for nobody."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Waiting() as server,
        EdgeProgram(Path(folder), {"1": server.url.removeprefix("http://")}) as edge,
    ):
        async with Peer.connected(edge.port) as peer:
            await peer.send(b"GET / HTTP/1.1\r\nHost: edge\r\n\r\n")
            assert await asyncio.to_thread(server.asked.wait, TIMEOUT_S)
            assert not server.deserted.is_set()
        assert await asyncio.to_thread(server.deserted.wait, TIMEOUT_S)


def test_http2_with_prior_knowledge_is_answered(edge: EdgeProgram) -> None:
    """Without TLS, on the same port."""
    ensure_program("curl", "curl")
    url = f"http://127.0.0.1:{edge.port}{INGREDIENTS}"
    shown = [
        "--silent",
        "--show-error",
        "--http2-prior-knowledge",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_version} %{http_code}",
    ]
    sent = ["--json", json.dumps({"partial": ["pear"]})]
    done = subprocess.run(["curl", *shown, *sent, url], capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert done.stdout == "2 200"
