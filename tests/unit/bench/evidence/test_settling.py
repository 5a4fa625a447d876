"""A record waits for counters that lag, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.evidence import settling
from bench.evidence.settling import settle
from tests.unit.bench.records import cached_record, counters, hit

if TYPE_CHECKING:
    import pytest

RECORD = cached_record([hit(), hit()])
BEHIND, THERE = (counters({("recipe", "hit"): count}, {}) for count in (1, 2))


def test_counters_that_catch_up_are_those_of_the_record() -> None:
    """The first look comes too early."""
    looks = [BEHIND, THERE, BEHIND]
    assert settle(RECORD, lambda: looks.pop(0)).grown == THERE
    assert looks == [BEHIND]


def test_counters_that_never_agree_are_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of evidence judge them."""
    monkeypatch.setattr(settling, "SETTLE_SECONDS", 0.0)
    assert settle(RECORD, lambda: BEHIND).grown == BEHIND
