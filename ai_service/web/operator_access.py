"""Who sees the operator's page: the holder of the administrator's key, who may not guess it."""

from __future__ import annotations

import math
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from ai_service.web.api_client import ApiUnreachableError
from ai_service.web.error_response import error_response
from ai_service.web.secure_channel import REFUSAL, caller_of, is_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from ai_service.web.api_client import ApiClient

ATTEMPTS = parse("10/minute")
"""Keys that one address may try."""
TRUST_S = 60.0
"""Time for which a key that the API has accepted is not asked about again."""
LOST_TRUST_S = 900.0
"""The same while the API does not answer: its operator wants to see that."""
MOST_KEYS = 64
MAX_KEY_CHARACTERS = 1024
_CHECK = "/api/v1/ai/requests?limit=1"


class OperatorAccess:
    """Have the API judge administrators' keys, and count the attempts.

    Args:
        api: The API.
        clock: Monotonic seconds.
    """

    def __init__(self, api: ApiClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._accepted: dict[bytes, float] = {}

    async def refuse(self, request: Request) -> Response | None:
        """Return why a caller may not see the operator's page; None for one who may."""
        if not is_private(request.scope):
            return error_response(403, "insecure_connection", REFUSAL)
        key = presented_key(request)
        if not key:
            return error_response(401, "unauthorized", "Expected the administrator's key.")
        since = self._clock() - self._accepted.get(_digest(key), -math.inf)
        caller = caller_of(request.scope)
        if since < TRUST_S:
            return None
        if not self._limiter.hit(ATTEMPTS, caller):
            return self._too_many(caller)
        try:
            return await self._judge(key)
        except ApiUnreachableError as error:
            return None if since < LOST_TRUST_S else error_response(502, "api_unreachable", str(error))

    async def _judge(self, key: str) -> Response | None:
        """Ask the API about a key; return its refusal."""
        answer = await self._api.forward("GET", _CHECK, admin_key=key)
        body = await answer.whole()
        self._accepted.pop(_digest(key), None)
        if answer.status != 200:
            return answer.response(body)
        while len(self._accepted) >= MOST_KEYS:
            del self._accepted[next(iter(self._accepted))]
        self._accepted[_digest(key)] = self._clock()
        return None

    def _too_many(self, caller: str) -> Response:
        wait_s = max(1, math.ceil(self._limiter.get_window_stats(ATTEMPTS, caller).reset_time - time.time()))
        sentence = f"Too many keys were tried from this address: {ATTEMPTS.amount} a minute are taken."
        return error_response(429, "rate_limited", sentence, retry_after_s=wait_s)


def presented_key(request: Request) -> str:
    """Return the bearer token of a request; "" without one that a header can carry on."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    return key if scheme.lower() == "bearer" and key.isascii() and len(key) <= MAX_KEY_CHARACTERS else ""


def _digest(key: str) -> bytes:
    return sha256(key.encode()).digest()
