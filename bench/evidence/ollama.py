"""Ollama itself, asked beside the service: which models it has loaded, when they were last used, what they weigh.

Ollama exposes no count of its requests. What it does tell, in ``/api/ps``, is when a loaded model will expire, and that
moves with every request that ends. So it can be proven whether Ollama was asked anything between two moments, by
whomever, though not how often: how often is counted by the service (``provider_calls``).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

import httpx
import msgspec

from bench.errors import TargetError, UsageError
from bench.load.http_client import HttpClient
from bench.load.whole_answer import UnfinishedAnswerError
from bench.tls import SYSTEM

if TYPE_CHECKING:
    from types import TracebackType

    from bench.tls import Trust

QUICK_SECONDS = 10.0
PAGE_SECONDS = 30.0
UNLOAD_SECONDS = 30.0
"""Longest silence at a look at what is loaded, deadline of the whole look, and until a model is gone."""
STEADY_SECONDS = 0.2
STEADY_DEADLINE_SECONDS = 2.0
"""How long the same models have to be in memory to count as steady, and when to stop waiting for it."""


class LoadedModel(msgspec.Struct, frozen=True):
    """A model in memory.

    Attributes:
        name: Its name.
        expires_at: When Ollama will unload it, if nobody asks; moves with every request.
        size: Bytes it takes, context included.
        size_vram: How many of these are on a GPU.
    """

    name: str
    expires_at: str = ""
    size: int = 0
    size_vram: int = 0


class _Loaded(msgspec.Struct):
    models: list[LoadedModel] = []


class Ollama:
    """An Ollama server.

    Args:
        url: Its base URL, e.g. ``http://127.0.0.1:11434``.
        trust: Whose certificate it may have, where the URL is https://.

    Raises:
        UsageError: The URL is none.
    """

    def __init__(self, url: str, trust: Trust = SYSTEM) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"--ollama {url!r} is no http:// or https:// URL; expected e.g. http://127.0.0.1:11434")
        self.url = url.rstrip("/")
        self._trust = trust
        self._client = HttpClient(self.url, trust, QUICK_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def version(self) -> str:
        """Return its version.

        Raises:
            TargetError: It does not answer.
        """
        told: dict[str, str] = self._ask("GET", "/api/version").json()
        return told.get("version", "unknown")

    def loaded(self) -> tuple[LoadedModel, ...]:
        """Return the models in memory.

        Raises:
            TargetError: It does not answer.
        """
        try:
            return tuple(msgspec.json.decode(self._ask("GET", "/api/ps").content, type=_Loaded).models)
        except msgspec.MsgspecError as error:
            raise TargetError(f"{self.url} is no Ollama: /api/ps answers something else ({error})") from error

    def steady(self) -> tuple[LoadedModel, ...]:
        """Return the models in memory once two looks in a row agree.

        Ollama moves ``expires_at`` when its scheduler learns that a request ended, which may be after the caller has
        the answer. While somebody else keeps asking, the last look counts after ``STEADY_DEADLINE_SECONDS``.

        Raises:
            TargetError: It does not answer.
        """
        deadline = time.monotonic() + STEADY_DEADLINE_SECONDS
        loaded = self.loaded()
        while True:
            time.sleep(STEADY_SECONDS)
            before, loaded = loaded, self.loaded()
            if loaded == before or time.monotonic() > deadline:
                return loaded

    def unload(self) -> None:
        """Have every model unloaded and wait until it is gone.

        Raises:
            TargetError: It does not answer, or a model stays.
        """
        for model in self.loaded():
            self._ask("POST", "/api/generate", {"model": model.name, "keep_alive": 0})
        deadline = time.monotonic() + UNLOAD_SECONDS
        while left := self.loaded():
            if time.monotonic() > deadline:
                names = ", ".join(model.name for model in left)
                raise TargetError(f"{self.url} still has {names} loaded; somebody else may be using it")
            time.sleep(0.1)

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            response = self._client.fetch(method, path, PAGE_SECONDS, json=body)
            response.raise_for_status()
        except (httpx.HTTPError, UnfinishedAnswerError) as error:
            reason = self._trust.explain(error) or str(error) or type(error).__name__
            raise TargetError(f"Ollama at {self.url} does not answer {path} ({reason})") from error
        return response
