"""The program between the service and its providers on a lab host: passes on, or spoils what passes.

The host's own Python runs it, without a package of this repository:

    relay.py OLLAMA_PORT FALLBACK_PORT OLLAMA FOLDER

It listens on loopback twice: before the real Ollama (`host:port`), and as a small server of OpenAI's wire format that
stands in for a hosted fallback. The files `ollama` and `fallback` of a folder say in one word how each behaves; they
are read with every request, so that a fault begins and ends by writing a word. No file is `pass`.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

UPSTREAM_TIMEOUT_S = 120.0
HANG_S = 300.0
SLOW_S = 4.0
LINES_OF_A_CUT_ANSWER = 3
ANSWER = json.dumps({"suggestions": ["thyme", "shallot", "vinegar"]})


class _Handler(BaseHTTPRequestHandler):
    name = ""
    folder = Path()
    upstream = ""

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    @property
    def mode(self) -> str:
        """How to behave now."""
        try:
            return (self.folder / self.name).read_text().strip()
        except OSError:
            return "pass"

    def do_GET(self) -> None:
        """Answer what is no question."""
        self.serve(None)

    def do_POST(self) -> None:
        """Answer a question, or what a server is asked about its models."""
        self.serve(self.rfile.read(int(self.headers["Content-Length"])))

    do_DELETE = do_GET

    def serve(self, body: bytes | None) -> None:
        """Answer a request."""
        raise NotImplementedError

    def answer(self, status: int, value: object) -> None:
        """Send a whole answer."""
        payload = json.dumps(value).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)


class Ollama(_Handler):
    """Passes on to the real server, unless it is told otherwise.

    `503` refuses everything. What follows spoils questions only, so that the server looks well: `slow` holds each back
    for four seconds, `truncate` breaks its answer off, `hang` never answers it.
    """

    name = "ollama"

    def serve(self, body: bytes | None) -> None:
        """See above."""
        mode = self.mode
        if mode == "503":
            self.answer(503, {"error": "server busy, please try again"})
            return
        is_question = body is not None and bool(json.loads(body).get("messages"))
        if is_question and mode == "hang":
            time.sleep(HANG_S)
            return
        if is_question and mode == "slow":
            time.sleep(SLOW_S)
        self._pass_on(body, LINES_OF_A_CUT_ANSWER if is_question and mode == "truncate" else None)

    def _pass_on(self, body: bytes | None, most_lines: int | None) -> None:
        upstream = http.client.HTTPConnection(self.upstream, timeout=UPSTREAM_TIMEOUT_S)
        try:
            upstream.request(self.command, self.path, body, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.end_headers()  # HTTP/1.0: the body ends where the connection does.
            for number, line in enumerate(iter(answer.readline, b"")):
                if number == most_lines:
                    return
                self.wfile.write(line)
                self.wfile.flush()
        except OSError:
            pass  # The service sees a connection that ends, as it would without this program.
        finally:
            upstream.close()


class Fallback(_Handler):
    """Answers every question with the same ingredients; `401` and `429` refuse it, `hang` never answers."""

    name = "fallback"

    def serve(self, body: bytes | None) -> None:
        """See above."""
        mode = self.mode
        if mode == "hang":
            time.sleep(HANG_S)
        elif mode.isdigit():
            self.answer(int(mode), {"error": {"message": "refused by the stand-in", "type": "refused"}})
        elif body is None:
            self.answer(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})
        else:
            message = {"role": "assistant", "content": ANSWER}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.answer(200, {"choices": [choice], "usage": {"prompt_tokens": 40, "completion_tokens": 20}})


def main(ollama_port: str, fallback_port: str, upstream: str, folder: str) -> None:
    """Listen until a signal ends it."""
    _Handler.upstream, _Handler.folder = upstream, Path(folder)
    servers = [
        ThreadingHTTPServer(("127.0.0.1", int(port)), handler)
        for port, handler in ((ollama_port, Ollama), (fallback_port, Fallback))
    ]
    for server in servers:
        server.daemon_threads = True
        server.request_queue_size = 128
        threading.Thread(target=server.serve_forever).start()
    sys.stdout.write("listening\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
