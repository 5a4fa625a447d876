"""The way from the page to the API: a few routes, the server's key or an administrator's, and deadlines."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx
from starlette.responses import Response, StreamingResponse

from ai_service.config.environment import PREFIX
from ai_service.transport.http_client import HTTPClient, chunks, read
from ai_service.transport.tls import certificate_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


logger = logging.getLogger(__name__)

LOOK_S = 3.0
"""Deadline for health and metrics, which the API never keeps anybody waiting for."""
FORWARD_S = 30.0
"""Deadline for the head of an administrator's answer: a purge scans the whole store."""
SILENCE_S = 130.0
"""Silence on a task's answer: above the API's own deadline (100 s by default), so that its 504 is what people see."""
TASK_PATHS = ("/api/v1/ai/generate-recipe", "/api/v1/ai/suggest-ingredients", "/api/v1/ai/analyze-nutrition")
CHAT_PATH = "/v1/chat/completions"
ASKED_PATHS = (*TASK_PATHS, CHAT_PATH)
"""What browsers ask by the page's key."""
MODELS_PATH = "/v1/models"
_SENT_ON = ("content-type", "accept", "cache-control")
_SENT_BACK = (
    "content-type", "cache-status", "age", "server-timing", "x-request-id", "x-ai-provider", "x-ai-model",
    "x-ai-degraded", "retry-after",
)  # fmt: skip


class ApiUnreachableError(Exception):
    """The API did not answer; says why in a sentence."""


class Answer:
    """A response of the API whose body is still to come."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = {name: response.headers[name] for name in _SENT_BACK if name in response.headers}

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; where the API breaks off, it ends early, which the page notices and says."""
        stream = chunks(self._response)
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    chunk = await anext(stream, b"")
                if not chunk:
                    return
                yield chunk
        except (httpx.HTTPError, TimeoutError) as error:
            logger.warning("the API broke off an answer: %s", str(error) or type(error).__name__)
        finally:
            await self._response.aclose()  # A reader who left early takes the API's work with them.

    async def whole(self) -> bytes:
        """Return the whole body."""
        return b"".join([chunk async for chunk in self.body()])

    def response(self, body: bytes | AsyncIterator[bytes]) -> Response:
        """Build the response to the browser; no cache may keep it."""
        headers = {**self.headers, "cache-control": "no-store"}
        if isinstance(body, bytes):
            return Response(body, self.status, headers)
        return StreamingResponse(body, self.status, headers)


class ApiClient:
    """Talks to the API on behalf of browsers, which never see the key.

    Args:
        base_url: The API's.
        key: Its API key; "" where it wants none.
        authorities: Whose certificate it may have, in PEM format; "" for the operating system's.
    """

    def __init__(self, base_url: str, *, key: str = "", authorities: str = "") -> None:
        self._base_url = base_url
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = HTTPClient(base_url, headers, authorities=authorities)

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Forward a request for an answer to the API.

        Raises:
            ApiUnreachableError: There is no response.
        """
        sent_on = {name: headers[name] for name in _SENT_ON if name in headers}
        return await self._send("POST", path, body, sent_on, SILENCE_S)

    async def forward(self, method: str, path: str, *, admin_key: str = "") -> Answer:
        """Forward a request without a body to the API.

        Args:
            method: `GET` or `DELETE`.
            path: With its query.
            admin_key: Presented in place of the page's key; "" for the page's.

        Raises:
            ApiUnreachableError: There is no response.
        """
        headers = {"Authorization": f"Bearer {admin_key}"} if admin_key else {}
        return await self._send(method, path, None, headers, FORWARD_S)

    async def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], deadline_s: float
    ) -> Answer:
        try:
            async with asyncio.timeout(deadline_s):
                return Answer(await self._client.send(method, path, body, headers))
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unreachable(error) from error

    async def look(self, path: str) -> bytes:
        """Fetch health or metrics; accept a 503 with a report.

        Raises:
            ApiUnreachableError: There is no response, or an unexpected one.
        """
        try:
            async with asyncio.timeout(LOOK_S), aclosing(await self._client.send("GET", path)) as response:
                body = await read(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise self._unreachable(error) from error
        if response.status_code not in {200, 503}:
            raise ApiUnreachableError(f"The API at {self._base_url} answers {path} with {response.status_code}.")
        return body

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _unreachable(self, error: Exception) -> ApiUnreachableError:
        if problem := certificate_problem(error, f"Name its CA bundle in {PREFIX}WEB_CA_FILE on the page's server."):
            return ApiUnreachableError(f"The API at {self._base_url} {problem}")
        why = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
        return ApiUnreachableError(f"The API at {self._base_url} {why}.")
