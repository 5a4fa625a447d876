"""TLS towards the service whose overhead is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import TargetError
from bench.tls import Trust
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Program
from tests.tls_edge import TlsEdge
from tools.perf.__main__ import main
from tools.perf.overhead.chat import ChatPair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def service() -> Iterator[Program]:
    """Run the real service in front of a model with one fixed answer."""
    with ModelServer() as model, Program(OLLAMA_HOST=model.url, OLLAMA_MODEL=MODEL) as program:
        yield program


def test_the_command_takes_the_option(service: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Told by what stands in the way: the certificate, or what comes after it."""
    with TlsEdge(service.url, tmp_path) as edge:
        arguments = ["overhead", "--target", edge.url, "--ollama", "http://127.0.0.1:9", "--out", str(tmp_path / "out")]
        assert main(arguments) == 69
        assert "--ca-file FILE" in capsys.readouterr().err
        assert main([*arguments, "--ca-file", str(edge.other_ca_file)]) == 69
        assert "other-ca.pem" in capsys.readouterr().err
        assert main([*arguments, "--ca-file", str(edge.ca_file)]) == 69
        assert "127.0.0.1:9" in capsys.readouterr().err


def test_chats_are_asked_with_the_same_trust(service: Program, tmp_path: Path) -> None:
    """An unknown authority's certificate ends the measurement."""
    with TlsEdge(service.url, tmp_path) as edge:
        with ChatPair(edge.url, edge.url, 4096, Trust(str(edge.ca_file))) as chat:
            assert chat.through(0)[0] > 0
        with pytest.raises(TargetError, match="certificate"), ChatPair(edge.url, edge.url, 4096, Trust()):
            pass
