"""A server of OpenAI's wire format without a model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

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
    """

    def __init__(self, text: str = "{}") -> None:
        super().__init__()
        self.text = text
        self.mode = "ok"
        self.retry_after = "7"

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        if self.mode.isdigit():
            await reply.json({"error": {"message": "no"}}, int(self.mode), retry_after=self.retry_after)
        elif path == "/v1/models":
            await reply.json({"object": "list", "data": [{"id": "test"}]})
        elif self.mode == "hang":
            await asyncio.sleep(60)
        elif self.mode == "garbage":
            await reply.whole(200, b"<html>")
        elif self.mode in {"whole", "no_choices"} or not body.get("stream"):
            choices = [] if self.mode == "no_choices" else [{"index": 0, "message": self._message(), **self._finish()}]
            await reply.json({"choices": choices, "usage": USAGE})
        else:
            await self._stream(reply)

    async def _stream(self, reply: Reply) -> None:
        await reply.start(200, content_type="text/event-stream")
        await reply.part(b": a comment\n\n")
        message = self._message()
        content = message.pop("content") or ""
        await reply.part(_event(choices=[{"index": 0, "delta": message}]))
        for at in range(0, len(content), 20):
            await reply.part(_event(choices=[{"index": 0, "delta": {"content": content[at : at + 20]}}]))
            if self.mode == "error_chunk":
                await reply.part(_event(error={"message": "an error was encountered"}))
                break
            if self.mode == "garbage_chunk":
                await reply.part(b"data: <html>\n\n")
                break
        if self.mode not in {"error_chunk", "garbage_chunk", "cut_stream"}:
            await reply.part(_event(choices=[{"index": 0, "delta": {}, **self._finish()}]))
            await reply.part(_event(choices=[], usage=USAGE))
            await reply.part(b"data: [DONE]\n\n")
        if self.mode == "no_end":
            await asyncio.sleep(60)
        await reply.end()

    def _message(self) -> dict[str, Any]:
        if self.mode == "refusal":
            return {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
        return {"role": "assistant", "content": " " if self.mode == "empty" else self.text}

    def _finish(self) -> dict[str, str]:
        return {"finish_reason": "length" if self.mode == "length" else "stop"}


def _event(**fields: Any) -> bytes:
    return b"data: " + json.dumps(fields, ensure_ascii=False).encode() + b"\n\n"
