"""What a run was made on: the machine of the generator and, as far as it tells, the service."""

from __future__ import annotations

import os
import platform
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.samples import Sample


def describe_machine() -> dict[str, str]:
    """Return the generator's machine as label and text."""
    return {
        "generator CPU": cpu_model(Path("/proc/cpuinfo")),
        "generator cores": str(len(os.sched_getaffinity(0))),
        "generator system": f"{platform.system()} {platform.release()}",
        "generator": f"Locust {version('locust')}, Python {platform.python_version()}",
    }


def describe_makers(samples: Iterable[Sample]) -> dict[str, str]:
    """Return who made the answers.

    Args:
        samples: Samples of the run; provider and model are those of the successes, most frequent first.
    """
    makers = Counter(f"{sample.provider or '?'} / {sample.model or '?'}" for sample in samples if sample.ok)
    return {
        "provider / model": ", ".join(f"{name} ({count} answers)" for name, count in makers.most_common()) or "none"
    }


def cpu_model(cpuinfo: Path) -> str:
    """Return the processor's model name as the kernel gives it, else the architecture.

    Args:
        cpuinfo: ``/proc/cpuinfo``.
    """
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
