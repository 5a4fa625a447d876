"""Heads and trailers that are too large end at the edge; other callers do not notice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # has none
import pytest

from tests.integration.edge.peer import INGREDIENTS, Callers, Peer, post, status_of

if TYPE_CHECKING:
    from tests.edge_program import EdgeProgram

MANY_BYTES = 64 * 1024 * 1024
"""What a peer sends at most."""
TAKEN_BYTES = 8 * 1024 * 1024
"""Far above what the sockets between peer and edge hold; an endless head ends after 48 KiB."""
GROWTH_BYTES = 16 * 1024 * 1024
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"GET / HTTP/1.1\r\nHost: edge\r\n", b"a: b\r\n" * 1000),
        (b"GET / HTTP/1.1\r\nHost: edge\r\na: ", b"b" * 6000),
        (b"GET /", b"a" * 6000),
        (CHUNKED, b"a: b\r\n" * 1000),
        (CHUNKED + b"a: ", b"b" * 6000),
    ],
    ids=["fields", "value", "url", "trailers", "trailer"],
)
async def test_what_never_ends_is_ended(edge: EdgeProgram, begin: bytes, piece: bytes) -> None:
    """One connection cannot make the edge keep what it sends, and nobody waits for it."""
    process = psutil.Process(edge.pid())
    async with Callers(edge.port) as callers, Peer.connected(edge.port) as peer:
        await callers.more(20)
        before = process.memory_info().rss
        await peer.send(begin)
        assert await peer.flood(piece, MANY_BYTES) < TAKEN_BYTES
        assert status_of(await peer.rest()) in {400, 0}  # 0: it was still sending, and its connection was reset
        await callers.more(20)
        assert process.memory_info().rss - before < GROWTH_BYTES
    assert set(callers.statuses) == {200}


@pytest.mark.parametrize(
    "lines",
    ["X-Long: " + "x" * 33_000, "\r\n".join(f"X-{number}: y" for number in range(101)), "Cookie: " + "x=y; " * 8000],
    ids=["long", "many", "cookie"],
)
async def test_head_that_is_too_large_is_refused_in_the_shape_of_its_path(edge: EdgeProgram, lines: str) -> None:
    """32 KiB and 100 fields; with the request's id where the shape has one."""
    async with Peer.connected(edge.port) as peer:
        await peer.send(post(INGREDIENTS, {"partial": ["pear"]}, "X-Request-Id: of-the-caller", lines))
        status, headers, body = await peer.answer()
        told = json.loads(body)
        assert (status, told["code"], told["success"]) == (400, "invalid_request", False)
        assert told["request_id"] == headers["x-request-id"] == "of-the-caller"
        assert "32 KiB or 100 fields" in told["error"]
    async with Peer.connected(edge.port) as peer:
        await peer.send(post("/v1/chat/completions", {}, lines))
        status, headers, body = await peer.answer()
        told = json.loads(body)["error"]
        assert (status, told["code"], told["type"], told["param"]) == (
            400,
            "invalid_request",
            "invalid_request_error",
            None,
        )
        assert headers["x-request-id"]


@pytest.mark.parametrize("lines", ["X-Long: " + "x" * 32_000, "\r\n".join(f"X-{number}: y" for number in range(90))])
async def test_large_head_within_the_bounds_is_answered(edge: EdgeProgram, lines: str) -> None:
    """By the service, which has the last word there."""
    async with Peer.connected(edge.port) as peer:
        await peer.send(post(INGREDIENTS, {"partial": ["pear"]}, lines))
        assert (await peer.answer())[0] == 200


async def test_request_id_of_the_caller_is_kept_and_one_is_made_where_there_is_none(edge: EdgeProgram) -> None:
    """Edge and service log the same."""
    async with Peer.connected(edge.port) as peer:
        await peer.send(post(INGREDIENTS, {"partial": ["pear"]}, "X-Request-Id: of-the-caller"))
        assert (await peer.answer())[1]["x-request-id"] == "of-the-caller"
        await peer.send(post(INGREDIENTS, {"partial": ["pear"]}))
        assert len((await peer.answer())[1]["x-request-id"]) == len("8972661d-5e2a-440f-a3b1-c2b87f3f7473")
