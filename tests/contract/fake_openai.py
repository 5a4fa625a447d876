"""A server of OpenAI's wire format without a model."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.contract.fake_server import FakeServer, Reply


class FakeOpenAI(FakeServer):
    """Answers `/v1/chat/completions` and `/v1/models`.

    Attributes:
        text: What the model writes.
        mode: How it goes wrong: `ok`, `length`, `refusal`, `empty`, `no_choices`, `garbage`, `hang`, or a status.
        retry_after: Sent with a status.
    """

    def __init__(self, text: str = "{}") -> None:
        super().__init__()
        self.text = text
        self.mode = "ok"
        self.retry_after = "7"

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        del body
        if self.mode.isdigit():
            await reply.json({"error": {"message": "no"}}, int(self.mode), retry_after=self.retry_after)
        elif path == "/v1/models":
            await reply.json({"object": "list", "data": [{"id": "test"}]})
        elif self.mode == "hang":
            await asyncio.sleep(60)
        elif self.mode == "garbage":
            await reply.whole(200, b"<html>")
        else:
            await reply.json({"choices": self._choices(), "usage": {"prompt_tokens": 17, "completion_tokens": 42}})

    def _choices(self) -> list[dict[str, Any]]:
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.mode == "no_choices":
            return []
        if self.mode == "refusal":
            message |= {"content": None, "refusal": "I cannot help with that."}
        if self.mode == "empty":
            message["content"] = " "
        return [{"index": 0, "message": message, "finish_reason": "length" if self.mode == "length" else "stop"}]
