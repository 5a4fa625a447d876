"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.providers.base import Completion, Inspection, Prompt, unheard
from ai_service.providers.errors import InvalidAnswer, ProviderFailed, TruncatedAnswer
from ai_service.providers.http import INSPECT_TIMEOUT_S, Client, Lines, deadline, end, error_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.http_client import Response


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    """A choice of a whole answer (`message`) or of a chunk (`delta`)."""

    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(msgspec.Struct):
    """A whole answer, a chunk of one, or an error in a stream."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk).decode


class _Answer:
    """An answer, put together from its chunks."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._parts: list[str] = []
        self._refusal = ""
        self._finish_reason = ""
        self._usage = _Usage()

    def add(self, raw: bytes) -> None:
        """Adds a chunk, or a whole answer.

        Raises:
            ProviderFailed: It is an error, or neither.
        """
        try:
            chunk = _decode(raw)
        except msgspec.DecodeError as error:
            raise ProviderFailed(f"the answer is not a chat completion: {error}") from error
        if chunk.error:
            raise ProviderFailed(str(chunk.error)[:200])
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            message = choice.message or choice.delta or _Message()
            self._refusal += message.refusal or ""
            self._finish_reason = choice.finish_reason or self._finish_reason
            if message.content:
                self._parts.append(message.content)
                self._on_text(message.content)

    def complete(self, prompt: Prompt) -> Completion:
        """The completion.

        Raises:
            ProviderFailed: The stream ended too early.
            InvalidAnswer: It is empty, or a refusal.
            TruncatedAnswer: It was cut short.
        """
        text = "".join(self._parts)
        cut = self._finish_reason == "length"
        if not self._finish_reason:
            raise ProviderFailed("the stream ended before the answer did")
        if cut and not prompt.may_be_cut:
            raise TruncatedAnswer(f"cut short after {prompt.max_tokens} tokens")
        if not text.strip():
            raise InvalidAnswer(self._refusal or "the answer is empty")
        return Completion(
            text=text,
            cut=cut,
            prompt_tokens=self._usage.prompt_tokens,
            completion_tokens=self._usage.completion_tokens,
        )


class OpenAIProvider:
    """A server of OpenAI's wire format.

    Args:
        base_url: With its version, such as `https://host/v1`.
        model: The model's name there.
        api_key: Bearer token; empty for none.
        timeout_s: Deadline of one completion.
    """

    name = "openai"
    fabricated = False

    def __init__(self, base_url: str, model: str, *, api_key: str, timeout_s: float) -> None:
        self.model = model
        self._client = Client(base_url, api_key=api_key)
        self._timeout_s = timeout_s
        self._digest = blake2b(f"{base_url} {model}".encode(), digest_size=6).hexdigest()

    async def complete(self, prompt: Prompt, on_text: Callable[[str], None] = unheard) -> Completion:
        """See Provider. A stream is asked for; a server that sends the whole answer instead is understood too."""
        body = {
            **prompt.options,
            "model": self.model,
            "messages": prompt.messages,
            "max_tokens": prompt.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if prompt.schema is not None:
            body["response_format"] = _response_format(prompt)
        answer = _Answer(on_text)
        async with (
            deadline(self._timeout_s, "completion"),
            self._client.post("/chat/completions", body) as response,
        ):
            if response.status != 200:
                raise error_for(response.status, _text(await response.read()), response.headers)
            if "text/event-stream" in response.headers.get("content-type", ""):
                await _read_events(response, answer)
                await end(response)
            else:
                answer.add(await response.read())
        return answer.complete(prompt)

    async def inspect(self) -> Inspection:
        """See Provider. The wire format knows no digest; the server's address and the model's name stand for it."""
        async with (
            deadline(INSPECT_TIMEOUT_S, "looking at the OpenAI-compatible server"),
            self._client.get("/models") as response,
        ):
            content = await response.read()
        if response.status != 200:
            raise error_for(response.status, _text(content), response.headers)
        return Inspection(digest=self._digest)

    async def close(self) -> None:
        """See Provider."""
        await self._client.close()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _response_format(prompt: Prompt) -> dict[str, Any]:
    if not prompt.schema:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": prompt.task, "schema": prompt.schema}}


async def _read_events(response: Response, answer: _Answer) -> None:
    """Reads server-sent events until `[DONE]`."""
    async for line in Lines(response):
        field, _, value = line.partition(b":")
        if field != b"data":
            continue  # A comment, or another field of an event.
        if value.strip() == b"[DONE]":
            return
        answer.add(value)
