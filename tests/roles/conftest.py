"""What tests of several files need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.fake_ollama_server import FakeOllamaServer
from tests.roles.gpu_machine import GpuMachine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def gpu_machine(tmp_path: Path) -> GpuMachine:
    """Give a machine of files, without any device."""
    return GpuMachine(tmp_path)


@pytest.fixture
def ollama_server() -> Iterator[FakeOllamaServer]:
    """Give a running server with nothing on it and one model to pull."""
    with FakeOllamaServer() as fake:
        fake.registry["tiny:1b"] = "weights"
        yield fake
