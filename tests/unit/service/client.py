"""A client of the whole application, without a network."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any, Self

import httpx

from ai_service.app import create_app
from ai_service.config.settings import Settings
from ai_service.observability.log_writer import LogWriter
from tests.unit.service.fakes import ScriptedProvider

if TYPE_CHECKING:
    from ai_service.providers.base import Provider


class DirectLog(LogWriter):
    """Writes at once, to the standard error that pytest captures."""

    def write(self, data: bytes, lines: int = 1) -> None:
        """See LogWriter."""
        del lines
        sys.stderr.write(data.decode())


class Client(httpx.AsyncClient):
    """Calls the application without a network, with its lifespan."""

    def __init__(self, *providers: Provider, **environ: str) -> None:
        self.app = create_app(Settings.from_env(environ), providers=providers or [ScriptedProvider()], log=DirectLog(2))
        super().__init__(transport=httpx.ASGITransport(app=self.app), base_url="http://test")
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._done: asyncio.Queue[Any] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        scope = {"type": "lifespan", "asgi": {}, "state": {}}
        self._lifespan = asyncio.ensure_future(self.app(scope, self._events.get, self._done.put))
        await self._events.put({"type": "lifespan.startup"})
        assert (await self._done.get())["type"] == "lifespan.startup.complete"
        await super().__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await super().__aexit__(*exc)
        await self._events.put({"type": "lifespan.shutdown"})
        await self._lifespan


def check_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Every error has the same shape."""
    body: dict[str, Any] = response.json()
    assert response.status_code == status
    assert body["success"] is False
    assert body["code"] == code
    assert body["error"].endswith(".")
    assert body["request_id"] == response.headers["x-request-id"]
    return body
