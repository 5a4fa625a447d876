"""Ollama, by its native API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.providers.base import Completion, Inspection, unheard
from ai_service.providers.errors import InvalidAnswer, ProviderFailed, TruncatedAnswer
from ai_service.providers.http import INSPECT_TIMEOUT_S, Client, Lines, deadline, end, error_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.http_client import Response
    from ai_service.providers.base import Prompt

RESIDENT_S = 5.0
"""For so long after an answer the model is taken to be still in memory, without asking `/api/ps`."""


class _Model(msgspec.Struct):
    name: str = ""
    model: str = ""
    digest: str = ""


class _Models(msgspec.Struct):
    models: list[_Model] | None = None


class _Message(msgspec.Struct):
    content: str = ""


class _Chunk(msgspec.Struct):
    """A line of a chat stream. Every field may be missing; an error may come in any line of a 200 answer."""

    message: _Message | None = None
    done: bool = False
    done_reason: str = ""
    prompt_eval_count: int = 0
    eval_count: int = 0
    error: str = ""


_decode_models = msgspec.json.Decoder(_Models).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode


class OllamaProvider:
    """An Ollama server.

    Loading a model and running it have deadlines of their own: before the first request the model is loaded by an
    empty one, so that a cold start is never taken for a slow answer.

    Args:
        base_url: Such as `http://127.0.0.1:11434`.
        model: A model's name; `:latest` where it has no tag.
        timeout_s: Deadline of one inference.
        load_timeout_s: Deadline of loading the model.
        num_ctx: Context length in tokens, the same in every request: a change would reload the model.
        keep_alive_s: How long the model stays loaded after a request; -1 for ever.
        clock: Monotonic seconds.
    """

    name = "ollama"
    fabricated = False

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        timeout_s: float,
        load_timeout_s: float,
        num_ctx: int,
        keep_alive_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self._full_name = model if ":" in model.rpartition("/")[2] else f"{model}:latest"
        self._client = Client(base_url)
        self._timeout_s = timeout_s
        self._load_timeout_s = load_timeout_s
        self._num_ctx = num_ctx
        self._keep_alive_s = keep_alive_s
        self._clock = clock
        self._resident_until = 0.0

    async def complete(self, prompt: Prompt, on_text: Callable[[str], None] = unheard) -> Completion:
        """See Provider."""
        load_s = 0.0
        if self._clock() >= self._resident_until:
            load_s = await self._load()
        try:
            completion = await self._chat(prompt, load_s, on_text)
        except ProviderFailed:
            self._resident_until = 0.0
            raise
        self._resident_until = self._clock() + RESIDENT_S
        return completion

    async def inspect(self) -> Inspection:
        """See Provider."""
        async with deadline(INSPECT_TIMEOUT_S, "looking at Ollama"):
            known = await self._models("/api/tags")
            loaded = await self._models("/api/ps")
        digest = known.get(self._full_name, "").removeprefix("sha256:")[:12]
        return Inspection(digest=digest, loaded=self._full_name in loaded)

    async def close(self) -> None:
        """See Provider."""
        await self._client.close()

    async def _models(self, path: str) -> dict[str, str]:
        async with self._client.get(path) as response:
            content = await response.read()
        if response.status != 200:
            raise error_for(response.status, _error_text(content), response.headers)
        try:
            models = _decode_models(content).models or []
        except msgspec.DecodeError as error:
            raise ProviderFailed(f"{path} answered with something else than a list of models: {error}") from error
        return {item.name or item.model: item.digest for item in models}

    async def _load(self) -> float:
        """Loads the model if it is not in memory; returns the seconds that took."""
        async with deadline(INSPECT_TIMEOUT_S, "looking at Ollama"):
            loaded = await self._models("/api/ps")
        if self._full_name in loaded:
            return 0.0
        started = self._clock()
        body = {**self._base(), "messages": [], "stream": False}
        async with (
            deadline(self._load_timeout_s, "loading the model"),
            self._client.post("/api/chat", body) as response,
        ):
            content = await response.read()
        if response.status != 200:
            raise error_for(response.status, _error_text(content), response.headers)
        return self._clock() - started

    def _base(self, **options: Any) -> dict[str, Any]:
        return {
            "model": self.model,
            "keep_alive": self._keep_alive_s,
            "options": {"num_ctx": self._num_ctx, **options},
        }

    async def _chat(self, prompt: Prompt, load_s: float, on_text: Callable[[str], None]) -> Completion:
        body = {
            **self._base(num_predict=prompt.max_tokens, **prompt.options),
            "messages": prompt.messages,
            "stream": True,
        }
        if prompt.schema is not None:
            body["format"] = prompt.schema or "json"
        async with deadline(self._timeout_s, "inference"), self._client.post("/api/chat", body) as response:
            if response.status != 200:
                raise error_for(response.status, _error_text(await response.read()), response.headers)
            text, last = await _collect(response, on_text)
            await end(response)
        cut = last.done_reason == "length"
        if cut and not prompt.may_be_cut:
            raise TruncatedAnswer(f"cut short after {prompt.max_tokens} tokens")
        if not text.strip():
            raise InvalidAnswer("the answer is empty")
        return Completion(
            text=text,
            cut=cut,
            load_s=load_s,
            prompt_tokens=last.prompt_eval_count,
            completion_tokens=last.eval_count,
        )


async def _collect(response: Response, on_text: Callable[[str], None]) -> tuple[str, _Chunk]:
    """Joins a stream of lines.

    Raises:
        ProviderFailed: A line is an error or no JSON, or the stream ends before it says that it is done.
    """
    parts: list[str] = []
    async for line in Lines(response):
        try:
            chunk = _decode_chunk(line)
        except msgspec.DecodeError as error:
            raise ProviderFailed(f"a line of the stream cannot be read: {error}") from error
        if chunk.error:
            raise ProviderFailed(chunk.error[:200])
        if chunk.message is not None:
            parts.append(chunk.message.content)
            on_text(chunk.message.content)
        if chunk.done:
            return "".join(parts), chunk
    raise ProviderFailed("the stream ended before the answer did")


def _error_text(content: bytes) -> str:
    try:
        return _decode_chunk(content).error
    except msgspec.DecodeError:
        return content[:200].decode("utf-8", "replace")
