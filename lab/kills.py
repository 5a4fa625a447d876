"""Killed plays: `python -m lab.kills` kills a play at a random moment, and shows what the next runs make of it.

Each round of site.yml has a bare host of its own. The other plays need a provisioned one, which serves their next round
as well, as long as the rounds pass. The play is killed with all of its processes on this machine, as by a loss of
power; what it had started on the host goes on there, as in life. The first run after that has to finish the play
(failed=0), the next one has to find nothing to do (changed=0).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import DockerException
from rich.table import Table

from lab import hosts, images, lifecycle
from lab.errors import CommandFailedError, LabError
from lab.interrupted import BARE, PLAYS, Interrupted, Run, fill, newer_source
from lab.paths import LAB
from lab.plays import Play
from lab.progress import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docker import DockerClient

FOLDER = LAB / "kills"
"""Inventory and logs of each round, by its play and seed."""

CURRENT = "/opt/alchemorsel/ai_service/current"

_TASK = re.compile(r"^TASK \[(?:[^:\]]* : )?(.*)\]", re.MULTILINE)
_RECAP = re.compile(r"changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


@dataclass
class Round:
    """One kill, and what came of it."""

    play: str
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
            f"{self.play}, seed {self.seed}: killed after {self.at_s:.0f} s in {self.task!r};"
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


def run_round(
    client: DockerClient, name: str, seed: int, host: str, *, length_s: float | None = None, task: str = ""
) -> Round:
    """Kill the play on its host, run it again, and see that nothing is left to do.

    Args:
        client: The lab's engine.
        name: Of the play, as in `PLAYS`.
        seed: Of the moment.
        host: Runs.
        length_s: Of a whole play; None for the usual one.
        task: Kill it as soon as a task begins whose name has these words, in place of a drawn moment.

    Raises:
        CommandFailedError: What goes before the play failed.
    """
    wanted = PLAYS[name]
    drawn_s = moment(seed, wanted.length_s if length_s is None else length_s)
    folder = FOLDER / f"{name}-{seed}"
    play = Play(folder)
    play.prepare(host)
    values = _prepare(client, play, wanted, host, seed)
    run, settled = fill(wanted.run, **values), fill(wanted.settled or wanted.run, **values)
    begun = time.monotonic()
    log, status = play.run(
        "killed",
        *_split(run),
        is_time=lambda seconds, so_far: task in last_task(so_far) if task else seconds >= drawn_s,
    )
    found = Round(name, seed, time.monotonic() - begun, last_task(log))
    if status >= 0:
        found.faults.append(f"the play ended by itself with status {status} before it was killed")
    for log_name, repeated, is_settled in (("again", run, False), ("third", settled, True)):
        log, status = play.run(log_name, *_split(repeated))
        words, faults = judge(log, status, is_settled=is_settled)
        found.results.append(words)
        found.faults += [f"{log_name}: {fault}" for fault in faults]
    return found


def _prepare(client: DockerClient, play: Play, wanted: Interrupted, host: str, seed: int) -> dict[str, str]:
    """Run what goes before a play; returns what its arguments may name."""
    values = {"newer": str(newer_source(play.folder, seed))}
    for number, before in enumerate(wanted.before, start=1):
        log, status = play.run(f"before-{number}", *_split(fill(before, **values)))
        if status != 0:
            raise CommandFailedError(
                f"{before[0]} failed in {last_task(log)!r}, before anything was killed: {play.folder}"
            )
        if "first" not in values:
            _status, link = hosts.output(client.containers.get(host), "readlink", CURRENT)
            values["first"] = Path(link.strip()).name
    return values


def _split(run: Run) -> tuple[str, Sequence[str]]:
    """Return a run as arguments of `Play.run`."""
    return run[0], run[1:]


def table(rounds: Sequence[Round]) -> Table:
    """Return the rounds as a table."""
    shown = Table(title="plays killed at random moments")
    for heading in ("play", "seed", "killed at", "in the task", "first re-run", "second re-run", ""):
        shown.add_column(heading)
    for each in rounds:
        shown.add_row(each.play, str(each.seed), f"{each.at_s:.0f} s", each.task, *each.results, each.verdict)
    return shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run rounds; returns 0 where all passed, 1 where one failed, whose host stays for a look."""
    parser = argparse.ArgumentParser(prog="python -m lab.kills", description=__doc__)
    parser.add_argument("--play", choices=PLAYS, default=BARE, help=f"which play is killed (default: {BARE})")
    parser.add_argument("--rounds", type=int, default=1, help="default: 1")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next ones count on")
    parser.add_argument("--suite", choices=images.SUITES, default=images.SUITES[0])
    parser.add_argument("--length", type=float, metavar="SECONDS", help="over which moments are drawn")
    parser.add_argument("--task", default="", metavar="WORDS", help="kill as soon as such a task begins instead")
    wanted = parser.parse_args(argv)
    rounds: list[Round] = []
    try:
        client = lifecycle.bring_up([])
        host = ""
        for seed in range(wanted.seed, wanted.seed + wanted.rounds):
            if not host:
                host = f"kill-{seed}"
                hosts.remove(client, host)
            hosts.ensure(client, host, wanted.suite)
            found = run_round(client, wanted.play, seed, host, length_s=wanted.length, task=wanted.task)
            rounds.append(found)
            console.print(found.line(), markup=False)
            if found.faults:
                host = ""
            elif wanted.play == BARE or seed == wanted.seed + wanted.rounds - 1:
                hosts.remove(client, host)
                host = ""
    except (LabError, DockerException) as error:
        console.print(f"[red]✗[/] {error}", markup=True)
        return 1
    finally:
        if rounds:
            console.print(table(rounds))
    return 1 if any(each.faults for each in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
