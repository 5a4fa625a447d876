"""What the fake providers share: a real HTTP server on loopback, in the test's own loop."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any, Self

import uvicorn

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from starlette.types import Receive, Scope, Send


class FakeServer:
    """Serves what `respond` of a subclass says.

    Attributes:
        url: Where it listens.
        requests: Path and decoded body of each request, in order.
        connections: The clients' ends of the connections that requests came over.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.requests: list[tuple[str, Any]] = []
        self.connections: set[tuple[str, int]] = set()
        config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", ws="none", log_config=None)
        self._server = uvicorn.Server(config)

    def use_tls(self, certificate: Path, key: Path) -> None:
        """Serve over TLS; before it is entered."""
        config = self._server.config
        config.ssl_certfile, config.ssl_keyfile = str(certificate), str(key)
        self.url = self.url.replace("http:", "https:")

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        serve = self._server._serve([self._socket])  # noqa: SLF001 - serve() takes over the signals
        self._task = asyncio.create_task(serve)
        while not self._server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._task

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        decoded = json.loads(body) if body else None
        self.requests.append((scope["path"], decoded))
        self.connections.add(tuple(scope["client"]))
        await self.respond(scope["path"], decoded, Reply(send))


class Reply:
    """Sends an answer, whole or in parts."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def whole(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole response at once."""
        await self.start(status, **headers)
        await self._send({"type": "http.response.body", "body": body})

    async def json(self, value: Any, status: int = 200, **headers: str) -> None:
        """Send a JSON response."""
        await self.whole(status, json.dumps(value).encode(), **headers)

    async def start(self, status: int, **headers: str) -> None:
        """Send status and headers."""
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def part(self, body: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})
