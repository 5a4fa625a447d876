"""The program that tells on a lab host whether its service was left without a processor, which no fault does.

The host's own Python runs it, without a package of this repository:

    starvation.py FILE WORDS...

Once a second it writes a line: the machine's monotonic clock in seconds, and the greatest share of that second for
which a process whose command line has one of the words was ready to run and waited (proc(5), schedstat).
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

INTERVAL_S = 1.0
MAX_BYTES = 1_000_000


def waits_ns(words: list[str]) -> dict[str, int]:
    """Return how long each process has waited for a processor so far, all of its threads together."""
    found: dict[str, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(word in command for word in words) and __file__ not in command:
                found[process.name] = waited_ns(process)
    return found


def waited_ns(process: Path) -> int:
    """Return how long all threads of a process, by its folder in /proc, have waited for a processor.

    Raises:
        OSError: It has ended.
    """
    return sum(int(task.read_text().split()[1]) for task in (process / "task").glob("*/schedstat"))


def main(file: str, *words: str) -> None:
    """Write until a signal ends it."""
    log = Path(file)
    before, began = waits_ns(list(words)), time.monotonic()
    while True:
        time.sleep(INTERVAL_S)
        now, ended = waits_ns(list(words)), time.monotonic()
        grown = [now[name] - before[name] for name in now if name in before]
        share = max(grown, default=0) / ((ended - began) * 1e9)
        with suppress(OSError):  # A full disk is one of the faults.
            mode = "a" if log.exists() and log.stat().st_size < MAX_BYTES else "w"
            with log.open(mode) as lines:
                lines.write(f"{ended:.3f} {share:.3f}\n")
        before, began = now, ended


if __name__ == "__main__":
    main(*sys.argv[1:])
