"""What is written in one turn of the loop goes out together, and nothing else changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from ai_service.joined_writes import JoinedWrites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Transport(asyncio.Transport):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 7)})
        self.told: list[tuple[bytes, ...] | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """One piece."""
        self.told.append((bytes(data),))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Several, in one system call."""
        self.told.append(tuple(map(bytes, list_of_data)))

    def is_closing(self) -> bool:
        """Whether it was closed, in whichever way."""
        return bool({"close", "abort"} & set(map(str, self.told)))

    def close(self) -> None:
        """After what was written."""
        self.told.append("close")

    def abort(self) -> None:
        """At once."""
        self.told.append("abort")


async def test_two_writes_in_a_turn_are_one() -> None:
    """An answer's head and its body."""
    transport = Transport()
    joined = JoinedWrites(transport)
    joined.write(b"head")
    assert transport.told == []
    joined.write(b"body")
    assert transport.told == [(b"head", b"body")]
    await asyncio.sleep(0)
    assert len(transport.told) == 1


async def test_what_stays_alone_goes_out_in_the_next_turn() -> None:
    """The head of a stream, and each of its events: nobody waits for the one after."""
    transport = Transport()
    joined = JoinedWrites(transport)
    for piece in (b"start", b"event"):
        joined.write(piece)
        await asyncio.sleep(0)
    assert transport.told == [(b"start",), (b"event",)]


async def test_the_order_stays_whatever_number_of_pieces_there_is() -> None:
    """Pipelined answers come in one turn."""
    transport = Transport()
    joined = JoinedWrites(transport)
    for piece in (b"1", b"2", b"3"):
        joined.write(piece)
    await asyncio.sleep(0)
    assert transport.told == [(b"1", b"2"), (b"3",)]


async def test_closing_sends_what_was_held_back_first() -> None:
    """An answer with `Connection: close` may be a head alone."""
    transport = Transport()
    joined = JoinedWrites(transport)
    joined.write(b"head")
    joined.close()
    await asyncio.sleep(0)
    assert transport.told == [(b"head",), "close"]


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    """It broke in the very turn."""
    transport = Transport()
    joined = JoinedWrites(transport)
    joined.write(b"head")
    joined.abort()
    assert joined.is_closing()
    await asyncio.sleep(0)
    assert transport.told == ["abort"]


async def test_everything_else_is_the_transports() -> None:
    """Uvicorn asks it who the client is."""
    assert JoinedWrites(Transport()).get_extra_info("peername") == ("127.0.0.1", 7)


class Answering(asyncio.Protocol):
    """Writes head and body to whoever connects."""

    def connection_made(self, transport: Any) -> None:
        """Over the joined writes, as uvicorn's protocol does."""
        joined = JoinedWrites(transport)
        joined.write(b"head ")
        joined.write(b"body")


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_they_arrive_together(run: Callable[[Any], bytes]) -> None:
    """On both event loops: one read finds both."""

    async def ask() -> bytes:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            return await reader.read(100)
        finally:
            writer.close()
            server.close()

    assert run(ask()) == b"head body"
