"""What a caller with a wrong path probably means."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

CHAT = "/v1/chat/completions"
_REPLACED = {"/v1/completions": CHAT, "/v1/responses": CHAT, "/v1/messages": CHAT, "/v1/engines": "/v1/models"}
"""Routes of others that have an equivalent here."""


def path_hint(path: str, known: Collection[str]) -> str:
    """Return the route that a path probably means; "" where none is near.

    Args:
        path: As requested.
        known: The routes that are served.
    """
    shortened = path[:200].rstrip("/")
    for wrong, right in _REPLACED.items():
        if shortened.endswith(wrong.removeprefix("/v1")) and right in known and shortened not in known:
            return right
    ends = [route for route in known if "{" not in route and _ends_alike(shortened, route)]
    return max(ends, key=len, default="") or next(
        iter(difflib.get_close_matches(shortened, known, n=1, cutoff=0.7)), ""
    )


def _ends_alike(path: str, route: str) -> bool:
    """Return whether a path is a route with something before it, or without its beginning (`/v1`, `/api/v1/ai`)."""
    return path.endswith(route) or (len(path) > 1 and route.endswith(path) and route != path)
