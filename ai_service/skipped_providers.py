"""Providers that were asked for an answer and gave none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Skipped(NamedTuple):
    """A provider that gave no answer.

    Attributes:
        provider: Its name.
        reason: Value of the metrics' `outcome` label.
        seconds: Time spent on it, its queue included.
    """

    provider: str
    reason: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason}"


def reasons_of(skipped: Iterable[Skipped]) -> str:
    """Return provider and reason of each, for people; "" where there is none."""
    return ", ".join(map(str, skipped))


def details_of(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return the same as details of an error."""
    return [{"provider": each.provider, "problem": each.reason} for each in skipped]
