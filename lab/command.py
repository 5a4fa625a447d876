"""Running programs with a deadline, and either an error text that shows what they said or each line as it comes."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from lab.errors import CommandFailedError, CommandTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_TAIL_LINES = 15
_LOOK_EVERY_S = 0.5
_GRACE_S = 20.0
_CHUNK_BYTES = 65_536


def run(argv: Sequence[str], *, timeout_s: float, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program and return its standard output.

    Args:
        argv: program and arguments; never a shell string.
        timeout_s: seconds before it is killed.
        env: its whole environment; the caller's where None.
        cwd: its working directory.

    Raises:
        CommandFailedError: not found or a non-zero exit.
        CommandTimeoutError: the deadline.
    """
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, env=env, cwd=cwd, check=False)
    except FileNotFoundError as error:
        raise CommandFailedError(f"{argv[0]}: not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandTimeoutError(_too_long(argv, timeout_s)) from error
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])
        raise CommandFailedError(f"{' '.join(argv[:3])} …: exit status {done.returncode}\n{tail}")
    return done.stdout


def follow(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Run a program that may take long, and hand over what it prints.

    At the deadline, on Ctrl-C, or where a line cannot be taken, it is ended with its whole process group, which is its
    own; SIGTERM comes first, so that it may end what it put into other groups.

    Args:
        argv: program and arguments; never a shell string.
        on_line: called with each line of both streams, as it comes, without its end.
        timeout_s: seconds before it is ended.
        env: its whole environment; the caller's where None.
        cwd: its working directory.

    Returns:
        Its exit status.

    Raises:
        CommandFailedError: not found.
        CommandTimeoutError: the deadline.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandFailedError(f"{argv[0]}: not installed") from error
    deadline = time.monotonic() + timeout_s
    with process:
        try:
            _hand_over_lines(process, on_line, deadline)
            return process.wait(timeout=max(deadline - time.monotonic(), _LOOK_EVERY_S))
        except subprocess.TimeoutExpired as error:
            raise CommandTimeoutError(_too_long(argv, timeout_s)) from error
        finally:
            if process.returncode is None:
                _end_group(process)


def _hand_over_lines(process: subprocess.Popen[bytes], on_line: Callable[[str], None], deadline: float) -> None:
    """Until the program has ended or closed its output; that somebody else still holds the pipe does not count."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    pending = b""
    while True:
        has_ended = process.poll() is not None
        is_readable = bool(select.select([pipe], [], [], 0 if has_ended else _LOOK_EVERY_S)[0])
        chunk = os.read(pipe, _CHUNK_BYTES) if is_readable else b""
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            on_line(line.decode(errors="replace"))
        if not chunk and (is_readable or has_ended):
            break
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, deadline)
    if pending:
        on_line(pending.decode(errors="replace"))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        killing = time.monotonic() + _GRACE_S
        # Not only until the first of them has ended: the others may still be ending theirs.
        while time.monotonic() < killing:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _too_long(argv: Sequence[str], timeout_s: float) -> str:
    return f"{' '.join(argv[:3])} …: not finished after {timeout_s:.0f} s"
