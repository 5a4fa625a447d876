"""Head and body of an answer leave in one write; nothing that is written is lost or changes its order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from ai_service.process.write_coalescing import CoalescingTransport, H11Coalescing, HttpToolsCoalescing

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class RecordingTransport(asyncio.Transport):
    """Keeps each write, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        assert not self.closed
        self.writes.append(bytes(data))

    def close(self) -> None:
        """Keep that."""
        self.closed = True

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Read on: all has been read."""

    def resume_reading(self) -> None:
        """Read on: all has been read."""


async def turns(count: int = 3) -> None:
    """Let the event loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def whole(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"body"})


async def in_parts(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer in two parts, the second of them when there is something to say."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": b"body", "more_body": True})
    await turns(5)
    await send({"type": "http.response.body", "body": b"Part"})


async def writes_of(protocol: type[Any], application: Any) -> list[bytes]:
    """Return what is written to the connection of one request, write by write."""
    config = Config(application, log_config=None, interface="asgi3", lifespan="off")
    config.load()
    transport = RecordingTransport()
    served = protocol(config=config, server_state=ServerState(), app_state={})
    served.connection_made(transport)
    served.data_received(REQUEST)
    await turns(20)
    return transport.writes


@pytest.mark.parametrize("protocol", [HttpToolsCoalescing, H11Coalescing])
async def test_head_and_body_are_one_write(protocol: type[Any]) -> None:
    """Whoever got the head has the body too, whenever the process is killed."""
    (only,) = await writes_of(protocol, whole)
    assert only.startswith(b"HTTP/1.1 200")
    assert only.endswith(b"\r\n\r\nbody")


@pytest.mark.parametrize("protocol", [HttpToolsCoalescing, H11Coalescing])
async def test_part_of_a_stream_waits_for_no_other(protocol: type[Any]) -> None:
    """What is there goes out, though more will follow."""
    first, second = await writes_of(protocol, in_parts)
    assert first.endswith(b"\r\n\r\nbody")
    assert second == b"Part"


async def test_write_that_none_follows_leaves_at_the_next_turn() -> None:
    """A stream's head does not wait for its first event."""
    transport = RecordingTransport()
    CoalescingTransport(transport, asyncio.get_running_loop()).write(b"head")
    await turns()
    assert transport.writes == [b"head"]


async def test_order_is_kept() -> None:
    """Empty writes are none."""
    transport = RecordingTransport()
    coalescing = CoalescingTransport(transport, asyncio.get_running_loop())
    for part in (b"1", b"2", b"", b"3"):
        coalescing.write(part)
    await turns()
    assert transport.writes == [b"12", b"3"]


async def test_what_is_held_leaves_before_the_connection_is_closed() -> None:
    """`Connection: close` cuts nothing off."""
    transport = RecordingTransport()
    coalescing = CoalescingTransport(transport, asyncio.get_running_loop())
    coalescing.write(b"head")
    coalescing.close()
    await turns()
    assert (transport.writes, coalescing.is_closing()) == ([b"head"], True)


async def test_connection_that_was_lost_meanwhile_is_written_nothing() -> None:
    """A caller that left is no error."""
    transport = RecordingTransport()
    CoalescingTransport(transport, asyncio.get_running_loop()).write(b"head")
    transport.close()
    await turns()
    assert transport.writes == []
