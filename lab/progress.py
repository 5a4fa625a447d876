"""Steps as they happen: a live timer on a terminal, plain lines with a sign of life where the output goes to a file."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGN_OF_LIFE_S = 10.0

console = Console(highlight=False, soft_wrap=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show that something is under way, then how long it took; a failure is marked and passed on."""
    begun = time.monotonic()
    done = threading.Event()
    if console.is_terminal:
        with console.status(title) as status:
            thread = threading.Thread(
                target=_every,
                args=(done, 1.0, lambda: status.update(f"{title} [dim]{time.monotonic() - begun:.0f} s[/]")),
            )
            yield from _timed(title, begun, done, thread)
    else:
        console.print(f"… {title}")
        thread = threading.Thread(
            target=_every,
            args=(done, _SIGN_OF_LIFE_S, lambda: console.print(f"  still at it: {time.monotonic() - begun:.0f} s")),
        )
        yield from _timed(title, begun, done, thread)


def _timed(title: str, begun: float, done: threading.Event, thread: threading.Thread) -> Iterator[None]:
    thread.daemon = True
    thread.start()
    mark = "[red]✗[/]"
    try:
        yield
        mark = "[green]✓[/]"
    finally:
        done.set()
        thread.join()
        console.print(f"{mark} {title} [dim]{time.monotonic() - begun:.1f} s[/]")


def _every(done: threading.Event, interval_s: float, act: Callable[[], object]) -> None:
    while not done.wait(interval_s):
        act()
