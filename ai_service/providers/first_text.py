"""Notes when the first text of a call comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class FirstText:
    """Note when the first text of a call comes, of its answer or of its reasoning.

    Args:
        on_first: Called then.

    Attributes:
        heard: Whether some text has come.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        self.heard = False
        self._on_first = on_first

    def through(self, write: Callable[[str], None]) -> Callable[[str], None]:
        """Return what writes on, and notes it."""

        def written(text: str) -> None:
            if text and not self.heard:
                self.heard = True
                self._on_first()
            write(text)

        return written
