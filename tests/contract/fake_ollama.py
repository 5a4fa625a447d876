"""An Ollama server without a model: its wire format, and the ways in which it fails."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.contract.fake_server import FakeServer, Reply

DIGEST = "8439856b0b498174678721a7369ff15a42e89a9a5f363a95efedd85d3418751e"


class FakeOllama(FakeServer):
    """Answers `/api/chat`, `/api/embed`, `/api/tags`, `/api/ps`, `/api/show` and `/api/version`.

    Attributes:
        models: Digest by name.
        loaded: Names of models in memory; a request with empty messages loads one.
        digests_in_memory: Of models that were pulled again since they were loaded.
        weights: Weights by model; none are its own.
        text: What the model writes, some characters a line.
        mode: How a chat goes wrong: `ok`, `error_line`, `garbage_line`, `cut_stream`, `length`, `hang`, `bare` (every
            field that may be missing is), `no_end` (the answer is complete, the stream goes on), or a status such as
            `503`.
        load_hangs: Whether loading never ends.
        thinking: What the model writes before its text.
        counts: Tokens that it says it has read and written.
        pause_s: Seconds before each line of a chat.
        lines: Sent in place of a chat's.
        bodies: Sent as they are, by path.
        context_length: Of the model.
        version: Of the server.
        capabilities: Of the model; None says nothing of them, as old servers do.
        calls: Tool calls that the model makes after its text: name and arguments.
    """

    def __init__(self, text: str = "{}") -> None:
        super().__init__()
        self.models = {"test:1b": f"sha256:{DIGEST}"}
        self.loaded = {"test:1b"}
        self.digests_in_memory: dict[str, str] = {}
        self.weights: dict[str, str] = {}
        self.text = text
        self.mode = "ok"
        self.load_hangs = False
        self.thinking = ""
        self.counts = (17, 42)
        self.pause_s = 0.0
        self.lines: list[bytes] | None = None
        self.bodies: dict[str, bytes] = {}
        self.context_length = 32768
        self.version = "0.5.4"
        self.capabilities: list[str] | None = None
        self.calls: list[tuple[str, Any]] = []

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        if path in self.bodies:
            await reply.whole(200, self.bodies[path])
        elif path == "/api/version":
            await reply.json({"version": self.version})
        elif path == "/api/show":
            told = {} if self.capabilities is None else {"capabilities": self.capabilities}
            weights = self.weights.get(body["model"], body["model"])
            modelfile = f"# A comment\nFROM /blobs/{weights}\nTEMPLATE {{{{ .Prompt }}}}\n"
            info = {"fake.context_length": self.context_length}
            await reply.json({"model_info": info, "modelfile": modelfile, **told})
        elif path == "/api/tags":
            models = [{"name": name, "model": name, "digest": digest} for name, digest in self.models.items()]
            await reply.json({"models": models})
        elif path == "/api/ps":
            running = [
                {"name": name, "digest": {**self.models, **self.digests_in_memory}.get(name)}
                for name in sorted(self.loaded)
            ]
            await reply.json({"models": running or None})
        elif body["model"] not in self.models:
            await reply.json({"error": f"model '{body['model']}' not found"}, 404)
        elif path == "/api/embed":
            vectors = [vector_of(text, body.get("dimensions") or 3) for text in body["input"]]
            await reply.json({"embeddings": vectors, "prompt_eval_count": sum(len(t.split()) for t in body["input"])})
        elif not body["messages"]:
            if self.load_hangs:
                await asyncio.sleep(60)
            self.loaded.add(body["model"])
            await reply.json({"model": body["model"], "done": True, "done_reason": "load"})
        elif self.mode.isdigit():
            await reply.json({"error": "server busy"}, int(self.mode), retry_after="7")
        else:
            await self._chat(reply)

    async def _chat(self, reply: Reply) -> None:
        await reply.start(200, content_type="application/x-ndjson")
        for raw in self.lines or ():
            await asyncio.sleep(self.pause_s)
            await reply.part(raw)
        if self.lines is not None:
            await reply.end()
            return
        for at in range(0, len(self.thinking), 20):
            await reply.part(line(message={"content": "", "thinking": self.thinking[at : at + 20]}, done=False))
        for at in range(0, len(self.text), 20):
            await asyncio.sleep(self.pause_s)
            await reply.part(line(message={"role": "assistant", "content": self.text[at : at + 20]}, done=False))
            if self.mode == "error_line":
                await reply.part(line(error="an error was encountered while running the model"))
                break
            if self.mode == "garbage_line":
                await reply.part(b"<html>\n")
                break
            if self.mode == "hang":
                await asyncio.sleep(60)
        if self.calls:
            calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in self.calls]
            await reply.part(line(message={"role": "assistant", "content": "", "tool_calls": calls}, done=False))
        if self.mode == "bare":
            await reply.part(line(done=True))
        elif self.mode in {"ok", "length", "no_end"}:
            reason = "length" if self.mode == "length" else "stop"
            read, written = self.counts
            await reply.part(
                line(message={"content": ""}, done=True, done_reason=reason, eval_count=written, prompt_eval_count=read)
            )
        if self.mode == "no_end":
            await asyncio.sleep(60)
        await reply.end()


def vector_of(text: str, dimensions: int) -> list[float]:
    """Return the vector of a text: the same for equal texts."""
    return [float(len(text)), *([0.5] * (dimensions - 1))]


def line(**fields: Any) -> bytes:
    """Return one line of a chat's stream."""
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"
