"""Connections beyond the bound are told so, and a log that nobody reads stops nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.edge_program import EdgeProgram
from tests.integration.edge.peer import INGREDIENTS, Callers, Peer, post
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.service.program import Program

BOUND = 10
SPARE = 256
"""Connections beyond the bound that get an answer."""
NOTICED_S = 2.0
PIPE_BYTES = 4096
REQUEST = post(INGREDIENTS, {"partial": ["pear"]})


@pytest.fixture
def small_edge(folder: Path, instances: list[Program]) -> Iterator[EdgeProgram]:
    """Run an edge with a limit of ten connections."""
    assert instances
    with (
        tempfile.TemporaryDirectory() as own,
        EdgeProgram(Path(own), {"1": f"unix@{folder}/1.sock"}, max_connections=BOUND) as program,
    ):
        # Who looked whether it listens is a connection, too.
        until(lambda: program.states() == {"1": "UP"} and _is_idle(program))
        yield program


async def test_connection_beyond_the_bound_gets_an_honest_503(small_edge: EdgeProgram) -> None:
    """With when to try again, in the shape of its path, and one line in the log; those within the bound go on."""
    async with AsyncExitStack() as stack:
        within = [await stack.enter_async_context(Peer.connected(small_edge.port)) for _ in range(BOUND)]
        await _are_served(within)
        for path in (INGREDIENTS, "/v1/models"):
            beyond = await stack.enter_async_context(Peer.connected(small_edge.port))
            await beyond.send(post(path, {}))
            status, headers, body = await beyond.answer()
            assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
            told = json.loads(body) if path == INGREDIENTS else json.loads(body)["error"]
            assert told["code"] == "unavailable"
            assert await beyond.rest() == b""
        await _are_served(within)
    lines = [line for line in small_edge.log().splitlines() if f"more than {BOUND} connections" in line]
    assert len(lines) == 2
    assert " 503 " in lines[0]


async def test_connection_beyond_the_bound_takes_nothing_from_those_within(small_edge: EdgeProgram) -> None:
    """While it stays open."""
    async with AsyncExitStack() as stack:
        within = [await stack.enter_async_context(Peer.connected(small_edge.port)) for _ in range(BOUND)]
        await _are_served(within)
        beyond = await stack.enter_async_context(Peer.connected(small_edge.port))
        until(lambda: f",FRONTEND,,,{BOUND + 1}," in small_edge.command("show stat -1 1 -1"))
        await _are_served(within)
        await beyond.send(REQUEST)
        assert (await beyond.answer())[0] == 503


async def test_flood_of_connections_is_closed_and_the_exporter_answers_on(small_edge: EdgeProgram) -> None:
    """What comes beyond those that get an answer."""
    async with AsyncExitStack() as stack:
        outcomes = await asyncio.gather(*(_is_closed(stack, small_edge.port) for _ in range(BOUND + SPARE + 2 * BOUND)))
        # One that a thread is about to close still counts for the other threads, of which there is one a processor.
        assert BOUND <= sum(outcomes) <= 2 * BOUND + (os.cpu_count() or 1)
        assert "haproxy_frontend_current_sessions" in small_edge.metrics()
    until(lambda: _is_idle(small_edge))
    async with Callers(small_edge.port, count=2) as callers:
        await callers.more(10)
    assert set(callers.statuses) == {200}


def _is_idle(edge: EdgeProgram) -> bool:
    """Tell whether no frontend has a connection; there are others beside that of the API."""
    rows = [line.split(",") for line in edge.command("show stat -1 1 -1").splitlines() if ",FRONTEND," in line]
    return bool(rows) and all(row[4] == "0" for row in rows)


async def _are_served(peers: list[Peer]) -> None:
    for peer in peers:
        await peer.send(REQUEST)
        status, _, body = await peer.answer()
        assert status == 200, body


async def _is_closed(stack: AsyncExitStack, port: int) -> bool:
    try:
        peer = await stack.enter_async_context(Peer.connected(port))
        return await peer.rest(NOTICED_S) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """Give the write end of a full pipe without a reader, where writing blocks."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * PIPE_BYTES):
            pass
    os.set_blocking(writer, True)
    yield writer
    os.close(reader)
    os.close(writer)


@pytest.mark.usefixtures("instances")
async def test_log_that_nobody_reads_stops_nothing(folder: Path, full_pipe: int) -> None:
    """Lines about requests and about servers are dropped."""
    with (
        tempfile.TemporaryDirectory() as own,
        EdgeProgram(Path(own), {"1": f"unix@{folder}/1.sock"}, output=full_pipe) as edge,
    ):
        async with Peer.connected(edge.port) as peer:
            await peer.send(post(INGREDIENTS, {}, "X-Long: " + "x" * 33_000))
            assert (await peer.answer())[0] == 400
        edge.command("set server api/1 state maint")
        edge.command("set server api/1 state ready")
        async with Callers(edge.port, count=2) as callers:
            await callers.more(10)
        assert set(callers.statuses) == {200}
        assert int(edge.command("show info").partition("DroppedLogs: ")[2].split()[0]) > 0
