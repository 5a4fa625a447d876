"""Uvicorn as this service runs it: one process, on sockets that are open already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import uvicorn

from ai_service.joined_writes import JoiningProtocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp

BACKLOG = 2048
KEEP_ALIVE_S = 75
"""So long an idle connection is kept: longer than clients and proxies keep theirs (httpx 5 s, nginx 60, most balancers
60), so that it is they who close it. A request that meets the server's closing half-way is lost, and a POST is not
sent again."""
QUIET_S = 5.0
"""After so long without a request, clients that are to be sent away have nothing more to say."""
POLL_S = 0.05
"""Between two looks at the connections that are still open."""


class Server(uvicorn.Server):
    """Uvicorn, telling when it listens and when it stops.

    Args:
        config: Uvicorn's.
        on_ready: Called when it listens.
        on_stopping: Called when the end begins.
        life: A descriptor that becomes readable when there is nobody left to serve for; None where there is none.
        hands_over: Others accept on the same sockets, so clients lose nothing by being sent to them.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_stopping: Callable[[], None],
        life: int | None = None,
        hands_over: bool = False,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stopping = on_stopping
        self._life = life
        self._hands_over = hands_over

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets)
        if self._life is not None:
            asyncio.get_running_loop().add_reader(self._life, self._orphaned)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        self._on_stopping()
        if self._hands_over:
            await self._send_clients_away()
        await super().shutdown(sockets)

    async def _send_clients_away(self) -> None:
        """Answers what still comes on open connections, with `Connection: close`, until they are quiet.

        Uvicorn's own shutdown closes idle connections at once: a request that was on its way would be lost. A client
        that got `Connection: close` comes back on a new connection, which the other instance accepts. One that says
        nothing for `QUIET_S` loses its connection.
        """
        for server in self.servers:
            server.close()
        state = self.server_state
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        clock = asyncio.get_running_loop().time
        busy = clock()
        while state.connections and not self.force_exit and clock() - busy < QUIET_S:
            await asyncio.sleep(POLL_S)
            if state.tasks:
                busy = clock()

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
    hands_over: bool = False,
) -> None:
    """Serves until a signal, or the end of `life`, ends it; what has begun is answered first.

    Args:
        app: What to serve.
        sockets: Open already.
        drain_s: How long an answer may still take after that, in seconds.
        on_ready: See Server.
        on_stopping: See Server.
        life: See Server.
        hands_over: See Server.
    """
    config = uvicorn.Config(
        app,
        http=JoiningProtocol,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # Nothing here asks where a request came from.
        server_header=False,
        ws="none",
        lifespan="on",
        interface="asgi3",  # Uvicorn would guess it from coroutine functions, and the application is none.
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(drain_s) + 1,
    )
    server = Server(config, on_ready=on_ready, on_stopping=on_stopping, life=life, hands_over=hands_over)
    server.run(list(sockets))
