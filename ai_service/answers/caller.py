"""Who asks, as far as answers depend on it."""

from __future__ import annotations

import msgspec

from ai_service.cache.keys import SHARED


class Caller(msgspec.Struct, frozen=True):
    """The holder of an API key, or anybody where none is required.

    Attributes:
        name: The key's name, for the log and usage; "" without a key.
        scope: Part of the cache key: whose answers the caller finds.
        token_budget: Tokens a UTC day that may be computed for the key, of prompts and completions together; 0 for no
            limit.
    """

    name: str = ""
    scope: str = SHARED
    token_budget: int = 0


ANONYMOUS = Caller()
"""A caller without an API key."""
