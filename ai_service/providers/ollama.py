"""Ollama, by its native API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ai_service.providers.base import Completion, Inspection, ToolCall, check_completion, count_of, ignore
from ai_service.providers.context_length import exceeded, is_context_error, reading_of, texts_too_long
from ai_service.providers.embedding import Embedding, checked_vectors
from ai_service.providers.errors import (
    IncompleteAnswer,
    ProviderFailed,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from ai_service.providers.http import Client, deadline, error_for, lines, silence
from ai_service.providers.ollama_model import OllamaModel
from ai_service.providers.ollama_wire import (
    Chunk,
    decode_chunk,
    decode_embeddings,
    error_text,
    wire_messages,
)
from ai_service.providers.written import Written
from ai_service.transport.http_client import read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from ai_service.providers.base import FinishReason, Prompt

RESIDENT_S = 5.0
"""For so long after an answer the model is taken to be still in memory, without asking `/api/ps`."""


class OllamaProvider:
    """An Ollama server.

    Loading a model and running it have deadlines of their own: before the first request the model is loaded by an
    empty one, so that a cold start is never taken for a slow answer.

    Args:
        base_url: Such as `http://127.0.0.1:11434`.
        model: A model's name; `:latest` where it has no tag.
        timeout_s: The longest silence of the server: before the first text, and between two pieces of it.
        load_timeout_s: Deadline of loading the model.
        num_ctx: Context length in tokens, the same in every request: a change would reload the model.
        keep_alive_s: How long the model stays loaded after a request; -1 for ever.
        clock: Monotonic seconds.
    """

    name = "ollama"
    synthetic = False

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
        self._client = Client(base_url)
        self._served = OllamaModel(self._client, model, num_ctx)
        self._timeout_s = timeout_s
        self._load_timeout_s = load_timeout_s
        self._num_ctx = num_ctx
        self._keep_alive_s = keep_alive_s
        self._clock = clock
        self._resident_until = 0.0

    @property
    def context_tokens(self) -> int:
        """See Provider: what is asked for, but no more than the model was trained with."""
        return self._served.context_tokens

    async def complete(
        self, prompt: Prompt, on_text: Callable[[str], None] = ignore, on_reasoning: Callable[[str], None] = ignore
    ) -> Completion:
        """See Provider."""
        load_s = 0.0
        if prompt.tools and not self._served.may_call_tools:
            raise RequestRejected(f"the model {self.model} does not support tools")
        if self._clock() >= self._resident_until:
            load_s = await self._load()
        try:
            completion = await self._chat(prompt, load_s, on_text, on_reasoning)
        except (ProviderFailed, ProviderTimeout, ProviderUnreachable):
            self._resident_until = 0.0
            raise
        self._resident_until = self._clock() + RESIDENT_S
        return completion

    async def embed(self, texts: Sequence[str], *, dimensions: int | None, truncates: bool) -> Embedding:
        """See Provider. The first call of a model that is not in memory loads it."""
        body: dict[str, Any] = {**self._base(), "input": texts, "truncate": truncates}
        if dimensions is not None:
            body["dimensions"] = dimensions
        async with (
            deadline(self._load_timeout_s + self._timeout_s, "embedding"),
            self._client.post("/api/embed", body) as response,
        ):
            content = await read(response)
        if response.status_code != 200:
            error = error_text(content)
            if is_context_error(error):
                raise texts_too_long(self.context_tokens)
            raise error_for(response.status_code, error, response.headers)
        try:
            answer = decode_embeddings(content)
        except (ValueError, RecursionError) as error:
            raise ProviderFailed(f"/api/embed did not answer with vectors: {error}") from error
        return Embedding(checked_vectors(answer.embeddings, len(texts)), count_of(answer.prompt_eval_count))

    async def inspect(self) -> Inspection:
        """See Provider."""
        return await self._served.inspect()

    async def close(self) -> None:
        """See Provider."""
        await self._client.close()

    async def _load(self) -> float:
        """Load the model if it is not in memory; return the seconds that took."""
        if await self._served.is_loaded():
            return 0.0
        started = self._clock()
        body = {**self._base(), "messages": [], "stream": False}
        async with (
            deadline(self._load_timeout_s, "loading the model"),
            self._client.post("/api/chat", body) as response,
        ):
            content = await read(response)
        if response.status_code != 200:
            raise error_for(response.status_code, error_text(content), response.headers)
        return self._clock() - started

    def _base(self, **options: Any) -> dict[str, Any]:
        return {
            "model": self.model,
            "keep_alive": self._keep_alive_s,
            "options": {"num_ctx": self._num_ctx, **options},
        }

    async def _chat(
        self, prompt: Prompt, load_s: float, on_text: Callable[[str], None], on_reasoning: Callable[[str], None]
    ) -> Completion:
        body = {
            **self._base(num_predict=prompt.max_tokens, **prompt.options),
            "messages": list(wire_messages(prompt.messages)),
            "stream": True,
            "truncate": False,  # Refuse a prompt that is too long, and end an answer where the context ends:
            "shift": False,  # both would lose their beginning without a word. Old servers ignore this.
        }
        if prompt.schema is not None:
            body["format"] = prompt.schema or "json"
        if prompt.think is not None:
            body["think"] = prompt.think
        if prompt.tools:
            body["tools"] = prompt.tools
        async with silence(self._timeout_s) as heard, self._client.post("/api/chat", body) as response:
            written = Written(prompt.max_characters, on_text, on_reasoning, heard)
            if response.status_code != 200:
                error = error_text(await read(response))
                if is_context_error(error):
                    raise exceeded(prompt, self.context_tokens)
                raise error_for(response.status_code, error, response.headers)
            stream = lines(response)
            calls: list[ToolCall] = []
            last = await self._collect(prompt, stream, written, calls)
            await self._client.end(stream)
        return self._completion(prompt, written, last, load_s=load_s, calls=calls)

    async def _collect(
        self, prompt: Prompt, stream: AsyncIterator[bytes], written: Written, calls: list[ToolCall]
    ) -> Chunk:
        """Read a stream of lines to the last one, which is returned; what is written goes to the last two arguments.

        Raises:
            ProviderFailed: A line is an error or no JSON.
            IncompleteAnswer: The stream ends before it says that it is done.
            ContextLengthExceeded: The server says so.
        """
        async for line in stream:
            try:
                chunk = decode_chunk(line)
            except (ValueError, RecursionError) as error:
                raise ProviderFailed(f"invalid line in the stream: {error}") from error
            if chunk.error and is_context_error(chunk.error):
                raise exceeded(prompt, self.context_tokens)
            if chunk.error:
                raise ProviderFailed(chunk.error[:200])
            if chunk.message is not None:
                written.reason(chunk.message.thinking or "")
                written.write(chunk.message.content or "")
                for call in chunk.message.tool_calls or ():
                    calls.append(ToolCall(call.function.name, bytes(call.function.arguments).decode()))
                    written.advance(calls[-1].arguments)
            if chunk.done:
                return chunk
        raise IncompleteAnswer("the stream ended before the answer did")

    def _completion(
        self, prompt: Prompt, written: Written, last: Chunk, *, load_s: float, calls: Sequence[ToolCall]
    ) -> Completion:
        """Return what was written.

        Raises:
            InvalidAnswer: It is no answer.
            ContextLengthExceeded: The server read less than the whole prompt.
        """
        if last.done_reason in {"load", "unload"}:
            raise IncompleteAnswer(f"the answer ended with {last.done_reason!r}")
        prompt_tokens, completion_tokens = count_of(last.prompt_eval_count), count_of(last.eval_count)
        reading = reading_of(prompt, prompt_tokens, self.context_tokens)
        if reading == "cut":
            raise exceeded(prompt, self.context_tokens)
        shifted = prompt_tokens + completion_tokens > self.context_tokens
        finish_reason: FinishReason = "tool_calls" if calls else "stop"
        if last.done_reason == "length":
            finish_reason = "length"
        text, reasoning = written.end()
        completion = Completion(
            text=text,
            reasoning=reasoning,
            finish_reason=finish_reason,
            load_s=load_s,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            storable=self._served.refuses_overlong or (reading == "whole" and not shifted),
            tool_calls=tuple(calls),
        )
        return check_completion(prompt, completion)
