"""Steps as they happen: live timers on a terminal, plain lines with signs of life where the output goes to a file.

Steps may run side by side in threads.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

_SIGN_OF_LIFE_S = 10.0

console = Console(highlight=False, soft_wrap=True)

_board = Progress(
    SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
)
_board_lock = threading.Lock()


class Step:
    """Something that is under way."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.has_failed = False
        """For a failure that is no exception."""
        self._line = title
        self._task: TaskID | None = None

    def __str__(self) -> str:
        return self._line

    def tell(self, part: str) -> None:
        """Say which part of it is being done."""
        self._line = f"{self.title}: {part}"
        if self._task is not None:
            _board.update(self._task, description=self._line)

    def show_on_board(self) -> None:
        """Give it a line with a timer."""
        self._task = _board.add_task(self._line, total=None)

    def take_off_board(self) -> None:
        """Its line goes."""
        if self._task is not None:
            _board.remove_task(self._task)


@contextmanager
def step(title: str, sign_of_life_s: float = _SIGN_OF_LIFE_S) -> Iterator[Step]:
    """Show that something is under way, then how long it took; a failure is marked and passed on.

    Args:
        title: what is under way.
        sign_of_life_s: seconds between two lines where the output goes to a file.
    """
    begun = time.monotonic()
    mark = "[red]✗[/]"
    shown = Step(title)
    try:
        with _on_board(shown) if console.is_terminal else _in_lines(shown, begun, sign_of_life_s):
            yield shown
        mark = mark if shown.has_failed else "[green]✓[/]"
    finally:
        console.print(f"{mark} {title} [dim]{time.monotonic() - begun:.1f} s[/]")


@contextmanager
def _on_board(shown: Step) -> Iterator[None]:
    with _board_lock:
        shown.show_on_board()
        _board.start()
    try:
        yield
    finally:
        with _board_lock:
            shown.take_off_board()
            if not _board.tasks:
                _board.stop()


@contextmanager
def _in_lines(shown: Step, begun: float, sign_of_life_s: float) -> Iterator[None]:
    done = threading.Event()

    def show_life() -> None:
        while not done.wait(sign_of_life_s):
            console.print(f"  {shown}: {time.monotonic() - begun:.0f} s so far")

    console.print(f"… {shown}")
    thread = threading.Thread(target=show_life, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
