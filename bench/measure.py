"""One measurement from a ready service to its files: what ``bench run`` and ``pytest bench`` have in common."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import httpx

from bench.errors import StorageError, folder_error
from bench.evidence.gpu import GpuSampler
from bench.evidence.other_programs import busy_share
from bench.load.generator import Generator
from bench.load.plan import WORKLOADS, plan
from bench.report.junit import render_junit
from bench.report.page import render
from bench.results import Result, encode_result
from bench.run_folder import JUNIT_FILE, PAGE_FILE, RESULT_FILE, RunFolder
from bench.sequential.cold_start import ColdStartRun
from bench.sequential.stream import StreamRun
from bench.session import Session

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from bench.evidence.ollama import Ollama
    from bench.interfaces import LoadGenerator, Observer
    from bench.load.target import Target
    from bench.verdict.slo import Profile


def measure(
    target: Target,
    profile: Profile,
    folder: Path,
    observer: Observer,
    *,
    nvidia_smi: str | None = None,
    annotations: Path | None = None,
    processes: int = 1,
    workloads: Collection[str] = WORKLOADS,
    ollama: Ollama | None = None,
) -> Result:
    """Run a profile against a service and write result, raw samples, JUnit and report.

    Args:
        target: The service; it is ready.
        profile: What to send and which bounds to hold it to.
        folder: Where the files go; it is there.
        observer: Is told how it goes.
        nvidia_smi: The command that samples GPUs; None for this host's own where the service is here too.
        annotations: File of faults (see `bench.evidence.annotations`), if any.
        processes: That make the load.
        workloads: Those of the profile that are run.
        ollama: The server behind the service, if it may be asked.

    Raises:
        BenchError: The run could not be made, or ended early; the phases that had ended are in the folder.
    """
    sequential_runs: dict[str, LoadGenerator] = {"stream": StreamRun(target.url, target.trust)}
    if ollama is not None:
        sequential_runs["cold"] = ColdStartRun(target.ask, ollama)
    planned = sum(phase.arrivals.count for phase in plan(profile.load, "") if phase.name in workloads)
    kept = RunFolder(folder, planned)
    session = Session(
        target,
        Generator(target.url, folder / "locust.log", processes, ca_file=target.trust.ca_file),
        profile,
        observer,
        secrets.token_hex(8),
        gpu_sampler(target.url, nvidia_smi),
        kept,
        annotations,
        workloads,
        sequential_runs,
        ollama,
        busy_share,
    )
    result = session.run()
    try:
        kept.finish(
            {
                RESULT_FILE: lambda: encode_result(result),
                JUNIT_FILE: lambda: render_junit(result),
                PAGE_FILE: lambda: render(result, session.samples).encode(),
            }
        )
    except StorageError as error:
        session.error = session.error or error
    if session.error is not None:
        count = len(result.phases)
        kept_phases = "one phase is" if count == 1 else f"{count} phases are"
        phases = f"{kept_phases} kept in {folder}" if count else "no phase had ended"
        session.error.args = (f"{session.error}; {phases}",)
        raise session.error
    return result


def make_folder(folder: Path) -> Path:
    """Make the folder of a run, with its parents.

    Raises:
        BenchError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder_error(folder, error) from error
    return folder


def gpu_sampler(url: str, command: str | None) -> GpuSampler:
    """Sample the GPUs of the service's host: this one's by itself, another one's where it is said how."""
    if command is not None:
        return GpuSampler(command)
    host = httpx.URL(url).host
    if host in {"localhost", "::1"} or host.startswith("127."):
        return GpuSampler("nvidia-smi")
    return GpuSampler("", "the service runs on another host; see --nvidia-smi")
