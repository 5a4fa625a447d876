"""The filter that finds models which quietly run on the CPU of a GPU host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.ollama_models_below_vram_share import models_below_vram_share

GIB = 2**30


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"size": 3 * GIB, "size_vram": 3 * GIB}, []),
        ({"size": 100, "size_vram": 90}, []),
        ({"size": 100, "size_vram": 89}, ["llama3.2:3b runs with 89% of it in GPU memory"]),
        ({"size": 3 * GIB, "size_vram": 0}, ["llama3.2:3b runs on the CPU"]),
        ({"size": 3 * GIB}, ["llama3.2:3b runs on the CPU"]),
        ({}, ["llama3.2:3b runs on the CPU"]),
    ],
)
def test_model_must_lie_in_gpu_memory(model: dict[str, Any], said: list[str]) -> None:
    """By what the server says of it; a server that says nothing is not believed."""
    assert models_below_vram_share([{"name": "llama3.2:3b", **model}], 0.9) == said


def test_every_model_is_looked_at() -> None:
    """One on the GPU does not speak for another."""
    models = [{"name": "a", "size": 10, "size_vram": 10}, {"name": "b", "size": 10, "size_vram": 0}]
    assert models_below_vram_share(models, 0.9) == ["b runs on the CPU"]


def test_threshold_of_zero_accepts_the_cpu() -> None:
    """For hosts whose GPU is meant for something else."""
    assert models_below_vram_share([{"name": "a", "size": 10}], 0) == []
