"""Harmful peers do to a server what their row says, come again, and are gone once the fault has ended."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from lab.errors import CommandFailedError
from lab.faults.harmful_peers import KINDS
from lab.faults.peers import FAULTS, Peers
from tests.contract.certificates import Authority
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

READ = 65_536
BIG = b"x" * 50_000_000


@dataclass
class Edge:
    """A TLS server on loopback that notes what each connection brought, and closes it; where wanted it answers first.

    Attributes:
        ca_file: Who certifies it.
        heard: Of each connection that is closed.
        answered: Whether a peer took the whole of a big answer, of each connection that was sent one.
    """

    ca_file: str
    certificate: Path
    key: Path
    answers: bool = False
    patience_s: float = 1.0
    address: str = "127.0.0.1"
    heard: list[bytes] = field(default_factory=list)
    answered: list[bool] = field(default_factory=list)
    left: int = 0
    """Peers that closed first."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.address, 0))
        self.port = int(self._listener.getsockname()[1])
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, self.key)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def shell(self, script: str, timeout_s: float = 60.0) -> str:
        """Run nothing."""
        raise NotImplementedError

    def restart(self) -> None:
        """Restart nothing."""
        raise NotImplementedError

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
            connection.settimeout(self.patience_s)
            text = b""
            with suppress(TimeoutError):
                while len(text) < READ:
                    if not (more := connection.recv(READ)):
                        self.left += 1
                        break
                    text += more
            if self.answers:
                try:
                    connection.sendall(BIG)
                    self.answered.append(True)
                except OSError:
                    self.answered.append(False)
            self.heard.append(text)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """Run a server."""
    authority = Authority()
    (tmp_path / "ca.crt").write_text(authority.pem)
    with Edge(str(tmp_path / "ca.crt"), *authority.certify(tmp_path, "127.0.0.1")) as running:
        yield running


def test_half_open_peers_send_half_a_head_and_come_again_when_they_are_closed(edge: Edge) -> None:
    """All of them at a time."""
    with Peers("half-open", 3)(edge):
        until(lambda: len(edge.heard) >= 6, timeout_s=20)
        assert edge.left == 0
    assert set(edge.heard[:6]) == {b"POST / HTTP/1.1\r\nHost:"}


def test_a_head_without_end_never_ends(edge: Edge) -> None:
    """Lines are sent for as long as they are taken."""
    with Peers("endless-head", 1)(edge):
        until(lambda: len(edge.heard) >= 2, timeout_s=20)
    for text in edge.heard[:2]:
        assert len(text) >= READ
        assert text.startswith(b"GET / HTTP/1.1\r\n")
        assert b"\r\n\r\n" not in text


def test_peers_that_do_not_read_send_many_requests_and_take_no_answer(edge: Edge) -> None:
    """The server is left with what it wants to send."""
    edge.answers = True
    with Peers("unread", 1)(edge):
        until(lambda: bool(edge.answered), timeout_s=20)
    assert edge.answered[0] is False
    assert edge.heard[0].count(b"POST /api/v1/ai/suggest-ingredients") == 200


def test_peers_that_leave_ask_a_whole_question_and_hang_up(edge: Edge) -> None:
    """Another one each time."""
    edge.patience_s = 10
    with Peers("leaving", 1)(edge):
        until(lambda: len(edge.heard) >= 2, timeout_s=20)
    assert edge.left >= 2
    head, _, body = edge.heard[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert edge.heard[0] != edge.heard[1]


def test_peers_that_end_by_themselves_are_an_obstacle(edge: Edge) -> None:
    """A row whose fault was not there proves nothing."""
    edge.ca_file = "/nowhere"
    with (
        pytest.raises(CommandFailedError, match="the peers ended by themselves, with status 1"),
        Peers("unread", 1)(edge),
    ):
        threading.Event().wait(5)


def test_each_row_names_a_kind_that_there_is() -> None:
    """A word that is wrong would fail on the lab's host only."""
    assert {fault.act.kind for fault in FAULTS if isinstance(fault.act, Peers)} == set(KINDS)
