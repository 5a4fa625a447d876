"""One line in the log for each request of an operator or a newcomer: health, metrics, administration, documents."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ai_service.answers.caller import ANONYMOUS
from ai_service.http.request_parts import CALLER, CLOSE, REQUEST_ID, has_body, request_id_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ai_service.observability.structured_log import AccessLog

POLLED = frozenset({"/health", "/health/live", "/health/ready", "/api/v1/ai/health", "/api/v1/ai/requests", "/metrics"})
"""Asked every few seconds by machines: logged at level debug, so that the log stays readable."""
SHOWN_CHARACTERS = 200


class OperationsLog:
    """Middleware of the Starlette application.

    Args:
        app: What is behind it.
        access_log: Where requests are logged.
    """

    def __init__(self, app: ASGIApp, access_log: AccessLog) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        request_id = request_id_of(headers)
        unread = has_body(headers)
        scope["headers"] = [*(pair for pair in scope["headers"] if pair[0] != REQUEST_ID), (REQUEST_ID, request_id)]
        status = 499

        async def reading() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and bool(message.get("more_body", False))
            return message

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if unread and CLOSE not in message["headers"]:
                    message["headers"] = [*message["headers"], CLOSE]
                if all(name != REQUEST_ID for name, _ in message["headers"]):
                    message["headers"] = [*message["headers"], (REQUEST_ID, request_id)]
            await send(message)

        try:
            await self._app(scope, reading, noting)
        except Exception:
            status = 500
            raise
        finally:
            path = scope["path"]
            self._access_log.write(
                request_id.decode(),
                "",
                status=status,
                cache="none",
                provider="",
                seconds=time.perf_counter() - started,
                key=scope.get(CALLER, ANONYMOUS).name,
                route=f"{scope['method'][:16]} {path[:SHOWN_CHARACTERS]}",
                level="debug" if path in POLLED else "info",
            )
