"""Cross-origin requests of browsers: which origins may call the API, and which headers their pages may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

METHODS = ("GET", "POST", "DELETE")
EXPOSED_HEADERS = (
    "Age",
    "Cache-Status",
    "Retry-After",
    "Server-Timing",
    "X-AI-Clamped",
    "X-AI-Degraded",
    "X-AI-Model",
    "X-AI-Provider",
    "X-Request-Id",
)
MAX_AGE_S = 600


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Answer preflights before any key is asked for, and name the allowed origin in responses.

    Args:
        app: The application.
        origins: Such as `https://app.example.com`, or `*`; empty allows none, at no cost.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age=MAX_AGE_S,
    )
