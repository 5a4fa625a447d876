"""The key that every request carries where the service wants one: from a file, so that it is on no command line."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import UsageError

VARIABLE = "ALCHEMORSEL_BENCH_API_KEY_FILE"
"""Environment variable with the path of a file that holds an API key; generators that the harness starts inherit it."""


def explain_key() -> str:
    """Say what to do where a service refuses requests for their key, or for having none."""
    if path := os.environ.get(VARIABLE, ""):
        return f"it does not accept the API key of {path} ({VARIABLE})"
    return f"it wants an API key: name a file that holds one in {VARIABLE}"


def authorization() -> dict[str, str]:
    """Return the header that presents the key; nothing where no file is named.

    Raises:
        UsageError: The file cannot be read, or holds no single line.
    """
    path = os.environ.get(VARIABLE, "")
    if not path:
        return {}
    try:
        key = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{VARIABLE}: cannot read {path}: {error}") from error
    if not key or not key.isprintable() or " " in key:
        raise UsageError(f"{VARIABLE}: {path} does not hold an API key in a line of its own")
    return {"Authorization": f"Bearer {key}"}
