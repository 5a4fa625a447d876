"""Model servers that write down every answer they gave whole, and whose faults can be switched on and off."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from tests.contract.fake_ollama import DIGEST, line
from tests.contract.fake_openai import event
from tests.contract.fake_server import FakeServer, Reply
from tests.unit.service.fakes import NUTRITION, RECIPE

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = re.compile(r"q\d+q")
"""What every question of these tests names itself by."""
PIECE = 24
_serials = count(1)


class FaultyModel(FakeServer):
    """A model that answers the question, unless it is told otherwise.

    Attributes:
        given: The text of each answer that was given whole and is right, by its serial number, with its question.
        fault: What goes wrong: one of FAULTS.
        media_type: Of its streams.
    """

    media_type: ClassVar[str]

    FAULTS: ClassVar[tuple[str, ...]] = (
        "none", "500", "503", "429", "400", "garbage", "no UTF-8", "cut", "reset", "error", "error first",
        "silent", "hang", "white space", "empty", "length", "no JSON", "wrong JSON", "half JSON", "thoughts", "slow",
        "read little", "nonsense numbers",
    )  # fmt: skip
    HARMLESS: ClassVar[frozenset[str]] = frozenset({"none", "slow", "no JSON", "wrong JSON", "half JSON"})
    """Faults that leave an answer as it is where they do not change its text."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[int, tuple[str, str]] = {}
        self.fault = "none"

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """See FakeServer."""
        if path.endswith(("/chat", "/completions")) and body["messages"]:
            await self._answer(body, reply)
        else:
            await self.describe(path, reply)

    async def describe(self, path: str, reply: Reply) -> None:
        """Answer what is no question."""
        raise NotImplementedError

    def piece(self, text: str) -> bytes:
        """Return a piece of an answer as it travels."""
        raise NotImplementedError

    def failure(self) -> bytes:
        """Return an error within a stream."""
        raise NotImplementedError

    def last(self, reason: str, tokens: Any) -> bytes:
        """Return the end of an answer."""
        raise NotImplementedError

    async def _answer(self, body: dict[str, Any], reply: Reply) -> None:
        fault = self.fault
        if fault.isdigit():
            await reply.json({"error": "no"}, int(fault))
            return
        question = QUESTION.findall(body["messages"][-1]["content"])[-1]
        serial = next(_serials)
        wanted, mark = _wanted(body), f"{question} #{serial}#"
        text = self._text(fault, wanted, mark)
        await reply.start(200, content_type=self.media_type)
        parts = list(self._parts(fault, text))
        if fault in self.HARMLESS and (text == _right(wanted, mark) or (wanted, fault) == ("json", "wrong JSON")):
            self.given[serial] = (question, text)
        for part in parts:
            if fault == "slow":
                await asyncio.sleep(0.001)
            await reply.part(part)
        if fault in {"silent", "hang"}:
            await asyncio.sleep(60)
        if fault == "reset":
            raise ConnectionResetError
        await reply.end()

    def _parts(self, fault: str, text: str) -> Iterator[bytes]:
        if fault == "silent":
            return
        if fault == "error first":
            yield self.failure()
            return
        pieces = [self.piece(text[at : at + PIECE]) for at in range(0, len(text), PIECE)]
        if fault in {"garbage", "no UTF-8", "cut", "reset", "error", "hang"}:
            yield from pieces[: max(1, len(pieces) // 2)]
            if fault == "garbage":
                yield b"data: <html>\n\n<html>\n"
            elif fault == "no UTF-8":
                yield pieces[-1][:-4] + b"\xff\xfe" + pieces[-1][-4:]
            elif fault == "error":
                yield self.failure()
            return
        yield from pieces
        tokens = {"read little": 100_000, "nonsense numbers": "many"}.get(fault, 20)
        yield self.last("length" if fault == "length" else "stop", tokens)

    def _text(self, fault: str, wanted: str, mark: str) -> str:
        if fault in {"empty", "thoughts"}:
            return "" if fault == "empty" else f"<think>About {mark}, I wonder.</think>"
        if fault == "white space":
            return " \n" * 20
        if fault == "no JSON" and wanted != "text":
            return f"Once upon a time there was {mark}."
        if fault == "wrong JSON" and wanted != "text":
            return json.dumps({"something": "else", "mark": mark})
        text = _right(wanted, mark)
        return text[: len(text) // 2] if fault == "half JSON" and wanted != "text" else text


def _wanted(body: dict[str, Any]) -> str:
    """Return the kind of answer that is asked for."""
    form = body.get("format") or (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    asked = json.dumps(form or body.get("response_format") or "")
    for word, kind in (
        ("instructions", "recipe"),
        ("suggestions", "ingredients"),
        ("sodium", "nutrition"),
        ("herb", "schema"),
    ):
        if word in asked:
            return kind
    return "json" if asked != '""' else "text"


def _right(wanted: str, mark: str) -> str:
    return {
        "recipe": json.dumps({**RECIPE, "title": f"Soup {mark}"}),
        "ingredients": json.dumps({"suggestions": [mark, "garlic", "basil", "rice"]}),
        "nutrition": json.dumps({**NUTRITION, "sodium": int(mark.split("#")[1])}),
        "schema": json.dumps({"herb": mark}),
        "json": json.dumps({"mark": mark}),
        "text": f"The answer to {mark} is basil, and nothing but basil.",
    }[wanted]


class FaultyOllama(FaultyModel):
    """By Ollama's native API."""

    media_type = "application/x-ndjson"

    async def describe(self, path: str, reply: Reply) -> None:
        """See FaultyModel."""
        models = {"models": [{"name": "test:1b", "digest": f"sha256:{DIGEST}"}]}
        await reply.json({"model_info": {}, "version": "0.5.4", **models} if path != "/api/chat" else {"done": True})

    def piece(self, text: str) -> bytes:
        """See FaultyModel."""
        return line(message={"role": "assistant", "content": text}, done=False)

    def failure(self) -> bytes:
        """See FaultyModel."""
        return line(error="an error was encountered while running the model")

    def last(self, reason: str, tokens: Any) -> bytes:
        """See FaultyModel."""
        return line(done=True, done_reason=reason, prompt_eval_count=tokens, eval_count=9)


class FaultyOpenAI(FaultyModel):
    """By OpenAI's wire format, of a context that nobody knows the length of."""

    media_type = "text/event-stream"
    HARMLESS = FaultyModel.HARMLESS | {"read little"}

    async def describe(self, _path: str, reply: Reply) -> None:
        """See FaultyModel."""
        await reply.json({"data": []})

    def piece(self, text: str) -> bytes:
        """See FaultyModel."""
        return event(choices=[{"index": 0, "delta": {"content": text}}])

    def failure(self) -> bytes:
        """See FaultyModel."""
        return event(error={"message": "an error was encountered"})

    def last(self, reason: str, tokens: Any) -> bytes:
        """See FaultyModel."""
        usage = {"prompt_tokens": tokens, "completion_tokens": 9}
        return event(choices=[{"index": 0, "delta": {}, "finish_reason": reason}], usage=usage) + b"data: [DONE]\n\n"
