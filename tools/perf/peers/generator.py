"""A load generator as a process on given cores, which prints its figures and ends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bench.errors import GeneratorError
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

GRACE_SECONDS = 20.0


def run_generator(
    name: str, command: Sequence[str], *, cores: Collection[int], timeout_s: float, given: bytes = b""
) -> str:
    """Run a generator to its end; returns what it printed.

    Args:
        name: For messages.
        command: Program and arguments.
        cores: On which it may run.
        timeout_s: When it has to be over.
        given: Its standard input.

    Raises:
        GeneratorError: It did not end in time, or ended with an error.
    """
    placed = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), *command]
    pipe = subprocess.PIPE
    process = subprocess.Popen(placed, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, cwd=ROOT)
    try:
        output = process.communicate(given, timeout=timeout_s)[0].decode()
    except subprocess.TimeoutExpired:
        raise GeneratorError(f"{name} did not end within {timeout_s:.0f} s") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise GeneratorError(f"{name} ended with status {process.returncode}; it said:\n{output[-500:]}")
    return output
