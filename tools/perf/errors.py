"""What these benchmarks raise beside the errors of `bench`."""

from __future__ import annotations

from bench.errors import BenchError


class ProcessError(BenchError):
    """A process that is started to be measured did not start, or died."""
