"""Who asks, as far as answers depend on it."""

from __future__ import annotations

import msgspec

from ai_service.cache.keys import SHARED


class Caller(msgspec.Struct, frozen=True):
    """The holder of an API key, or anybody where none is required.

    Attributes:
        name: The key's name, for the log and usage; "" without a key.
        scope: Part of the cache key: whose answers the caller finds.
    """

    name: str = ""
    scope: str = SHARED


ANONYMOUS = Caller()
"""A caller without an API key."""
