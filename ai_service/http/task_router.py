"""The outermost application: what is in a hurry by its path, everything else to Starlette."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send


class TaskRouter:
    """The outermost application: tasks by their path, everything else to `rest`.

    Args:
        endpoints: By path.
        rest: The Starlette application; gets the lifespan too.

    Attributes:
        endpoints: See above.
        rest: See above.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp], rest: Starlette) -> None:
        self.endpoints = dict(endpoints)
        self.rest = rest

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """See the ASGI specification. No coroutine of its own, which every request would pass through."""
        endpoint = self.endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None and scope["type"] == "http" and len(path := scope["path"]) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}  # As many clients join paths.
            endpoint = self.endpoints.get(scope["path"])
        return (self.rest if endpoint is None else endpoint)(scope, receive, send)
