"""A fake Ollama server: real HTTP on loopback, the model calls only, with the failures that a test asks for."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import Any

from tests.http_fake import FakeHandler, HTTPFake


def digest_of(content: str) -> str:
    """Return the digest that the fake gives a model of this content."""
    return hashlib.sha256(content.encode()).hexdigest()


class _Handler(FakeHandler):
    fake: FakeOllamaServer
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        """Serve the connection; a client that gives up is what a test asks for, not an error here."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        """List models."""
        state = self._note({})
        if state.drops > 0:
            state.drops -= 1
            self.close_connection = True
        elif self.path == "/api/tags":
            self.answer(200, {"models": [_entry(name, content) for name, content in state.models.items()]})
        elif self.path == "/api/ps":
            loaded = [{**_entry(name, content), "size_vram": 0} for name, content in state.loaded.items()]
            self.answer(200, {"models": loaded})
        else:
            self.answer(404, {"error": "no such path"})

    def do_DELETE(self) -> None:
        """Delete a model."""
        body = self.body()
        state = self._note(body)
        if state.delete_error is not None:
            self.answer(500, {"error": state.delete_error})
        elif state.models.pop(body["model"], None) is None:
            self.answer(404, {"error": f"model '{body['model']}' not found"})
        else:
            self.answer(200, None)

    def do_POST(self) -> None:
        """Pull, copy, describe or load a model."""
        body = self.body()
        self._note(body)
        answers = {
            "/api/pull": self._pull,
            "/api/copy": self._copy,
            "/api/show": self._show,
            "/api/generate": self._load,
        }
        answers[self.path](body)

    def _pull(self, body: dict[str, Any]) -> None:
        state, reference = self.fake, body["model"]
        lines = ['{"status":"pulling manifest"}']
        if state.pull_lines is not None:
            lines = state.pull_lines
        elif reference in state.registry:
            state.models[state.named_meanwhile or reference] = state.registry[reference]
            lines += [*state.pull_parts, '{"status":"verifying sha256 digest"}', '{"status":"success"}']
        else:
            lines.append('{"error":"pull model manifest: file does not exist"}')
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(lines):
            if number == state.pull_pause_line:
                state.pull_pause.wait()
            self.wfile.write(f"{len(line) + 1:x}\r\n{line}\n\r\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def _copy(self, body: dict[str, Any]) -> None:
        state = self.fake
        if body["source"] not in state.models:
            self.answer(404, {"error": f"model '{body['source']}' not found"})
            return
        state.models[body["destination"]] = state.models[body["source"]]
        self.answer(200, None)

    def _show(self, body: dict[str, Any]) -> None:
        content = self.fake.models[body["model"]]
        self.answer(200, {"modelfile": f"# By a fake\nFROM {_weights(content)}\nPARAMETER top_k 20\n"})

    def _load(self, body: dict[str, Any]) -> None:
        state = self.fake
        if "prompt" in body:
            self.answer(200, {"model": body["model"], "response": state.answer, "done": True})
            return
        if state.load_error is not None:
            self.answer(500, {"error": state.load_error})
            return
        content = state.models[body["model"]]
        if body.get("keep_alive") == 0:
            weights = _weights(content)
            state.loaded = {name: loaded for name, loaded in state.loaded.items() if _weights(loaded) != weights}
            self.answer(200, {"model": body["model"], "response": "", "done": True, "done_reason": "unload"})
            return
        is_shared = _weights(content) in map(_weights, state.loaded.values())
        if not state.forgets_loaded and not is_shared:
            state.loaded[body["model"]] = content
        self.answer(200, {"model": body["model"], "response": "", "done": True, "done_reason": "load"})

    def _note(self, body: dict[str, Any]) -> FakeOllamaServer:
        self.fake.calls.append((self.command, self.path, body))
        return self.fake


class FakeOllamaServer(HTTPFake):
    """Holds models in memory and answers the calls that managing models takes.

    Attributes:
        registry: What can be pulled, by reference: the content that the pulled model has.
        models: Models on disk, by name: their content. What comes before a `+`, or all of it, are the weights: models
            of the same weights are in memory once, under the name that was loaded first, as in the real server.
        loaded: Content of the models in memory, by the name they were loaded under.
        pull_lines: Lines that a pull answers instead of doing its work.
        pull_parts: Lines about the parts of a model, between that of its manifest and that of their check.
        pull_pause_line: Line, counted from 0, before which a pull waits for ``pull_pause``; None = it does not wait.
        pull_pause: Event that ends the wait.
        named_meanwhile: Name under which a pulled model is found, because somebody else has pulled and named it at the
            same time; None = its own.
        load_error: Sentence that a load answers with status 500; None = it loads.
        delete_error: The same of a deletion.
        drops: Reading calls that are accepted and then dropped, as Docker's proxy does before the server is up.
        forgets_loaded: A loaded model is dropped at once, as with keep_alive 0.
        answer: What every model answers to a prompt.
        calls: Every request, as (method, path, body).
    """

    handler = _Handler

    def __init__(self) -> None:
        super().__init__()
        self.registry: dict[str, str] = {}
        self.models: dict[str, str] = {}
        self.loaded: dict[str, str] = {}
        self.pull_lines: list[str] | None = None
        self.pull_parts: list[str] = []
        self.pull_pause_line: int | None = None
        self.pull_pause = threading.Event()
        self.named_meanwhile: str | None = None
        self.load_error: str | None = None
        self.delete_error: str | None = None
        self.drops = 0
        self.forgets_loaded = False
        self.answer = "garlic"
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def changes(self) -> list[str]:
        """Paths of the calls that change the server, in order."""
        return [path for method, path, _ in self.calls if method != "GET"]


def _weights(content: str) -> str:
    return f"/models/blobs/sha256-{digest_of(content.partition('+')[0])}"


def _entry(name: str, content: str) -> dict[str, Any]:
    return {"name": name, "model": name, "size": len(content), "digest": digest_of(content)}
