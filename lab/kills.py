"""Killed plays: `python -m lab.kills` kills site.yml at a random moment, and shows what the next runs make of it.

Each round has a bare host of its own. The play is killed with all of its processes on this machine, as by a loss of
power; what it had started on the host goes on there, as in life. The first run after that has to finish the site
(failed=0), the next one has to find nothing to do (changed=0).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from docker.errors import DockerException
from rich.table import Table

from lab import hosts, images, lifecycle
from lab.errors import LabError
from lab.paths import HOST_VARS, LAB, ROOT
from lab.progress import console

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from docker import DockerClient

FOLDER = LAB / "kills"
"""Inventory and logs of each round, by its seed."""

LENGTH_S = 150.0
"""Of a whole site.yml on a bare host."""

DEADLINE_S = 900.0
_POLL_S = 0.1
_GROUPS = ("ollama_hosts", "redis_hosts", "ai_service_hosts", "web_hosts")
_TASK = re.compile(r"^TASK \[(?:[^:\]]* : )?(.*)\]", re.MULTILINE)
_RECAP = re.compile(r"changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


@dataclass
class Round:
    """One kill, and what came of it."""

    seed: int
    at_s: float
    task: str
    results: list[str] = field(default_factory=list)
    """Of the first re-run, and of the second one."""
    faults: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Return `passed`, or what was wrong."""
        return "; ".join(self.faults) or "passed"

    def line(self) -> str:
        """Return the round as one line."""
        first, second = self.results
        return (
            f"seed {self.seed}: killed after {self.at_s:.0f} s in {self.task!r};"
            f" first re-run {first}; second {second}: {self.verdict}"
        )


def moment(seed: int, length_s: float) -> float:
    """Return the second of the kill, drawn from a seed over the whole length of a play."""
    return random.Random(seed).uniform(1, length_s)  # noqa: S311 - to be drawn again from the same seed


def last_task(log: str) -> str:
    """Return the task that a play was in."""
    found = _TASK.findall(log)
    return str(found[-1]) if found else "before its first task"


def judge(log: str, status: int, *, is_settled: bool) -> tuple[str, list[str]]:
    """Return the result of a run in words, and what is wrong with it.

    Args:
        log: Its output.
        status: Its exit status.
        is_settled: Whether the run has to change nothing.
    """
    found = _RECAP.findall(log)
    if not found:
        return f"exit status {status}, no recap", [f"ended with status {status} before its recap"]
    changed, unreachable, failed = (sum(int(line[index]) for line in found) for index in range(3))
    words = f"failed={failed + unreachable} changed={changed}"
    if failed or unreachable or status:
        return words, [f"failed in: {last_task(log)}"]
    return words, [f"changed={changed}"] if is_settled and changed else []


def descendants(pid: int) -> list[int]:
    """Return a process and all that it has started: Ansible's workers are in sessions of their own."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, ahead = [], [pid]
    while ahead:
        found.append(ahead.pop())
        ahead += children.get(found[-1], [])
    return found


def kill_all(pid: int) -> None:
    """Kill a process and all that it has started, at once: all are stopped before the first one ends."""
    for step in (signal.SIGSTOP, signal.SIGKILL):
        for each in descendants(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, step)


class Play:
    """site.yml against one host.

    Args:
        folder: Of the inventory and the logs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inventory = folder / "inventory"

    def prepare(self, host: str) -> None:
        """Write the inventory: the lab's, with another host."""
        self._inventory.mkdir(parents=True, exist_ok=True)
        content = {"all": {"children": {group: {"hosts": {host: None}} for group in _GROUPS}}}
        (self._inventory / "hosts.yml").write_text(yaml.safe_dump(content))
        for name, target in (("group_vars", ROOT / "inventories" / "lab" / "group_vars"), ("host_vars", HOST_VARS)):
            link = self._inventory / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)

    def run(self, name: str, is_time: Callable[[float, str], bool] | None = None) -> tuple[str, int]:
        """Run it to its end, or kill it; returns output and exit status.

        Args:
            name: Of its log.
            is_time: Whether to kill it, asked with the seconds since its start and its output so far.
        """
        log = self._folder / f"{name}.log"
        argv = [str(Path(sys.executable).with_name("ansible-playbook")), "site.yml", "-i", str(self._inventory)]
        # Connections of its own: an earlier host may have had the same address.
        environment = {
            **os.environ,
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._folder / "ssh"),
        }
        begun = time.monotonic()
        with (
            log.open("w") as output,
            subprocess.Popen(
                argv, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            ) as process,
        ):
            while process.poll() is None:
                seconds = time.monotonic() - begun
                if seconds > DEADLINE_S or (is_time is not None and is_time(seconds, log.read_text())):
                    kill_all(process.pid)
                    process.wait()
                time.sleep(_POLL_S)
        return log.read_text(), process.returncode


def run_round(client: DockerClient, seed: int, suite: str, length_s: float, task: str = "") -> Round:
    """Provision a bare host, kill the play, and run it twice more.

    Args:
        client: The lab's engine.
        seed: Of the moment, and in the host's name.
        suite: Code name of the Debian release.
        length_s: Of a whole play.
        task: Kill it as soon as a task begins whose name has these words, in place of a drawn moment.
    """
    host = f"kill-{seed}"
    drawn_s = moment(seed, length_s)
    play = Play(FOLDER / str(seed))
    hosts.remove(client, host)
    hosts.ensure(client, host, suite)
    play.prepare(host)
    begun = time.monotonic()
    log, status = play.run("killed", lambda seconds, so_far: task in last_task(so_far) if task else seconds >= drawn_s)
    found = Round(seed, time.monotonic() - begun, last_task(log))
    if status >= 0:
        found.faults.append(f"the play ended by itself with status {status} before it was killed")
    for name, is_settled in (("again", False), ("third", True)):
        log, status = play.run(name)
        words, faults = judge(log, status, is_settled=is_settled)
        found.results.append(words)
        found.faults += [f"{name}: {fault}" for fault in faults]
    if not found.faults:
        hosts.remove(client, host)
    return found


def table(rounds: Sequence[Round]) -> Table:
    """Return the rounds as a table."""
    shown = Table(title="plays killed at random moments")
    for heading in ("seed", "killed at", "in the task", "first re-run", "second re-run", ""):
        shown.add_column(heading)
    for each in rounds:
        shown.add_row(str(each.seed), f"{each.at_s:.0f} s", each.task, *each.results, each.verdict)
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run rounds; returns 0 where all passed, 1 where one failed, whose host stays for a look."""
    parser = argparse.ArgumentParser(prog="python -m lab.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="default: 1, of about 4 minutes")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next ones count on")
    parser.add_argument("--suite", choices=images.SUITES, default=images.SUITES[0])
    parser.add_argument(
        "--length", type=float, default=LENGTH_S, metavar="SECONDS", help="over which moments are drawn"
    )
    parser.add_argument("--task", default="", metavar="WORDS", help="kill as soon as such a task begins instead")
    wanted = parser.parse_args(argv)
    rounds: list[Round] = []
    try:
        client = lifecycle.bring_up([])
        for seed in range(wanted.seed, wanted.seed + wanted.rounds):
            rounds.append(run_round(client, seed, wanted.suite, wanted.length, wanted.task))
            console.print(rounds[-1].line(), markup=False)
    except (LabError, DockerException) as error:
        console.print(f"[red]✗[/] {error}", markup=True)
        return 1
    finally:
        if rounds:
            console.print(table(rounds))
    return 1 if any(each.faults for each in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
