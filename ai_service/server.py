"""Uvicorn as this service runs it: one process, on sockets that are open already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp

BACKLOG = 2048


class Server(uvicorn.Server):
    """Uvicorn, telling when it listens and when it stops.

    Args:
        config: Uvicorn's.
        on_ready: Called when it listens.
        on_stopping: Called when the end begins.
        life: A descriptor that becomes readable when there is nobody left to serve for; None where there is none.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        life: int | None = None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._life = life

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets)
        if self._life is not None:
            asyncio.get_running_loop().add_reader(self._life, self._orphaned)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        self._on_stopping()
        await super().shutdown(sockets)

    def _orphaned(self) -> None:
        assert self._life is not None
        asyncio.get_running_loop().remove_reader(self._life)
        self.should_exit = True


def serve(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    *,
    drain_s: float,
    on_ready: Callable[[], None] = lambda: None,
    on_stopping: Callable[[], None] = lambda: None,
    life: int | None = None,
) -> None:
    """Serves until a signal, or the end of `life`, ends it; what has begun is answered first.

    Args:
        app: What to serve.
        sockets: Open already.
        drain_s: How long an answer may still take after that, in seconds.
        on_ready: See Server.
        on_stopping: See Server.
        life: See Server.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # Nothing here asks where a request came from.
        server_header=False,
        ws="none",
        lifespan="on",
        interface="asgi3",  # Uvicorn would guess it from coroutine functions, and the application is none.
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(drain_s) + 1,
    )
    Server(config, on_ready=on_ready, on_stopping=on_stopping, life=life).run(list(sockets))
