"""Stands between the service and a real Ollama, and spoils what passes."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.http_fake import FakeHandler, HTTPFake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.ollama_process import OllamaProcess

UPSTREAM_TIMEOUT_S = 60.0


def as_it_is(value: Any) -> Any:
    """Spoils nothing."""
    return value


class _Handler(FakeHandler):
    fake: Meddler

    def do_GET(self) -> None:
        """Forward the request unchanged."""
        self._pass_on(None, as_it_is)

    def do_POST(self) -> None:
        """Forward the request, and spoil the answer to a question."""
        body = self.body()
        if not body.get("messages"):
            self._pass_on(body, as_it_is)
            return
        self.fake.asked += 1
        self._pass_on(self.fake.question(body), self.fake.answer)

    def _pass_on(self, body: dict[str, Any] | None, spoil: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
        upstream = http.client.HTTPConnection(self.fake.upstream, timeout=UPSTREAM_TIMEOUT_S)
        try:
            data = None if body is None else json.dumps(body).encode()
            upstream.request(self.command, self.path, data, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.end_headers()  # HTTP/1.0: the body ends where the connection does.
            for line in spoil(iter(answer.readline, b"")):
                self.wfile.write(line)
                self.wfile.flush()
        except BrokenPipeError:
            pass  # The service has heard enough.
        finally:
            upstream.close()


class Meddler(HTTPFake):
    """A proxy in front of Ollama; spoils questions only, not the looks at models.

    Args:
        ollama: What it stands before.

    Attributes:
        model: Ollama's.
        question: Changes the body of a question on its way there.
        answer: Changes the lines of an answer on their way back; where they end early, so does the connection.
        asked: How many questions passed.
    """

    handler = _Handler

    def __init__(self, ollama: OllamaProcess) -> None:
        super().__init__()
        self.model = ollama.model
        self.upstream = urlsplit(ollama.url).netloc
        self.question: Callable[[dict[str, Any]], dict[str, Any]] = as_it_is
        self.answer: Callable[[Iterator[bytes]], Iterator[bytes]] = as_it_is
        self.asked = 0
