"""What fakes share that programs reach by HTTP: a server on loopback, in a thread of its own."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

from lab.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Mapping


class FakeHandler(BaseHTTPRequestHandler):
    """Answers the requests to one fake.

    Attributes:
        fake: The fake; set for each of them.
    """

    fake: Any

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""

    def body(self) -> dict[str, Any]:
        """Return the JSON object that was sent."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(body, dict)
        return body

    def answer(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Answer with JSON; None is an empty body."""
        payload = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(payload)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(payload)


class HTTPFake(Serving):
    """Listens from its making on, and answers while used as a context manager.

    Attributes:
        handler: What answers; a subclass of a fake names its own.
        url: Where it listens.
    """

    handler: ClassVar[type[FakeHandler]]

    def __init__(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (self.handler,), {"fake": self}))
        server.daemon_threads = True
        super().__init__(server)
        self.url = f"http://127.0.0.1:{server.server_port}"
