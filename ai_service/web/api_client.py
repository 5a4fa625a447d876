"""The way from the page to the API: a few routes, the server's key, and deadlines."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ai_service.http_client import Client, HTTPClientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ai_service.http_client import Call, Response

logger = logging.getLogger(__name__)

LOOK_S = 3.0
"""Deadline for health and metrics, which the API never keeps anybody waiting for."""
SILENCE_S = 130.0
"""Silence on a task's answer: above the API's own deadline (100 s by default), so that its 504 is what people see."""
TASK_PATHS = ("/api/v1/ai/generate-recipe", "/api/v1/ai/suggest-ingredients", "/api/v1/ai/analyze-nutrition")
_SENT_ON = ("content-type", "accept", "cache-control")
_SENT_BACK = (
    "content-type", "cache-status", "age", "server-timing", "x-request-id", "x-ai-provider", "x-ai-model",
    "retry-after",
)  # fmt: skip


class ApiUnreachableError(Exception):
    """The API did not answer; says why in a sentence."""


class Answer:
    """A response of the API whose body is still to come."""

    def __init__(self, call: Call, response: Response) -> None:
        self._call = call
        self._response = response
        self.status = response.status
        self.headers = {name: response.headers[name] for name in _SENT_BACK if name in response.headers}

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes; where the API breaks off, it ends early, which the page notices and says."""
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    chunk = await self._response.chunk()
                if not chunk:
                    return
                yield chunk
        except (HTTPClientError, TimeoutError) as error:
            logger.warning("the API broke off an answer: %s", str(error) or type(error).__name__)
        finally:
            self._call.end()  # A reader who left early takes the API's work with them.


class ApiClient:
    """Talks to the API on behalf of browsers, which never see the key.

    Args:
        base_url: The API's.
        key: Its API key; "" where it wants none.
    """

    def __init__(self, base_url: str, *, key: str = "") -> None:
        self._base_url = base_url
        self._client = Client(base_url, {"Authorization": f"Bearer {key}"} if key else {})

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends a task's request on.

        Raises:
            ApiUnreachableError: There is no response.
        """
        sent_on = {name: headers[name] for name in _SENT_ON if name in headers}
        call = self._client.post(path, body, sent_on)
        try:
            async with asyncio.timeout(SILENCE_S):
                return Answer(call, await call.begin())
        except (HTTPClientError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def look(self, path: str) -> bytes:
        """Reads health or metrics; a 503 with a report is a report.

        Raises:
            ApiUnreachableError: There is no response, or an unexpected one.
        """
        try:
            async with asyncio.timeout(LOOK_S), self._client.get(path) as response:
                body = await response.read()
        except (HTTPClientError, TimeoutError) as error:
            raise self._unreachable(error) from error
        if response.status not in {200, 503}:
            raise ApiUnreachableError(f"The API at {self._base_url} answers {path} with {response.status}.")
        return body

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.close()

    def _unreachable(self, error: Exception) -> ApiUnreachableError:
        why = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
        return ApiUnreachableError(f"The API at {self._base_url} {why}.")
