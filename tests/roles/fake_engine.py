"""A fake Docker Engine: real HTTP on a real socket, with the answers that a test gives it by path."""

from __future__ import annotations

import socketserver
from typing import TYPE_CHECKING

from lab.serving import Serving
from tests.http_fake import FakeHandler

if TYPE_CHECKING:
    from pathlib import Path


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


class FakeEngine(Serving):
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
        super().__init__(
            socketserver.ThreadingUnixStreamServer(self.path, type("Handler", (_Handler,), {"fake": self}))
        )
