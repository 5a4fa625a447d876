"""A server on loopback that sends the very bytes a test says, in the test's own loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.loopback_server import LoopbackServer

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True)
class RawRequest:
    """What a client sent.

    Attributes:
        line: The request line, without its end.
        headers: By their names in lower case.
        body: As long as `Content-Length` says.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target of the request line."""
        return self.line.split(" ")[1]


class RawServer(LoopbackServer):
    """Listens while used as a context manager; a subclass says what it answers.

    Args:
        tls: For `https://`; None for `http://`.
    """

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._tls else ''}://{self.address}"

    async def respond(self, request: RawRequest, writer: asyncio.StreamWriter) -> None:
        """Answers a request; closing or aborting the writer's transport ends the connection."""
        raise NotImplementedError

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See LoopbackServer: one request after the other."""
        while not writer.is_closing():
            await self.respond(await _read_request(reader), writer)


async def _read_request(reader: asyncio.StreamReader) -> RawRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return RawRequest(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
