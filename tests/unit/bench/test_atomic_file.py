"""Files are written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.atomic_file import write_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """No half-written file under the real name, no temporary file left over."""
    file = tmp_path / "result.json"
    write_atomically(file, b"old")
    unwritable: Any = "text is no content"
    with pytest.raises(TypeError):
        write_atomically(file, unwritable)
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]
