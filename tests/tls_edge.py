"""An edge that ends TLS before a real server: what it receives is passed on in plaintext."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.contract.certificates import Authority

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_CHUNK = 65_536
_START_S = 10.0


class TlsEdge:
    """Listens on loopback, in a thread of its own, while used as a context manager.

    Args:
        upstream: URL of the server behind it.
        folder: For the files of the certificates.
        names: That the certificate is for.
        expired: Whether it is not valid any more.

    Attributes:
        ca_file: The authority that signed the certificate.
        other_ca_file: An authority that did not.
        port: Where it listens.
        url: The same, by its address.
    """

    def __init__(
        self, upstream: str, folder: Path, *, names: tuple[str, ...] = ("127.0.0.1",), expired: bool = False
    ) -> None:
        authority = Authority()
        self.ca_file, self.other_ca_file = folder / "ca.pem", folder / "other-ca.pem"
        self.ca_file.write_text(authority.pem)
        self.other_ca_file.write_text(Authority().pem)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.certify(folder, *names, expired=expired))
        self._upstream = urlsplit(upstream)
        self._loop = asyncio.new_event_loop()
        # A handshake that a client breaks off is what some tests are about, not a fault to be logged.
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.port = started.result(_START_S)
        self.url = f"https://127.0.0.1:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_START_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context, backlog=512)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        try:
            await asyncio.gather(_pass_on(reader, upstream_writer), _pass_on(upstream_reader, writer))
        finally:
            writer.transport.abort()
            upstream_writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
