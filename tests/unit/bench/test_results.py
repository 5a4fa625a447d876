"""Results come back as they were written, and are refused with a clear word where they are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import FileFormatError
from bench.results import encode_result, load_result
from tests.unit.bench.records import result

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
