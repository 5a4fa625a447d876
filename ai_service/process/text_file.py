"""Files that an operator writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_text_file(path: Path, max_bytes: int) -> str:
    """Read a UTF-8 file of bounded size.

    Raises:
        ValueError: It cannot be read, is larger, or is not UTF-8; in a sentence that repeats nothing of the file.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise ValueError(f"{path} is larger than {max_bytes} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
