"""Stands between the service and a real Ollama, and spoils what passes."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from lab.ollama_process import OllamaProcess

UPSTREAM_TIMEOUT_S = 60.0


def as_it_is(value: Any) -> Any:
    """Spoils nothing."""
    return value


class Meddler:
    """A proxy in front of Ollama; spoils questions only, not the looks at models.

    Args:
        ollama: What it stands before.

    Attributes:
        url: Where it listens.
        model: Ollama's.
        question: Changes the body of a question on its way there.
        answer: Changes the lines of an answer on their way back; where they end early, so does the connection.
        asked: How many questions passed.
    """

    def __init__(self, ollama: OllamaProcess) -> None:
        self.model = ollama.model
        self.upstream = urlsplit(ollama.url).netloc
        self.question: Callable[[dict[str, Any]], dict[str, Any]] = as_it_is
        self.answer: Callable[[Iterator[bytes]], Iterator[bytes]] = as_it_is
        self.asked = 0
        meddler = self

        class Handler(_Handler):
            between = meddler

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    between: Meddler

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        """Passes on."""
        self._pass_on(None, as_it_is)

    def do_POST(self) -> None:
        """Passes on, spoilt where it is a question."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not body.get("messages"):
            self._pass_on(body, as_it_is)
            return
        self.between.asked += 1
        self._pass_on(self.between.question(body), self.between.answer)

    def _pass_on(self, body: dict[str, Any] | None, spoil: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
        upstream = http.client.HTTPConnection(self.between.upstream, timeout=UPSTREAM_TIMEOUT_S)
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
