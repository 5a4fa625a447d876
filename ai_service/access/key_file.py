"""The file of keys, read again when it changes."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from ai_service.access.keys import Keys, parse_keys
from ai_service.process.text_file import read_text_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ai_service.access.keys import Key

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0
"""A key that is taken out of the file opens nothing a second later."""
MAX_BYTES = 1024 * 1024


def read_keys(path: Path, *, scoped: bool = False) -> Keys:
    """Read a key file.

    Args:
        path: The file.
        scoped: Whether each key has answers of its own.

    Raises:
        ValueError: It cannot be read, or is wrong; in a sentence that repeats nothing of the file.
    """
    text = read_text_file(path, MAX_BYTES)
    try:
        return parse_keys(text, scoped=scoped)
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from None


class KeyFile:
    """The keys of a file as it is now, looked at once a second at most.

    A file that is broken or gone changes nothing: the keys read last go on, and the log says why, once.

    Args:
        path: The file.
        scoped: Whether each key has answers of its own.
        clock: Monotonic seconds.

    Raises:
        ValueError: See `read_keys`.
    """

    def __init__(self, path: Path, *, scoped: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._scoped = scoped
        self._clock = clock
        self._seen = self._fingerprint()
        self._keys = read_keys(path, scoped=scoped)
        self._look_again = clock() + INTERVAL_S

    def find(self, presented: bytes) -> Key | None:
        """Return the key of the file matching the presented one, or None."""
        now = self._clock()
        if now >= self._look_again:
            self._look_again = now + INTERVAL_S
            self._look()
        return self._keys.find(presented)

    def _look(self) -> None:
        fingerprint = self._fingerprint()
        if fingerprint == self._seen:
            return
        self._seen = fingerprint
        try:
            self._keys = read_keys(self._path, scoped=self._scoped)
        except ValueError as error:
            logger.error("the API keys stay as they were: %s", error)  # noqa: TRY400 - expected, no traceback
        else:
            logger.warning("API keys were read again: %d", len(self._keys))

    def _fingerprint(self) -> tuple[int, int, int] | None:
        """Return modification time (ns), size and inode; the inode reveals a replacement of the same age and size."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
