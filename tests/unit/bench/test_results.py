"""Results are written whole or not at all, and read with a clear word where they are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import FileFormatError
from bench.evidence.environment import cpu_model, describe_makers
from bench.results import encode_result, load_result, write_atomically
from tests.unit.bench.records import hit, result

if TYPE_CHECKING:
    from pathlib import Path


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """By its file, and by the folder of its run."""
    (tmp_path / "result.json").write_bytes(encode_result(result()))
    assert load_result(tmp_path / "result.json") == load_result(tmp_path) == result()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"{}", "no result of a run"),
        (b"not json", "no result of a run"),
        (encode_result(result(schema=99)), "has schema 99; this version reads 1"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing, foreign or newer file is told apart."""
    file = tmp_path / "result.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        load_result(file)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """No half-written file under the real name, no temporary file left over."""
    file = tmp_path / "result.json"
    write_atomically(file, b"old")
    unwritable: Any = "text is no content"
    with pytest.raises(TypeError):
        write_atomically(file, unwritable)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


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
