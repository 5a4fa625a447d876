"""Client programs against the real service in front of the real Ollama, for tools in front of a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.matrix import OLLAMA, SERVICE

if TYPE_CHECKING:
    from tests.clients.catalogue import Client
    from tests.clients.matrix import Matrix

pytestmark = pytest.mark.timeout(300)  # two programs are started, and each bounds its own cells


def test_a_client_gets_what_ollama_gives_it(matrix: Matrix, client: Client, cell: str, *, quick: bool) -> None:
    """What fails here fails too where Ollama is asked directly; it is asked for the page too, unless in a hurry."""
    result = matrix.run(client, cell, SERVICE)
    if quick and not result.fault:
        return
    directly = matrix.run(client, cell, OLLAMA)
    assert directly.refused or not result.fault, result.fault
    if result.fault:
        pytest.xfail(f"Ollama refuses too: {directly.fault}")


def test_a_client_has_tools_called(matrix: Matrix, client: Client, stand_in: str, cell: str, *, quick: bool) -> None:
    """Call, arguments, and the result on its way back."""
    if not quick:
        matrix.run(client, cell, OLLAMA)
    result = matrix.run(client, cell, stand_in)
    assert not result.fault
