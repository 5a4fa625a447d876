"""One question to the API: sent, followed while it is answered, and refused in words."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ai_service.cli.errors import BusyError, CliError, NotPermittedError
from ai_service.cli.event_stream import read_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from ai_service.cli.event_stream import Event
    from ai_service.cli.http import Server

SILENCE_S = 130.0
"""Above the API's own deadline for an answer (100 s by default); streams send a comment every five seconds."""
_LATER = frozenset({429, 503, 504})


@dataclass(slots=True)
class Origin:
    """Where an answer came from.

    Attributes:
        provider: Name; "" while unknown.
        model: Name of the model.
        cache: The header Cache-Status.
        age: Seconds since it was computed; "" for one that is new.
        degraded: Why it is not the primary provider's current answer; "" where it is.
        seconds: From the request to its end.
        first_s: From the request to the first text.
        tokens: Of the completion; 0 where unknown.
        warnings: The checks that it failed.
        confidence: 0 to 1; None where the task has none.
    """

    provider: str = ""
    model: str = ""
    cache: str = ""
    age: str = ""
    degraded: str = ""
    seconds: float = 0.0
    first_s: float = 0.0
    tokens: int = 0
    warnings: list[str] = field(default_factory=list)
    confidence: float | None = None

    @property
    def is_hit(self) -> bool:
        """Whether the cache gave it."""
        return "; hit" in self.cache

    def read_headers(self, headers: httpx.Headers) -> None:
        """Take what the response's headers tell."""
        self.cache, self.age = headers.get("Cache-Status", ""), headers.get("Age", "")
        self.provider, self.model = headers.get("X-AI-Provider", ""), headers.get("X-AI-Model", "")
        self.degraded = headers.get("X-AI-Degraded", "")

    def read_meta(self, meta: dict[str, Any]) -> None:
        """Take what an answer's own `meta` tells."""
        self.provider, self.model = meta.get("provider", self.provider), meta.get("model", self.model)
        if meta.get("degraded"):
            self.degraded = str(meta.get("degraded_reason") or self.degraded or "not the primary provider's")
        self.warnings = [f"{each['message']} ({each['outcome']})" for each in meta.get("warnings", [])]
        self.confidence = meta.get("confidence")


class Question:
    """One question.

    Args:
        server: The API.
        path: The route.
        body: Of the request.
        fresh: Past the cache.

    Attributes:
        origin: Where the answer came from, once it is there.
    """

    def __init__(self, server: Server, path: str, body: dict[str, Any], *, fresh: bool) -> None:
        self._server = server
        self._path = path
        self._body = body
        self._headers = {"Cache-Control": "no-cache"} if fresh else {}
        self.origin = Origin()

    def whole(self) -> dict[str, Any]:
        """Return the answer in one piece, as the API sends it.

        Raises:
            CliError: There is none.
        """
        response = self._server.request("POST", self._path, self._body, timeout_s=SILENCE_S, headers=self._headers)
        _raise_for(response)
        answer: dict[str, Any] = response.json()
        return answer

    @contextmanager
    def stream(self, body: dict[str, Any]) -> Iterator[Iterator[Event]]:
        """Stream the answer.

        Args:
            body: What the request says in addition.

        Raises:
            CliError: There is no answer, or it breaks off.
        """
        headers = {"Accept": "text/event-stream", **self._headers}
        begun = time.perf_counter()
        with self._server.open("POST", self._path, self._body | body, silence_s=SILENCE_S, headers=headers) as response:
            if not response.is_success:
                response.read()
                _raise_for(response)
            self.origin.read_headers(response.headers)
            yield self._timed(read_events(response.iter_text()), begun)

    def _timed(self, events: Iterator[Event], begun: float) -> Iterator[Event]:
        for event in events:
            self.origin.seconds = time.perf_counter() - begun
            self.origin.first_s = self.origin.first_s or self.origin.seconds
            yield event
        self.origin.seconds = time.perf_counter() - begun


def _raise_for(response: httpx.Response) -> None:
    if response.is_success:
        return
    try:
        answer = response.json()
    except json.JSONDecodeError:
        answer = {}
    raise refusal(response.status_code, answer, response.headers.get("Retry-After", ""))


def refusal(status: int, answer: Any, retry_after: str = "") -> CliError:
    """Return an API's error as one of the command's.

    Args:
        status: HTTP status; 0 inside of a stream.
        answer: The body, in the envelope of the tasks or in OpenAI's.
        retry_after: Seconds; "" where the API names none.
    """
    error = answer.get("error") if isinstance(answer, dict) else None
    words = str(error.get("message") if isinstance(error, dict) else error or f"HTTP status {status}")
    if status in {401, 403}:
        hint = "Set ALCHEMORSEL_API_KEY_FILE to the path of a file with an API key."
        return NotPermittedError(f"Refused by the API: {words}", hint=hint)
    if status in _LATER:
        later = f"Try again in {retry_after} s." if retry_after else "Try again later."
        return BusyError(f"Refused by the API: {words}", hint=later)
    return CliError(f"Refused by the API: {words}")
