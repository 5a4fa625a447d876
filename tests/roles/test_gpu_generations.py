"""The generation of a GPU of NVIDIA, and which drivers take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import NVIDIA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine


@pytest.mark.parametrize(
    ("device", "generation", "modules"),
    [
        (hardware.K80, "legacy", ["proprietary"]),
        ("13f2", "maxwell", ["proprietary"]),
        ("15f8", "pascal", ["proprietary"]),
        ("1b38", "pascal", ["proprietary"]),
        (hardware.V100, "volta", ["proprietary"]),
        ("1eb8", "turing", ["open", "proprietary"]),
        (hardware.A100_SXM, "ampere", ["open", "proprietary"]),
        ("2182", "turing", ["open", "proprietary"]),
        ("2236", "ampere", ["open", "proprietary"]),
        (hardware.H100_SXM, "hopper", ["open", "proprietary"]),
        ("2484", "ampere", ["open", "proprietary"]),
        ("26b9", "ada", ["open", "proprietary"]),
        ("27b8", "ada", ["open", "proprietary"]),
        (hardware.B200, "blackwell", ["open"]),
        ("2bb5", "blackwell", ["open"]),
        ("3f00", "newer", ["open"]),
    ],
)
def test_generation_decides_on_the_kernel_module(
    gpu_machine: GpuMachine, device: str, generation: str, modules: list[str]
) -> None:
    """One card of each generation, both sides of each boundary in the numbers."""
    gpu_machine.plug(NVIDIA, device)
    found = gpu_machine.facts()
    assert found["devices"][0]["generation"] == generation
    assert found["nvidia"]["modules"] == modules


def test_generations_that_no_driver_serves_together_are_seen(gpu_machine: GpuMachine) -> None:
    """Blackwell takes open modules only, Volta proprietary ones only, and no later branch than 580."""
    gpu_machine.plug(NVIDIA, hardware.V100)
    gpu_machine.plug(NVIDIA, hardware.B200)
    nvidia = gpu_machine.facts()["nvidia"]
    assert nvidia["modules"] == []
    assert (nvidia["branch_min"], nvidia["branch_max"]) == (570, 580)
