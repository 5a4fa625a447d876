"""The way from the page to the API: a few routes, the server's key, and deadlines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

logger = logging.getLogger(__name__)

CONNECT_S = 2.0
LOOK_S = 3.0
"""Deadline for health and metrics, which the API never keeps anybody waiting for."""
ANSWER_S = 130.0
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
    """A response of the API whose body is still to come; it must be closed."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = {name: response.headers[name] for name in _SENT_BACK if name in response.headers}

    async def body(self) -> AsyncIterator[bytes]:
        """The body as it comes; where the API breaks off, it ends early, which the page notices and says."""
        try:
            async for chunk in self._response.aiter_bytes():
                yield chunk
        except httpx.HTTPError as error:
            logger.warning("the API broke off an answer: %s", error or type(error).__name__)
        finally:
            await self._response.aclose()


class ApiClient:
    """Talks to the API on behalf of browsers, which never see the key.

    Args:
        base_url: The API's.
        key: Its API key; "" where it wants none.
        transport: Where requests go instead of the network; for tests.
    """

    def __init__(self, base_url: str, *, key: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._base_url = base_url
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(LOOK_S, connect=CONNECT_S),
            trust_env=False,
            transport=transport,
        )

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Sends a task's request on.

        Raises:
            ApiUnreachableError: There is no response.
        """
        request = self._client.build_request(
            "POST",
            path,
            content=body,
            headers={name: headers[name] for name in _SENT_ON if name in headers},
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        )
        try:
            return Answer(await self._client.send(request, stream=True))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    async def look(self, path: str) -> bytes:
        """Reads health or metrics; a 503 with a report is a report.

        Raises:
            ApiUnreachableError: There is no response, or an unexpected one.
        """
        try:
            response = await self._client.get(path)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.status_code not in {200, 503}:
            raise ApiUnreachableError(f"The API at {self._base_url} answers {path} with {response.status_code}.")
        return response.content

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.aclose()

    def _unreachable(self, error: httpx.HTTPError) -> ApiUnreachableError:
        why = "does not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        return ApiUnreachableError(f"The API at {self._base_url} {why}.")
