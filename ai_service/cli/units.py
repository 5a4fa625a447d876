"""Services that are systemd units."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from ai_service.cli.errors import CliError, NotPermittedError
from ai_service.cli.service import NOT_INSTALLED, LogLine, State, megabytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COMMAND_S = 60
_JOURNAL_FIELDS = "MESSAGE,UNIT,_SYSTEMD_UNIT"
_PROPERTIES = "ActiveState,MemoryCurrent,MemoryMax"


class Run(Protocol):
    """Runs a command; returns its exit status, output and errors."""

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """See Run."""
        ...


def run(command: list[str]) -> tuple[int, str, str]:
    """Run a command; return status 127 where its program is missing.

    Raises:
        CliError: It takes too long.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S, check=False)
    except FileNotFoundError:
        return 127, "", f"{command[0]} is not on this host"
    except subprocess.TimeoutExpired as error:
        raise CliError(f"{' '.join(command)} timed out after {COMMAND_S} s.") from error
    return done.returncode, done.stdout, done.stderr


class Units:
    """Units that belong together.

    Args:
        main: The unit, or a pattern for all instances of a template.
        wait: Waits until a restarted instance is ready; instances are then restarted one after the other.
        run: Runs commands.
    """

    def __init__(self, main: str, *, wait: Callable[[str], None] | None = None, run: Run = run) -> None:
        self._main = main
        self._wait = wait
        self._run = run

    def state(self) -> State:
        """See Service."""
        names = self._instances()
        told = self._run(["systemctl", "show", f"--property={_PROPERTIES}", *names])[1] if names else ""
        found = [
            dict(line.split("=", 1) for line in block.splitlines()) for block in told.split("\n\n") if block.strip()
        ]
        if not found:
            return State(NOT_INSTALLED, running=False)
        active = [unit for unit in found if unit["ActiveState"] == "active"]
        if not active:
            state = found[0]["ActiveState"]
            return State({"inactive": "stopped"}.get(state, state), running=False)
        words = "running" if len(active) == len(found) else f"running, {len(active)} of {len(found)}"
        return State(words, running=True, detail=_memory(active))

    def act(self, verb: str) -> None:
        """See Service."""
        names = self._instances()
        if not names:
            raise CliError(
                f"{self._main} is not on this host.", hint="`alchemorsel status` shows the services of this host."
            )
        if verb == "restart" and self._wait is not None:
            for name in names:
                self._systemctl(verb, name)
                self._wait(name)
        else:
            self._systemctl(verb, *names)

    def _systemctl(self, verb: str, *names: str) -> None:
        command = ["systemctl", verb, *names]
        status, _, said = self._run(command)
        if status:
            last = (said.strip().splitlines() or [f"exit status {status}"])[-1]
            if "denied" in last.lower() or "authentication" in last.lower():
                raise NotPermittedError(f"{' '.join(command)}: {last}", hint="Run this with sudo.")
            raise CliError(f"{' '.join(command)}: {last}")

    def log_command(self, *, lines: int | None, since: datetime | None, follow: bool) -> list[str]:
        """See Service."""
        command = ["journalctl", "--no-pager", "--quiet", "--output=json", f"--output-fields={_JOURNAL_FIELDS}"]
        command += [f"--unit={self._main}", f"--lines={'all' if lines is None else lines}"]
        command += [] if since is None else [f"--since=@{since.timestamp():.0f}"]
        return [*command, "--follow"] if follow else command

    def read_log_line(self, line: str) -> LogLine:
        """See Service."""
        try:
            entry = json.loads(line)
            time = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        except (ValueError, KeyError, TypeError):
            return LogLine(None, "", line)
        # What systemd itself says of a unit is logged by the manager, with the unit in another field.
        unit = str(entry.get("UNIT") or entry.get("_SYSTEMD_UNIT") or "")
        return LogLine(time, unit.removesuffix(".service").removeprefix("alchemorsel-"), _message(entry.get("MESSAGE")))

    def _instances(self) -> list[str]:
        """Names of the units; of a template, the instances that are enabled or known to be in use."""
        listed = self._run(["systemctl", "list-units", "--all", "--plain", "--no-legend", self._main])[1]
        enabled = self._run(["systemctl", "list-unit-files", "--no-legend", "--state=enabled", self._main])[1]
        names = {line.split()[0] for line in [*listed.splitlines(), *enabled.splitlines()] if line.strip()}
        return sorted(name for name in names if "@." not in name)


def _message(value: Any) -> str:
    """Return a journal entry's text: a list of bytes where it is not printable, null where it is too long."""
    if isinstance(value, list):
        return bytes(value).decode(errors="replace")
    return "" if value is None else str(value)


def _memory(units: Sequence[Mapping[str, str]]) -> str:
    """Describe the memory of running units, and their limits together where each has one."""
    used = [unit["MemoryCurrent"] for unit in units]
    limits = [unit["MemoryMax"] for unit in units]
    if not all(value.isdigit() for value in used):
        return ""
    shown = megabytes(sum(map(int, used)))
    return f"{shown} of {megabytes(sum(map(int, limits)))}" if all(limit.isdigit() for limit in limits) else shown
