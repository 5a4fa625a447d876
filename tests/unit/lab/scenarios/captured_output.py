"""What molecule really printed; left out are the plays' tasks and the reasons of skipped tests."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "captured"


def redis() -> list[str]:
    """Return the output of a passed run of `redis`."""
    return _lines("redis-trixie")


def model_volume_failed() -> list[str]:
    """Return the output of a run of `model_volume` with a failed first side effect."""
    return _lines("model_volume-trixie-failed")


def _lines(name: str) -> list[str]:
    return (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
