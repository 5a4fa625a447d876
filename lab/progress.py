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

_SIGN_OF_LIFE_S = 10.0

console = Console(highlight=False, soft_wrap=True)

_board = Progress(
    SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
)
_board_lock = threading.Lock()


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that something is under way, then how long it took; a failure is marked and passed on."""
    begun = time.monotonic()
    mark = "[red]✗[/]"
    try:
        with _on_board(title) if console.is_terminal else _in_lines(title, begun):
            yield
        mark = "[green]✓[/]"
    finally:
        console.print(f"{mark} {title} [dim]{time.monotonic() - begun:.1f} s[/]")


@contextmanager
def _on_board(title: str) -> Iterator[None]:
    with _board_lock:
        task = _board.add_task(title, total=None)
        _board.start()
    try:
        yield
    finally:
        with _board_lock:
            _board.remove_task(task)
            if not _board.tasks:
                _board.stop()


@contextmanager
def _in_lines(title: str, begun: float) -> Iterator[None]:
    done = threading.Event()

    def show_life() -> None:
        while not done.wait(_SIGN_OF_LIFE_S):
            console.print(f"  {title}: {time.monotonic() - begun:.0f} s so far")

    console.print(f"… {title}")
    thread = threading.Thread(target=show_life, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
