"""The two calls of a pair on a real Ollama: one small chat, asked of Ollama itself and of the service.

A whole recipe varies by seconds from one answer to the next, so a difference of milliseconds would be lost in it. A
chat with a budget of a few tokens costs the same every time: both calls have a prompt of the same length that begins
with a nonce of its own, so neither is cached anywhere, and the service sends Ollama what is sent directly here.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from bench.errors import TargetError
from bench.evidence.cache_status import parse_cache_status
from bench.load.credentials import authorization

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.tls import Trust

CHAT_PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"
TOKENS = 4
RELOAD_NS = 500_000_000
"""A loaded model reports a load_duration of tens of milliseconds; a reload takes a second at least."""

_DEADLINE_S = 120.0
_QUESTION = "Name one herb that goes well with tomatoes, and one that does not."


class ChatPair:
    """Asks both ways over kept connections; use as a context manager.

    Args:
        target: The service's URL.
        ollama: Ollama's URL.
        num_ctx: Context length that the service asks Ollama for.
        trust: Whose certificates they may have, where a URL is https://.

    Attributes:
        reloads: Direct calls for which the model had to be loaded.
    """

    def __init__(self, target: str, ollama: str, num_ctx: int, trust: Trust) -> None:
        self._service = httpx.Client(
            base_url=target, headers=authorization(), timeout=_DEADLINE_S, trust_env=False, verify=trust.context
        )
        self._ollama = httpx.Client(base_url=ollama, timeout=_DEADLINE_S, trust_env=False, verify=trust.context)
        self._num_ctx = num_ctx
        self._model = ""
        self.reloads = 0

    def __enter__(self) -> ChatPair:
        told = self._get(self._service, MODELS_PATH)
        models: list[dict[str, str]] = msgspec.json.decode(told.content).get("data") or []
        if not models:
            raise TargetError(f"{self._service.base_url}: {MODELS_PATH} names no model; is Ollama running?")
        self._model = models[0]["id"]
        return self

    def __exit__(self, *_: object) -> None:
        self._service.close()
        self._ollama.close()

    def direct(self, _number: int) -> float:
        """Ask Ollama; returns milliseconds to the last byte.

        Raises:
            TargetError: It did not answer.
        """
        body = {
            "model": self._model,
            "messages": _messages(),
            "stream": True,
            "keep_alive": "30m",
            "options": {"num_ctx": self._num_ctx, "num_predict": TOKENS, "temperature": 0},
        }
        milliseconds, response = self._post(self._ollama, "/api/chat", body)
        last = msgspec.json.decode(response.content.splitlines()[-1], type=dict[str, Any])
        self.reloads += last.get("load_duration", 0) > RELOAD_NS
        return milliseconds

    def through(self, _number: int) -> tuple[float, bool]:
        """Ask the service; returns milliseconds to the last byte, and whether the answer was computed.

        Raises:
            TargetError: It did not answer.
        """
        body = {"model": self._model, "messages": _messages(), "max_tokens": TOKENS, "temperature": 0}
        milliseconds, response = self._post(self._service, CHAT_PATH, body)
        return milliseconds, parse_cache_status(response.headers.get("cache-status")).outcome == "miss"

    @staticmethod
    def _get(client: httpx.Client, path: str) -> httpx.Response:
        try:
            return client.get(path).raise_for_status()
        except httpx.HTTPError as error:
            raise TargetError(f"{client.base_url} does not answer {path} ({_reason(error)})") from error

    @staticmethod
    def _post(client: httpx.Client, path: str, body: Mapping[str, object]) -> tuple[float, httpx.Response]:
        content = msgspec.json.encode(body)
        started = time.perf_counter()
        try:
            response = client.post(path, content=content, headers={"Content-Type": "application/json"})
            milliseconds = (time.perf_counter() - started) * 1000
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise TargetError(f"{client.base_url} does not answer {path} ({_reason(error)})") from error
        return milliseconds, response


def _messages() -> list[dict[str, str]]:
    return [{"role": "user", "content": f"{secrets.token_hex(8)} {_QUESTION}"}]


def _reason(error: httpx.HTTPError) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
