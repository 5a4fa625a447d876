"""What was measured, and on what, is said in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.evidence.environment import cpu_model, describe_makers
from tests.unit.bench.records import hit

if TYPE_CHECKING:
    from pathlib import Path


def test_the_processor_is_named_as_the_kernel_does(tmp_path: Path) -> None:
    """The first model name; the architecture where there is none."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Fast CPU 9\nmodel name\t: other\n", encoding="utf-8")
    assert cpu_model(cpuinfo) == "Fast CPU 9"
    assert cpu_model(tmp_path / "none")


def test_the_service_is_described_by_its_answers() -> None:
    """Provider and model of the successes, most frequent first; failures say nothing."""
    samples = [hit(), hit(), hit(provider="openai", model="big"), hit(provider="mock", failure="x")]
    assert describe_makers(samples) == {"provider / model": "ollama / m (2 answers), openai / big (1 answers)"}
