"""A small HTTP server that behaves as a word in a file says: a fault begins and ends by writing it.

Its programs run on a lab host by the host's own Python (see `lab.faults.programs`).
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HANG_S = 300.0


class CommandedHandler(BaseHTTPRequestHandler):
    """Answers requests as the file of its name says, which is read with every request; no file is `pass`.

    Attributes:
        name: Of the file.
        folder: Where it is.
    """

    name = ""
    folder = Path()

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


def listen(port: int, handler: type[CommandedHandler]) -> None:
    """Serve on loopback until a signal ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    server.request_queue_size = 128
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    server.serve_forever()
