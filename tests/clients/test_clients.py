"""Client programs against the real service in front of the real Ollama, for tools in front of a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.matrix import OLLAMA, SERVICE

if TYPE_CHECKING:
    from tests.clients.catalogue import Client
    from tests.clients.matrix import Matrix


def test_a_client_gets_what_ollama_gives_it(matrix: Matrix, client: Client, cell: str) -> None:
    """What fails here fails too where Ollama is asked directly."""
    result = matrix.run(client, cell, SERVICE)
    if not result.fault:
        return
    asked_directly = matrix.run(client, cell, OLLAMA)
    assert asked_directly.fault, result.fault
    pytest.xfail(f"Ollama refuses too: {asked_directly.fault}")


def test_a_client_has_tools_called(matrix: Matrix, client: Client, stand_in: str, cell: str) -> None:
    """Call, arguments, and the result on its way back."""
    assert not matrix.run(client, cell, stand_in).fault
