"""A call of an ASGI application whose response is read while it is being made."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp


class StreamedCall:
    """One POST.

    Args:
        app: The application.
        path: Where to.
        body: Sent as JSON.
        headers: Further ones.

    Attributes:
        status: Of the response, once it has begun.
        headers: Of the response.
    """

    def __init__(self, app: ASGIApp, path: str, body: Any, **headers: str) -> None:
        self._app = app
        encoded = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        encoded.append((b"content-type", b"application/json"))
        self._scope = {"type": "http", "method": "POST", "path": path, "headers": encoded}
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self._incoming.put_nowait({"type": "http.request", "body": json.dumps(body).encode()})
        self._outgoing: asyncio.Queue[Any] = asyncio.Queue()
        self._text = ""
        self.status = 0
        self.headers: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._app(self._scope, self._incoming.get, self._outgoing.put))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        await self._task

    @property
    def waiting(self) -> bool:
        """Whether nothing has come yet."""
        return self._outgoing.empty()

    def leave(self) -> None:
        """Disconnects."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def ended(self) -> None:
        """Return once the application is done with the call."""
        await self._task

    async def chunk(self) -> str:
        """Return the next part of the body; "" at its end."""
        message = await self._outgoing.get()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            message = await self._outgoing.get()
        if not message.get("more_body"):
            self._outgoing.put_nowait({"type": "http.response.body", "body": b""})
        text: str = message["body"].decode()
        return text

    async def event(self) -> tuple[str, Any]:
        """Return the next event's name and data; comments have the name ":", the end has none."""
        while "\n\n" not in self._text:
            chunk = await self.chunk()
            if not chunk:
                return "", None
            self._text += chunk
        block, _, self._text = self._text.partition("\n\n")
        return parse_event(block)

    async def events(self) -> list[tuple[str, Any]]:
        """All events that are still to come."""
        found = []
        while (event := await self.event())[0]:
            found.append(event)
        return found


def parse_event(block: str) -> tuple[str, Any]:
    """Parse one event, decoding its data where it is JSON."""
    if block.startswith(":"):
        return ":", block[1:].strip()
    fields = dict(line.split(": ", 1) for line in block.splitlines())
    data = fields["data"]
    return fields.get("event", "message"), data if data == "[DONE]" else json.loads(data)


def text_of(events: list[tuple[str, Any]]) -> str:
    """Return the joined deltas."""
    return "".join(data["text"] for name, data in events if name == "delta")
