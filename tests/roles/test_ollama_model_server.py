"""The module ollama_model: a server that is starting, or is not there."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.roles.ollama_model import OllamaError, OllamaUnreachableError, apply_state

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer


def unused_url() -> str:
    """Return an address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_check_mode_before_ollama_is_installed_says_what_would_be_done(ollama_server: FakeOllamaServer) -> None:
    """On a host without Ollama check mode passes: changed, with the reason it could not look."""
    result = apply_state(ollama_server, base_url=unused_url(), check_mode=True)
    assert result["changed"]
    assert result["actions"] == ["pull tiny:1b"]
    assert "no Ollama server answers" in result["msg"]


def test_unreachable_server_fails_outside_check_mode(ollama_server: FakeOllamaServer) -> None:
    """A server that should be there and is not is an error."""
    with pytest.raises(OllamaUnreachableError, match="no Ollama server answers"):
        apply_state(ollama_server, base_url=unused_url())


def test_starting_server_is_waited_for(ollama_server: FakeOllamaServer) -> None:
    """A server whose port is open before it answers gets its time."""
    ollama_server.drops = 1
    assert apply_state(ollama_server, wait=30)["actions"] == ["pull tiny:1b"]


def test_server_that_never_starts_fails_after_the_wait(ollama_server: FakeOllamaServer) -> None:
    """A connection that is only ever dropped is no ollama_server."""
    ollama_server.drops = 1000
    with pytest.raises(OllamaUnreachableError, match="broke off"):
        apply_state(ollama_server, wait=1)


def test_address_without_scheme_is_explained(ollama_server: FakeOllamaServer) -> None:
    """A base_url that is none is refused with an example."""
    with pytest.raises(OllamaError, match="must look like http://"):
        apply_state(ollama_server, base_url="127.0.0.1:11434")
