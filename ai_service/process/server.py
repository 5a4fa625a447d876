"""Run uvicorn: one plain process on one socket."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import uvicorn

from ai_service.process.listener import bind
from ai_service.process.write_coalescing import H11Coalescing, HttpToolsCoalescing

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from starlette.types import ASGIApp

BACKLOG = 2048
KEEP_ALIVE_S = 75
"""Keep-alive timeout: longer than that of clients and proxies (httpx 5 s, nginx and most balancers 60 s), so that they
close idle connections. A request that meets the server's closing half-way is lost, and a POST is not sent again."""
MAX_HEAD_BYTES = 32 * 1024
"""Largest request head that h11 takes; behind the edge, which bounds heads itself, httptools is faster."""


def serve(build: Callable[[], ASGIApp], path: str, host: str, port: int, *, drain_s: float) -> None:
    """Serve until SIGTERM or SIGINT; then close the listener, answer the requests in flight, and exit with status 0.

    Connections are refused until the application has started. SIGHUP is ignored.

    Args:
        build: Makes the ASGI application, once the socket is bound.
        path: See `bind`.
        host: See `bind`.
        port: See `bind`.
        drain_s: Time that the requests in flight have, in seconds.

    Raises:
        ListenError: See `bind`.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):  # Uvicorn raises it again when it has drained.
        signal.signal(number, _exit)
    with bind(path, host, port) as listener:
        config = uvicorn.Config(
            build(),
            http=HttpToolsCoalescing if path else H11Coalescing,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
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
        uvicorn.Server(config).run([listener])


def _exit(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
