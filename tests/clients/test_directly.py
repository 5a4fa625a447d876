"""The same cells asked of Ollama itself, for the page: what fails there may fail in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.clients.matrix import OLLAMA

if TYPE_CHECKING:
    from tests.clients.catalogue import Client
    from tests.clients.matrix import Matrix


def test_a_client_reaches_ollama_without_the_service(matrix: Matrix, client: Client) -> None:
    """Whatever comes of the other cells is recorded."""
    results = [matrix.run(client, cell, OLLAMA) for cell in (*client.cells, *client.tool_cells)]
    assert any(result.cell == "plain" and not result.fault for result in results)
