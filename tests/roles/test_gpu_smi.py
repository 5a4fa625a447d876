"""What gpu_facts takes from the output of nvidia-smi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles import gpu_machine as hardware
from tests.roles.gpu_machine import NVIDIA

if TYPE_CHECKING:
    from tests.roles.gpu_machine import GpuMachine

SMI = """\
0, GPU-a, 00000000:1B:00.0, NVIDIA H100 80GB HBM3, 81559, Enabled, 550.163.01
WARNING: infoROM is corrupted at gpu 0000:1B:00.0
1, GPU-b, 00000000:2C:00.0, NVIDIA GeForce RTX 4090, [N/A], [N/A], 550.163.01
"""


def test_smi_rows_count_and_messages_do_not(gpu_machine: GpuMachine) -> None:
    """A GPU of a MIG pair, one without MIG, and a warning in between."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["nvidia-smi"] = (0, SMI)
    smi = gpu_machine.facts()["nvidia"]["smi"]
    assert smi["works"] is True
    assert [(gpu["address"], gpu["memory_mib"], gpu["mig"]) for gpu in smi["gpus"]] == [
        ("0000:1b:00.0", 81559, True),
        ("0000:2c:00.0", None, False),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            (18, "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.163\n"),
            "Failed to initialize NVML: Driver/library version mismatch NVML library version: 550.163",
        ),
        ((0, "No devices were found\n"), "No devices were found"),
        ((9, ""), "exit status 9"),
        ((127, "there is no nvidia-smi"), "there is no nvidia-smi"),
    ],
)
def test_smi_that_fails_says_why(gpu_machine: GpuMachine, answer: tuple[int, str], error: str) -> None:
    """Also where it ends with status 0 and shows no GPU."""
    gpu_machine.plug(NVIDIA, hardware.H100_SXM)
    gpu_machine.answers["nvidia-smi"] = answer
    smi = gpu_machine.facts()["nvidia"]["smi"]
    assert (smi["works"], smi["error"], smi["gpus"]) == (False, error, [])
