"""The module ollama_selftest: what it makes of connections; a namespace is tried by the role on a host."""

from __future__ import annotations

import socket

import pytest

from tests.roles.ansible_module import load_plugin, run_module

ollama_selftest = load_plugin("ollama_selftest")


@pytest.mark.parametrize("answer", ["silent", "refuses"])
def test_neighbour_without_a_connection_is_fine(answer: str) -> None:
    """Whether packets are dropped or rejected is for the site's rules to say."""
    ollama_selftest.judge({"172.18.0.2 11434": answer})


def test_every_address_that_a_neighbour_reaches_is_named() -> None:
    """IPv4 and IPv6 take different ways through an engine."""
    with pytest.raises(ollama_selftest.SelftestError, match=r"172.18.0.2 port 11434, fd00::2 port 11434"):
        ollama_selftest.judge({"172.18.0.2 11434": "accepts", "fd00::2 11434": "accepts"})


def test_container_that_does_not_answer_its_host_is_an_error() -> None:
    """Silence for a neighbour proves nothing where everything is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ollama_selftest.connect(["127.0.0.1"], port)
    with pytest.raises(ollama_selftest.SelftestError, match=f"no connection from this host to 127.0.0.1 port {port}"):
        ollama_selftest.connect(["127.0.0.1"], port)


def test_check_mode_connects_to_nothing() -> None:
    """No namespace is created, not even for a moment."""
    result = run_module("ollama_selftest", check_mode=True, addresses=[], port=1, strangers=[])
    assert result["skipped"] is True
