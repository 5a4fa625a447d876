"""Reasoning that a server leaves in the answer's text, between `<think>` and `</think>` at its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN, END = "<think>", "</think>"


class ThoughtSplitter:
    """Tells reasoning and answer apart in text that comes in pieces.

    Servers that know a model's template do so themselves; others pass on what the model writes.

    Args:
        on_text: Called with the answer's text.
        on_reasoning: Called with what stands between the tags; they themselves are neither.
    """

    def __init__(self, on_text: Callable[[str], None], on_reasoning: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._on_reasoning = on_reasoning
        self._feed: Callable[[str], None] = self._begin
        self._held = ""

    def feed(self, piece: str) -> None:
        """Take the next piece."""
        self._feed(piece)

    def end(self) -> None:
        """Hand over what was held back in case it was the beginning of a tag."""
        held, self._held = self._held, ""
        if held:
            (self._on_reasoning if self._feed == self._think else self._on_text)(held)

    def _begin(self, piece: str) -> None:
        self._held += piece
        begun = self._held.lstrip()
        if begun.startswith(BEGIN):
            self._held, self._feed = "", self._think
            self._think(begun[len(BEGIN) :])
        elif not BEGIN.startswith(begun):
            held, self._held, self._feed = self._held, "", self._on_text
            self._on_text(held)

    def _think(self, piece: str) -> None:
        reasoning, end, rest = (self._held + piece).partition(END)
        self._held = ""
        if end:
            if reasoning:
                self._on_reasoning(reasoning)
            self._feed = self._after
            self._after(rest)
            return
        kept = next((size for size in range(len(END) - 1, 0, -1) if reasoning.endswith(END[:size])), 0)
        self._held = reasoning[len(reasoning) - kept :]
        if reasoning := reasoning[: len(reasoning) - kept]:
            self._on_reasoning(reasoning)

    def _after(self, piece: str) -> None:
        """Leave out the empty lines between reasoning and answer."""
        if begun := piece.lstrip():
            self._feed = self._on_text
            self._on_text(begun)
