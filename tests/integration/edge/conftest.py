"""The real HAProxy with the role's configuration, in front of two instances of the real service."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.edge_program import EdgeProgram
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Instances
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.service.program import Program


@pytest.fixture(scope="package")
def folder() -> Iterator[Path]:
    """Give a directory with a short path, since that of a Unix socket has at most 107 characters."""
    with tempfile.TemporaryDirectory(prefix="edge-") as name:
        yield Path(name)


@pytest.fixture(scope="package")
def model() -> Iterator[ModelServer]:
    """Run a model server with an adjustable delay."""
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="package")
def instances(folder: Path, model: ModelServer) -> Iterator[list[Program]]:
    """Two instances, each with a cache of its own."""
    with Instances(folder, OLLAMA_HOST=model.url, OLLAMA_MODEL=MODEL, OLLAMA_TIMEOUT="90s", REDIS_URL="") as programs:
        yield programs


@pytest.fixture(scope="package")
def edge(folder: Path, instances: list[Program]) -> Iterator[EdgeProgram]:
    """Run the edge in front of the instances, and wait until it reports all of them ready."""
    servers = {str(number): f"unix@{folder}/{number}.sock" for number in range(1, len(instances) + 1)}
    with EdgeProgram(folder, servers) as program:
        until(lambda: program.states() == dict.fromkeys(servers, "UP"))
        yield program
