"""One user's closed loop, and the file that it leaves: the same that a load generator leaves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.samples import PhaseEnd, Sample, encode_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.load.plan import ClosedLoop


def run_closed_loop(
    loop: ClosedLoop, file: Path, progress: Callable[[int], None], ask: Callable[[int, int], Sample]
) -> None:
    """Ask one after the other, and write down what came of it while that goes on.

    Args:
        loop: How often, and for how long.
        file: For the samples.
        progress: Is told after each request how many there were.
        ask: Sends a request: given its index and the monotonic time of the first one's start, in nanoseconds.
    """
    epoch_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
    asked = 0
    with file.open("wb") as stream:
        while asked < loop.count and (not asked or time.perf_counter_ns() - epoch_ns < loop.max_seconds * 1e9):
            sample = ask(asked, epoch_ns)
            stream.write(encode_lines([sample]))
            stream.flush()
            asked += 1
            progress(asked)
        end = PhaseEnd(
            planned=asked,
            sent=asked,
            dropped=0,
            wall_ns=time.perf_counter_ns() - epoch_ns,
            cpu_ns=time.process_time_ns() - cpu_ns,
            epoch_ns=epoch_ns,
        )
        stream.write(encode_lines([end]))
