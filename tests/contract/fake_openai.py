"""A server of OpenAI's wire format without a model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.contract.fake_ollama import vector_of
from tests.contract.fake_server import FakeServer, Reply

USAGE = {"prompt_tokens": 17, "completion_tokens": 42}


class FakeOpenAI(FakeServer):
    """Answers `/v1/chat/completions` and `/v1/models`.

    Attributes:
        text: What the model writes, some characters a chunk.
        mode: How it goes wrong: `ok`, `whole` (no stream, though one was asked for), `length`, `refusal`, `empty`,
            `no_choices`, `garbage`, `hang`, `error_chunk`, `garbage_chunk`, `cut_stream`, `no_end` (the answer is
            complete, the stream goes on), or a status.
        retry_after: Sent with a status.
        error: Sent with a status.
        reasoning: What the model writes before its text, and the name that it has on the wire.
        pause_s: Seconds before each chunk.
        events: Sent in place of a stream's.
        usage: Tokens that it says it has read and written.
        calls: Tool calls that the model makes after its text: name and arguments, in pieces of 5 characters.
    """

    def __init__(self, text: str = "{}") -> None:
        super().__init__()
        self.text = text
        self.mode = "ok"
        self.retry_after = "7"
        self.error: dict[str, str] = {"message": "no"}
        self.reasoning = ("", "reasoning_content")
        self.pause_s = 0.0
        self.events: list[bytes] | None = None
        self.usage = USAGE
        self.calls: list[tuple[str, str]] = []

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        if self.mode.isdigit():
            await reply.json({"error": self.error}, int(self.mode), retry_after=self.retry_after)
        elif path == "/v1/models":
            await reply.json({"object": "list", "data": [{"id": "test"}]})
        elif path == "/v1/embeddings":
            data = [
                {"index": index, "embedding": vector_of(text, body.get("dimensions") or 3)}
                for index, text in enumerate(body["input"])
            ]
            await reply.json({"data": data[::-1], "usage": {"prompt_tokens": 4, "total_tokens": 4}})
        elif self.mode == "hang":
            await asyncio.sleep(60)
        elif self.mode == "garbage":
            await reply.whole(200, b"<html>")
        elif self.mode in {"whole", "no_choices"} or not body.get("stream"):
            choices = [] if self.mode == "no_choices" else [{"index": 0, "message": self._message(), **self._finish()}]
            await reply.json({"choices": choices, "usage": self.usage})
        else:
            await self._stream(reply)

    async def _stream(self, reply: Reply) -> None:
        await reply.start(200, content_type="text/event-stream")
        await reply.part(b": a comment\n\n")
        for raw in self.events or ():
            await asyncio.sleep(self.pause_s)
            await reply.part(raw)
        if self.events is not None:
            await reply.end()
            return
        message = self._message()
        content = message.pop("content") or ""
        await reply.part(event(choices=[{"index": 0, "delta": message}]))
        reasoning, name = self.reasoning
        for at in range(0, len(reasoning), 20):
            await reply.part(event(choices=[{"index": 0, "delta": {name: reasoning[at : at + 20]}}]))
        for at in range(0, len(content), 20):
            await asyncio.sleep(self.pause_s)
            await reply.part(event(choices=[{"index": 0, "delta": {"content": content[at : at + 20]}}]))
            if self.mode == "error_chunk":
                await reply.part(event(error={"message": "an error was encountered"}))
                break
            if self.mode == "garbage_chunk":
                await reply.part(b"data: <html>\n\n")
                break
        for index, (called, arguments) in enumerate(self.calls):
            function = {"name": called, "arguments": ""}
            first = {"index": index, "id": f"theirs_{index}", "type": "function", "function": function}
            await reply.part(event(choices=[{"index": 0, "delta": {"tool_calls": [first]}}]))
            for at in range(0, len(arguments), 5):
                piece = {"index": index, "function": {"arguments": arguments[at : at + 5]}}
                await reply.part(event(choices=[{"index": 0, "delta": {"tool_calls": [piece]}}]))
        if self.mode not in {"error_chunk", "garbage_chunk", "cut_stream"}:
            await reply.part(event(choices=[{"index": 0, "delta": {}, **self._finish()}]))
            await reply.part(event(choices=[], usage=self.usage))
            await reply.part(b"data: [DONE]\n\n")
        if self.mode == "no_end":
            await asyncio.sleep(60)
        await reply.end()

    def _message(self) -> dict[str, Any]:
        if self.mode == "refusal":
            return {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
        return {"role": "assistant", "content": " " if self.mode == "empty" else self.text}

    def _finish(self) -> dict[str, str]:
        if self.calls:
            return {"finish_reason": "tool_calls"}
        return {"finish_reason": "length" if self.mode == "length" else "stop"}


def event(**fields: Any) -> bytes:
    """Return one event of a stream."""
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"
