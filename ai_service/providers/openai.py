"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.providers.base import Completion, Inspection, Prompt, ToolCall, check_completion, count_of, ignore
from ai_service.providers.context_length import exceeded, is_context_error, reading_of, texts_too_long
from ai_service.providers.embedding import Embedding, checked_vectors
from ai_service.providers.errors import IncompleteAnswer, ProviderFailed
from ai_service.providers.http import INSPECT_TIMEOUT_S, Client, deadline, error_for, lines, silence
from ai_service.providers.written import Written
from ai_service.transport.http_client import read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from ai_service.providers.base import FinishReason, Think


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    """A tool call, or a piece of one: the first piece has the name, all have a part of the arguments."""

    index: int | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    """A message, or a piece of one; servers call reasoning by one of two names."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    """A choice of a whole answer (`message`) or of a chunk (`delta`)."""

    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(msgspec.Struct):
    """A whole answer, a chunk of one, or an error in a stream."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Vector(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Embeddings(msgspec.Struct):
    data: list[_Vector]
    usage: _Usage | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode
_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}
"""What is passed on; any other reason is an answer's own end."""


class _Answer:
    """An answer, put together from its chunks."""

    def __init__(self, prompt: Prompt, written: Written) -> None:
        self._prompt = prompt
        self._written = written
        self._refusal = ""
        self._calls: dict[int, ToolCall] = {}
        self._finish_reason = ""
        self._usage = _Usage()

    def add(self, raw: bytes) -> None:
        """Add a chunk, or a whole answer.

        Raises:
            ProviderFailed: It is an error, or neither.
            ContextLengthExceeded: The server says so.
        """
        try:
            chunk = _decode(raw)
        except (ValueError, RecursionError) as error:
            raise ProviderFailed(f"the answer is not a chat completion: {error}") from error
        if (failure := bytes(chunk.error)) not in _NO_ERROR:
            shown = _text(failure)
            raise exceeded(self._prompt) if is_context_error(shown) else ProviderFailed(shown[:200])
        self._usage = chunk.usage or self._usage
        for choice in chunk.choices or ():
            message = choice.message or choice.delta or _Message()
            self._refusal += message.refusal or ""
            self._finish_reason = choice.finish_reason or self._finish_reason
            self._written.reason(message.reasoning_content or message.reasoning or "")
            self._written.write(message.content or "")
            for place, call in enumerate(message.tool_calls or ()):
                self._add_call(place if call.index is None else call.index, call.function or _Function())

    def _add_call(self, index: int, piece: _Function) -> None:
        begun = self._calls.get(index, ToolCall("", ""))
        self._calls[index] = ToolCall(begun.name + (piece.name or ""), begun.arguments + (piece.arguments or ""))
        self._written.advance((piece.name or "") + (piece.arguments or ""))

    def complete(self) -> Completion:
        """Return the completion.

        Raises:
            IncompleteAnswer: The stream ended too early.
            InvalidAnswer: It is no answer.
            ContextLengthExceeded: The server read less than the whole prompt.
        """
        if not self._finish_reason:
            raise IncompleteAnswer("the stream ended before the answer did")
        prompt_tokens = count_of(self._usage.prompt_tokens)
        if reading_of(self._prompt, prompt_tokens, 0) == "cut":
            raise exceeded(self._prompt)
        text, reasoning = self._written.end()
        completion = Completion(
            text=text,
            reasoning=reasoning,
            finish_reason=_FINISH_REASONS.get(self._finish_reason, "tool_calls" if self._calls else "stop"),
            refusal=self._refusal,
            prompt_tokens=prompt_tokens,
            completion_tokens=count_of(self._usage.completion_tokens),
            tool_calls=tuple(call for _, call in sorted(self._calls.items())),
        )
        return check_completion(self._prompt, completion)


_NO_ERROR = (b"", b"null", b"{}", b'""', b"false")
_EFFORTS: dict[Think, str] = {False: "none", True: "medium"}


class OpenAIProvider:
    """A server of OpenAI's wire format.

    Args:
        base_url: With its version, such as `https://host/v1`.
        model: The model's name there.
        api_key: Bearer token; empty for none.
        timeout_s: The longest silence of the server: before the first text, and between two pieces of it.
        proxy: URL of the HTTP proxy to the server; empty for none.
    """

    name = "openai"
    synthetic = False
    context_tokens = 0

    def __init__(self, base_url: str, model: str, *, api_key: str, timeout_s: float, proxy: str = "") -> None:
        self.model = model
        self._client = Client(base_url, api_key=api_key, proxy=proxy)
        self._timeout_s = timeout_s
        self._digest = blake2b(f"{base_url} {model}".encode(), digest_size=6).hexdigest()

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
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
        if prompt.callers_own and prompt.think is not None:
            # A task's own wish is not sent: most models know no such parameter, and some servers refuse it.
            body["reasoning_effort"] = _EFFORTS.get(prompt.think, prompt.think)
        if prompt.tools:
            body["tools"] = prompt.tools
            if prompt.must_call:
                body["tool_choice"] = "required"
            if prompt.calls_once:
                body["parallel_tool_calls"] = False
        async with silence(self._timeout_s) as heard, self._client.post("/chat/completions", body) as response:
            answer = _Answer(prompt, Written(prompt.max_characters, on_text, on_reasoning, heard))
            if response.status_code != 200:
                error = _text(await read(response))
                if is_context_error(error):
                    raise exceeded(prompt)
                raise error_for(response.status_code, error, response.headers)
            if "text/event-stream" in response.headers.get("content-type", ""):
                stream = lines(response)
                await _read_events(stream, answer)
                await self._client.end(stream)
            else:
                answer.add(await read(response))
        return answer.complete()

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider. The wire format cannot ask for truncation."""
        del truncates
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "float"}
        if dimensions is not None:
            body["dimensions"] = dimensions
        async with deadline(self._timeout_s, "embedding"), self._client.post("/embeddings", body) as response:
            content = await read(response)
        if response.status_code != 200:
            error = _text(content)
            if is_context_error(error):
                raise texts_too_long()
            raise error_for(response.status_code, error, response.headers)
        try:
            answer = _decode_embeddings(content)
        except (ValueError, RecursionError) as error:
            raise ProviderFailed(f"/embeddings did not answer with vectors: {error}") from error
        vectors = [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]
        tokens = count_of(answer.usage.prompt_tokens if answer.usage else None)
        return Embedding(checked_vectors(vectors, len(texts)), tokens)

    async def inspect(self) -> Inspection:
        """See Provider. The wire format knows no digest; the server's address and the model's name stand for it."""
        async with (
            deadline(INSPECT_TIMEOUT_S, "inspecting the OpenAI-compatible server"),
            self._client.get("/models") as response,
        ):
            content = await read(response)
        if response.status_code != 200:
            raise error_for(response.status_code, _text(content), response.headers)
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


async def _read_events(stream: AsyncIterator[bytes], answer: _Answer) -> None:
    """Read server-sent events until `[DONE]`."""
    async for line in stream:
        field, _, value = line.partition(b":")
        if field != b"data":
            continue  # A comment, or another field of an event.
        if value.strip() == b"[DONE]":
            return
        answer.add(value)
