"""A fake Docker Engine: real HTTP on a real socket, with the answers that a test gives it by path."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING, Self

from tests.http_fake import FakeHandler

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class _Handler(FakeHandler):
    fake: FakeEngine

    def address_string(self) -> str:
        """Who asks; a socket has no address."""
        return "socket"

    def do_GET(self) -> None:
        """Describe something."""
        status, value = self.fake.answers.get(self.path, (404, {"message": "No such object"}))
        self.answer(status, value)

    def do_POST(self) -> None:
        """Have something done."""
        self.fake.asked[self.path] = self.body()
        self.do_GET()


class FakeEngine:
    """Listens from its making on, and answers while used as a context manager.

    Attributes:
        path: The socket.
        answers: Status and JSON by path; what is not in it is not found.
        asked: What was sent last, by path.
    """

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: dict[str, dict[str, object]] = {}
        self._server = socketserver.ThreadingUnixStreamServer(self.path, type("Handler", (_Handler,), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
