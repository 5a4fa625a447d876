"""A server of OpenAI's wire format without a model: one fixed answer over a fixed time, and a count of its calls.

It stands for the model in measurements of what is in front of a model. Its delay comes from the environment. Asked for
a stream it sends one, as models do: pieces at even intervals, of which the last comes when the delay is over.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

DELAY_VARIABLE = "BENCH_UPSTREAM_DELAY_MS"
MODEL = "bench-upstream"
CALLS_PATH = "/calls"
LAST_REQUEST_PATH = "/last-request"

RECIPE = {
    "title": "Lentil Stew with Roasted Peppers",
    "description": "A thick, warming stew of brown lentils, sweet roasted peppers and tomatoes for a cold evening.",
    "ingredients": [
        {"name": "brown lentils", "amount": 300, "unit": "g"},
        {"name": "red peppers", "amount": 2, "unit": "piece"},
        {"name": "tomatoes", "amount": 400, "unit": "g"},
        {"name": "garlic", "amount": 3, "unit": "clove"},
        {"name": "olive oil", "amount": 2, "unit": "tbsp"},
    ],
    "instructions": [
        "Roast the peppers at 220 degrees for 20 minutes and peel them.",
        "Soften the garlic in the oil over a low heat, without browning it.",
        "Add the lentils and a litre of water and simmer for 25 minutes.",
        "Stir in tomatoes and peppers, season, and simmer for 10 minutes.",
        "Let the stew rest off the heat for 10 minutes, so that it thickens and the flavours come together.",
    ],
    "tags": ["stew", "vegan", "one pot"],
    "nutrition": {
        "calories": 1420, "protein": 84, "carbs": 196, "fat": 33, "fiber": 60, "sugar": 32, "sodium": 640,
    },
    "confidence": 80,
}  # fmt: skip
"""What the model is said to write; with it our service's answer has some 1.2 KB."""

PIECES = 20
"""Of a stream: one every 10 ms at the delay of the miss's budget, some 100 tokens/s at five tokens each."""

_TEXT = json.dumps(RECIPE, separators=(",", ":"))
_USAGE = {"prompt_tokens": 400, "completion_tokens": 300, "total_tokens": 700}
_COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1,
    "model": MODEL,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
    "usage": _USAGE,
}
_MODELS = {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "bench"}]}


class Upstream:
    """The ASGI application.

    Args:
        delay_s: Seconds from a request to its answer.
    """

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._calls = 0
        self._last_request = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["path"] == "/v1/chat/completions":
            self._calls += 1
            self._last_request = body
            if json.loads(body).get("stream"):
                await self._stream(send)
            else:
                await asyncio.sleep(self._delay_s)
                await _answer(send, _COMPLETION)
        elif scope["path"] == "/v1/models":
            await _answer(send, _MODELS)
        elif scope["path"] == CALLS_PATH:
            await _answer(send, {"calls": self._calls})
        elif scope["path"] == LAST_REQUEST_PATH:
            await _answer(send, {"body": self._last_request.decode()})
        else:
            await _answer(send, {"error": {"message": f"no such path: {scope['path']}"}}, 404)

    async def _stream(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, event in enumerate(_EVENTS, start=1):
            await asyncio.sleep(begun + self._delay_s * number / PIECES - loop.time())
            await send({"type": "http.response.body", "body": event, "more_body": number < PIECES})


def _events() -> list[bytes]:
    """Build the stream's events, with everything after the text attached to its last piece."""
    length = -(-len(_TEXT) // PIECES)
    events = [
        _event({"index": 0, "delta": {"content": _TEXT[at : at + length]}}) for at in range(0, len(_TEXT), length)
    ]
    events[-1] += (
        _event({"index": 0, "delta": {}, "finish_reason": "stop"}) + _event(usage=_USAGE) + b"data: [DONE]\n\n"
    )
    return events


def _event(*choices: dict[str, Any], **fields: Any) -> bytes:
    common = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return b"data: %s\n\n" % json.dumps({**common, "choices": choices, **fields}, separators=(",", ":")).encode()


async def _answer(send: Send, value: Any, status: int = 200) -> None:
    body = json.dumps(value, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_EVENTS = _events()

app = Upstream(float(os.environ.get(DELAY_VARIABLE, "0")) / 1000)
