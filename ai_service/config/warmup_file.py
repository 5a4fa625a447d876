"""The file of requests that a warm-up has answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

TASKS = ("recipe", "ingredients", "nutrition")


def warmup_source(text: str) -> str:
    """Validate what a warm-up is to have answered: off, common, or the path of a file."""
    if text in {"off", "common"}:
        return text
    if not Path(text).is_absolute():
        raise ValueError("expected off, common or the absolute path of a JSON file")
    read_warmup_requests(text)
    return text


def read_warmup_requests(path: str) -> dict[str, list[dict[str, Any]]]:
    """Read a warm-up file: requests by the task's name.

    Raises:
        ValueError: It cannot be read, or is not of that form.
    """
    try:
        requests = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, list[dict[str, Any]]])
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no object with a list of requests for each task: {error}") from None
    if unknown := sorted(set(requests) - set(TASKS)):
        raise ValueError(f"{path}: unknown task: {unknown[0]}; expected some of {', '.join(TASKS)}")
    return requests
