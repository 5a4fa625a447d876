"""What tests of several files need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.gpu_machine import GpuMachine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def gpu_machine(tmp_path: Path) -> GpuMachine:
    """Give a machine of files, without any device."""
    return GpuMachine(tmp_path)
