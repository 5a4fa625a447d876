"""How the real program ends: requests in flight are answered, and connections refused."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.integration.service.program import Program
from tests.raw_client import is_closed, read_answer
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

BODY = b'{"partial": ["tomato"]}'
HEAD = (
    b"POST /api/v1/ai/suggest-ingredients HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(BODY)
)
REMEDY = "stop that process, or choose another path"


@pytest.fixture(params=["port", "socket"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """One on each kind of listener, not started yet."""
    where = {"SOCKET": str(tmp_path / "ai.sock")} if request.param == "socket" else {}
    return Program(AI_PROVIDER="mock", **where)


def test_sigterm_closes_the_listener_and_answers_what_has_begun(program: Program) -> None:
    """Who comes late is refused, instead of waiting in a backlog that nobody empties; the status is 0."""
    with program, program.connect() as begun, program.connect() as idle:
        begun.sendall(HEAD + BODY[:5])
        idle.sendall(HEAD + BODY)
        assert read_answer(idle).status == 200
        program.process.send_signal(signal.SIGTERM)
        until(lambda: not program.listens())
        assert program.process.poll() is None
        begun.sendall(BODY[5:])
        answer = read_answer(begun)
        assert is_closed(begun)
        assert is_closed(idle)
        assert program.process.wait(20) == 0
    assert answer.status == 200
    assert "suggestions" in json.loads(answer.body)["data"]


def test_sighup_ends_nothing(program: Program) -> None:
    """A closed terminal, a `systemctl reload` that somebody added."""
    with program:
        program.process.send_signal(signal.SIGHUP)
        assert program.http.get("/health/live").status_code == 200


def test_a_unix_socket_is_taken_over_from_a_killed_process_only(tmp_path: Path) -> None:
    """Its file is replaced then; while somebody listens, a second process says so; at the end the file is gone."""
    path = tmp_path / "ai.sock"
    first, second = (Program(AI_PROVIDER="mock", SOCKET=str(path)) for _ in range(2))
    with first:
        refused = second.run()
        assert refused.returncode == 1
        assert refused.stderr == f"Cannot listen on {path}: another process listens on it; {REMEDY}\n"
        first.kill()
        assert path.is_socket()
        with second:
            assert second.http.get("/health/live").status_code == 200
    assert not path.exists()
