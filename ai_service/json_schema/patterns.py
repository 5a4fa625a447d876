"""Regular expressions of callers, by RE2: it takes time linear in the text, whatever the expression."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Protocol, cast

MAX_MEMORY_BYTES = 1024 * 1024
"""Of one compiled expression."""
_UNICODE_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{4}))")


class Pattern(Protocol):
    """A compiled expression."""

    def search(self, text: str) -> Any:
        """Return a match anywhere in a text, or None."""


@lru_cache(256)
def compile_pattern(pattern: str) -> Pattern:
    """Compile an expression of JSON Schema.

    Raises:
        ValueError: RE2 does not know it: it has no look-around and no back-references.
    """
    import re2  # noqa: PLC0415 - slow to import, of use only to schemas with patterns

    options = re2.Options()
    options.max_mem = MAX_MEMORY_BYTES
    options.log_errors = False
    # ECMA-262 writes \u0041 for what RE2 writes \x{41}.
    translated = _UNICODE_ESCAPE.sub(lambda found: rf"{found[1]}\x{{{found[2] or found[3]}}}", pattern)
    try:
        return cast("Pattern", re2.compile(translated, options))
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        shown = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"{shown}; look-around and back-references are not supported") from None
