"""What Ollama has in memory is read once it no longer moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.evidence import ollama as module
from bench.evidence.ollama import Ollama
from tests.http_fake import FakeHandler, HTTPFake

if TYPE_CHECKING:
    import pytest


class _Handler(FakeHandler):
    fake: LateOllama

    def do_GET(self) -> None:
        """Answer ``/api/ps``."""
        expiries = self.fake.expiries
        expires_at = expiries.pop(0) if len(expiries) > 1 else expiries[0]
        self.answer(200, {"models": [{"name": "m", "expires_at": expires_at}]})


class LateOllama(HTTPFake):
    """Tell the expiry times given, in turn; the last one stays."""

    handler = _Handler

    def __init__(self, expiries: list[str]) -> None:
        super().__init__()
        self.expiries = expiries


def test_an_expiry_that_moves_after_the_answer_is_waited_for() -> None:
    """Ollama moves it when its scheduler learns that the request ended: the last one counts."""
    with LateOllama(["1", "2", "3"]) as server, Ollama(server.url) as ollama:
        assert [model.expires_at for model in ollama.steady()] == ["3"]


def test_an_ollama_that_others_keep_asking_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look counts at the deadline."""
    monkeypatch.setattr(module, "STEADY_SECONDS", 0.01)
    monkeypatch.setattr(module, "STEADY_DEADLINE_SECONDS", 0.1)
    with LateOllama([str(count) for count in range(1000)]) as server, Ollama(server.url) as ollama:
        assert int(ollama.steady()[0].expires_at) < 900
