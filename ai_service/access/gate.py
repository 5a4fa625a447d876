"""Asks for a key before anything else is done, on every route that is not said to be open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ai_service.errors import Forbidden, HTTPError, TooManyRequests, Unauthorized
from ai_service.http.error_response import error_response
from ai_service.http.request_parts import CALLER, has_body, request_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ai_service.access.key_file import KeyFile
    from ai_service.access.keys import Key
    from ai_service.access.rates import Rates
    from ai_service.observability.metrics import Metrics
    from ai_service.observability.structured_log import AccessLog

OPEN_PATHS = frozenset(
    {
        "/",
        "/health",
        "/health/live",
        "/health/ready",
        "/api/v1/ai/health",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/api/version",
    }
)
ADMIN_PATHS = frozenset({"/api/v1/ai/cache", "/api/v1/ai/requests", "/api/v1/ai/usage"})
"""What is below them is an administrator's too."""
_BELOW_ADMIN_PATHS = tuple(f"{path}/" for path in ADMIN_PATHS)


class AccessGate:
    """The outermost application where keys are configured.

    Closed by default: a route that is added later needs a key, whether anybody thought of it or not. Open are:

    - the health routes, because load balancers, systemd and Kubernetes ask them and carry no key;
    - `/metrics`, because Prometheus' usual configuration has none either, and no label says what anybody asked for;
    - `/openapi.json` and `/docs`, because they tell how to present a key, and nothing that the source does not.

    Who must not see these is kept out by the firewall or the load balancer.

    Args:
        app: What is behind the gate.
        keys: Who may ask.
        rates: How often.
        tasks: The task that each path belongs to, for metrics and log.
        metrics: Where refusals are counted.
        access_log: Where they are logged.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyFile,
        rates: Rates,
        *,
        tasks: Mapping[str, str],
        metrics: Metrics,
        access_log: AccessLog,
    ) -> None:
        self._app = app
        self._keys = keys
        self._rates = rates
        self._tasks = tasks
        self._metrics = metrics
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            started = time.perf_counter()
            headers = dict(scope["headers"])
            try:
                scope[CALLER] = (await self._admit(scope["path"], headers)).caller
            except HTTPError as error:
                await self._refuse(error, scope, headers, send, started)
                return
        await self._app(scope, receive, send)

    async def _admit(self, path: str, headers: dict[bytes, bytes]) -> Key:
        presented = _presented(headers)
        if presented is None:
            raise Unauthorized(
                "Expected an API key, as `Authorization: Bearer <key>`, `X-API-Key: <key>` or `api-key: <key>`."
            )
        key = self._keys.find(presented)
        if key is None:
            raise Unauthorized("Unknown API key.", presented=True)
        if key.rate and (wait_s := await self._rates.wait_s(key)):
            raise TooManyRequests(f"Rate limit of {key.rate} exceeded for key {key.name!r}.", retry_after_s=wait_s)
        if not key.admin and (path in ADMIN_PATHS or path.startswith(_BELOW_ADMIN_PATHS)):
            raise Forbidden("This route requires an administrator's key.")
        return key

    async def _refuse(
        self, error: HTTPError, scope: Scope, headers: dict[bytes, bytes], send: Send, started: float
    ) -> None:
        request_id = request_id_of(headers)
        body, head = error_response(error, request_id, scope["path"], unread=has_body(headers))
        await send({"type": "http.response.start", "status": error.status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        task = self._tasks.get(scope["path"], "")
        seconds = time.perf_counter() - started
        self._metrics.refused(error.code)
        if task:
            self._metrics.request(task, "none", error.status, seconds)
        self._access_log.write(
            request_id.decode(),
            task,
            status=error.status,
            cache="none",
            provider="",
            seconds=seconds,
            error=error.code,
            route="" if task else f"{scope['method'][:16]} {scope['path'][:200]}",
        )


def _presented(headers: dict[bytes, bytes]) -> bytes | None:
    """Return the presented API key: of `Authorization`, else of `X-API-Key`, else of `api-key` (Azure's clients)."""
    scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and credentials:
        return credentials.strip()
    return headers.get(b"x-api-key") or headers.get(b"api-key") or None
