"""Running Locust as a subprocess, one for each phase, and following it by the samples it writes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import GeneratorError, StorageError
from bench.load.plan import Herds, OpenLoop, Phase
from bench.load.whole_answer import ANSWER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

LOCUSTFILE = Path(__file__).parent.with_name("locustfile.py")

POLL_SECONDS = 0.1
GRACE_SECONDS = ANSWER_SECONDS + 20.0
"""Beyond a phase's own duration: one request up to its deadline, start and end of Locust."""

TERMINATE_SECONDS = 5.0


class Generator:
    """Starts Locust for a phase and waits for its end.

    Args:
        target: URL of the service.
        log: File that collects Locust's own output; an older one is replaced.
        processes: How many generate an open loop; a closed loop has one user, so one process.
        ca_file: CA bundle for an https:// target; "" for the operating system's.
    """

    def __init__(self, target: str, log: Path, processes: int = 1, *, ca_file: str = "") -> None:
        self._target = target
        self._log = log
        self._processes = processes
        self._ca_file = ca_file
        log.unlink(missing_ok=True)

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Run one phase to its end.

        Args:
            phase: What to send.
            samples: File for the raw samples; it must not be there yet.
            progress: Called a few times a second with the number of samples so far.

        Raises:
            GeneratorError: Locust ended with an error, or was killed, or did not end within the phase's time.
            StorageError: It could not write its samples.
        """
        deadline = time.monotonic() + _seconds(phase) + GRACE_SECONDS
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C reaches only this process, which then stops Locust in order.
            process = subprocess.Popen(
                self._command(phase, samples),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                counter = _LineCounter(samples)
                while process.poll() is None:
                    if time.monotonic() > deadline:
                        raise GeneratorError(f"Locust did not end the phase {phase.name} {phase.task} in time")
                    progress(counter.count())
                    time.sleep(POLL_SECONDS)
            finally:
                _stop(process)
        status, where = process.returncode, f"in phase {phase.name} {phase.task}"
        if status == StorageError.exit_status:
            raise StorageError(f"the samples could not be written {where}: {self._tail(1) or 'the disk is full'}")
        if status < 0:
            killer = f"signal {-status} ({signal.strsignal(-status) or 'unknown'})"
            raise GeneratorError(f"Locust was killed {where} by {killer}; where nobody did, the kernel lacked memory")
        if status == GeneratorError.exit_status:
            raise GeneratorError(f"Locust was stopped, or one of its processes was killed, {where}")
        if status:
            raise GeneratorError(f"Locust ended with status {status} {where}; it said:\n{self._tail()}")

    def _command(self, phase: Phase, samples: Path) -> list[str]:
        command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless", "--only-summary"]
        # Failed requests are the verdict's business, not an error of the generator.
        command += ["--loglevel", "WARNING", "--exit-code-on-error", "0", "--users", "1", "--host", self._target]
        command += ["--workload", phase.name, "--task", phase.task, "--seed", phase.seed, "--samples", str(samples)]
        command += ["--owner", str(os.getpid()), "--distinct", str(phase.distinct)]
        if self._ca_file:
            command += ["--ca-file", self._ca_file]
        if phase.catalogue:
            command += ["--catalogue", str(phase.catalogue), "--exponent", str(phase.exponent)]
        if phase.new_share:
            command += ["--new-share", str(phase.new_share), "--new-from", str(phase.new_from)]
        if phase.known_exponent:
            command += ["--known-exponent", str(phase.known_exponent)]
        arrivals = phase.arrivals
        if isinstance(arrivals, OpenLoop):
            if self._processes > 1:
                # A port of its own, so that two runs on one machine do not meet.
                port = str(_free_port())
                command += ["--processes", str(self._processes), "--master-bind-port", port, "--master-port", port]
            command += ["--stages", ",".join(map(str, arrivals.stages)), "--arrivals", arrivals.process]
            return [*command, "--warmup-seconds", str(arrivals.warmup_seconds)]
        if isinstance(arrivals, Herds):
            command += ["--people", str(arrivals.people)]
        count = arrivals.herds if isinstance(arrivals, Herds) else arrivals.count
        return [*command, "--count", str(count), "--max-seconds", str(arrivals.max_seconds)]

    def _tail(self, lines: int = 15) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


class _LineCounter:
    """Counts the lines of a file that grows, reading only what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._lines = 0

    def count(self) -> int:
        if self._path.exists():
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                new = stream.read()
            self._offset += len(new)
            self._lines += new.count(b"\n")
        return self._lines


def _seconds(phase: Phase) -> float:
    return phase.arrivals.seconds if isinstance(phase.arrivals, OpenLoop) else phase.arrivals.max_seconds


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(TERMINATE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
