"""The action plugin of ollama_model: when it looks, what it says, and that the module's result stays as it is."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.alchemorsel.ai.plugins.action import ollama_model as action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MIB = 2**20
HOST = {"inventory_hostname": "gpu1"}


def pulled(done: int, total: int = 1000) -> str:
    """Return what the file holds during a pull, in MiB."""
    return json.dumps({"doing": "pulling", "done": done * MIB, "total": total * MIB})


def watch(
    looks: Iterable[str | Exception], *, ends_after: int, ends_while_looking: bool = False
) -> tuple[list[str], int]:
    """Follow a module without a thread or a clock, and return the lines and how often was looked.

    Args:
        looks: What each look sees, or fails with.
        ends_after: Looks after which the module ends.
        ends_while_looking: It ends during the last of them, not in the pause after it.
    """
    waited, seen, said = [0.0], iter(looks), list[str]()
    looked = 0

    def look() -> str:
        nonlocal looked
        looked += 1
        one = next(seen)
        if isinstance(one, Exception):
            raise one
        return one

    def over(seconds: float) -> bool:
        waited.append(waited[-1] + seconds)
        return looked >= ends_after and (seconds > 0 or ends_while_looking)

    lines = action.ProgressLines("gpu1", "llama3.2:3b", 0.0)
    action.Watch(look, lines, said.append, clock=lambda: waited[-1]).follow(over)
    return said, looked


def test_module_that_has_nothing_to_do_is_not_looked_at() -> None:
    """So a model that is there costs no round trip."""
    assert watch([], ends_after=0) == ([], 0)


def test_module_that_ends_within_five_seconds_is_not_talked_about() -> None:
    """The first look, after three seconds, is only there to have a speed at the second."""
    assert watch([pulled(100)], ends_after=1) == ([], 1)


def test_pull_is_told_with_share_bytes_speed_and_rest() -> None:
    """The speed is that since the look before, not since the beginning: it may have changed on the way."""
    said, _ = watch([pulled(400), pulled(600), pulled(900)], ends_after=3)
    assert said == [
        "pulling: [gpu1] => llama3.2:3b 60 %, 600 MiB of 1000 MiB, 100 MiB/s, 4 s left",
        "pulling: [gpu1] => llama3.2:3b 90 %, 900 MiB of 1000 MiB, 100 MiB/s, 1 s left",
    ]


def test_pull_that_goes_on_where_it_broke_off_shows_no_false_speed() -> None:
    """Ollama begins with nothing and then counts what is there already."""
    assert watch([pulled(0), pulled(800), pulled(830)], ends_after=3)[0] == [
        "pulling: [gpu1] => llama3.2:3b 80 %, 800 MiB of 1000 MiB",
        "pulling: [gpu1] => llama3.2:3b 83 %, 830 MiB of 1000 MiB, 10 MiB/s, 17 s left",
    ]


def test_looks_become_rarer_and_go_on() -> None:
    """Often at first, twice a minute in the end; all told within half a minute of each other."""
    first = list(itertools.islice(action.pauses(), 20))
    assert sum(first[:2]) == 5.0
    assert first[2:] == sorted(first[2:])
    assert first[-1] == action.LONGEST_PAUSE_S


def test_pull_that_does_not_move_is_called_stalled() -> None:
    """Rather than given a rest of infinity."""
    assert watch([pulled(400), pulled(400)], ends_after=2)[0][0].endswith("400 MiB of 1000 MiB, stalled")


def test_what_is_not_about_bytes_is_told_with_its_time() -> None:
    """A load into memory may take a minute without a word from the server."""
    loading = json.dumps({"doing": "loading into memory", "done": 0, "total": 0})
    assert watch([loading, loading], ends_after=2)[0] == [
        "loading into memory: [gpu1] => llama3.2:3b, 5 s into the task"
    ]


@pytest.mark.parametrize("text", ["", '{"doing": "pul', "[]", '{"doing": "pulling"}'])
def test_file_that_is_not_there_or_half_written_is_passed_over(text: str) -> None:
    """The next look will see more."""
    assert watch([text, text, pulled(5)], ends_after=3)[0] == [
        "pulling: [gpu1] => llama3.2:3b 0 %, 5.0 MiB of 1000 MiB"
    ]


def test_look_that_fails_is_passed_over() -> None:
    """What is wrong with the connection the module's own end tells; the watch neither hides nor doubles it."""
    lost = AnsibleConnectionFailure("gone")
    assert len(watch([lost, lost, pulled(5)], ends_after=3)[0]) == 1


def test_nothing_is_said_after_the_end() -> None:
    """A line that comes after the result of its task would puzzle."""
    assert watch([pulled(1), pulled(2)], ends_after=2, ends_while_looking=True) == ([], 2)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (9000, "2.5 h")]
)
def test_rest_is_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    """Seconds only while they are worth reading."""
    assert action.duration(seconds) == words


@pytest.mark.parametrize(
    ("mebibytes", "words"), [(0.3, "0.3 MiB"), (9.9, "9.9 MiB"), (85.4, "85 MiB"), (1945.6, "1.9 GiB")]
)
def test_bytes_keep_two_figures(mebibytes: float, words: str) -> None:
    """A slow line is slow, not dead."""
    assert action.size(mebibytes * MIB) == words


@dataclass
class FakeTask:
    """What the action reads of a task."""

    args: dict[str, Any] = field(default_factory=lambda: {"name": "llama3.2:3b"})
    check_mode: bool = False
    async_val: int = 0
    no_log: bool = False
    action: str = "ollama_model"


class FakeShell:
    """The shell of a host without a temporary folder."""

    tmpdir = None


class FakeConnection:
    """A host on which the module is a function.

    Attributes:
        runs: Arguments of the module and whether it was started for `async`, for each run.
        commands: Commands that were run beside it.
    """

    _shell = FakeShell()
    has_native_async = False

    def __init__(self, module: Callable[[], dict[str, Any]]) -> None:
        self.become = None
        self.module = module
        self.runs: list[tuple[dict[str, Any], bool]] = []
        self.commands: list[tuple[str, ...]] = []


class HostlessAction(action.ActionModule):
    """The action on such a host: the two ways to it are its connection's."""

    def _execute_module(self, **how: Any) -> dict[str, Any]:
        self._connection.runs.append((how.get("module_args", self._task.args), how.get("wrap_async", False)))
        result: dict[str, Any] = self._connection.module()
        return result

    def command(self, *words: str) -> str:
        """Note a command."""
        self._connection.commands.append(words)
        return ""


def run(task: FakeTask, module: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], FakeConnection]:
    """Run the action, and return its result and what the host saw."""
    connection = FakeConnection(module)
    return HostlessAction(task, connection, None, None, None).run(task_vars=HOST), connection


@pytest.mark.parametrize(
    "task",
    [
        FakeTask(check_mode=True),
        FakeTask(async_val=600),
        FakeTask(no_log=True),
        FakeTask(args={"name": "llama3.2:3b", "state": "absent"}),
    ],
)
def test_task_that_is_quick_or_not_to_be_talked_about_runs_as_without_the_plugin(task: FakeTask) -> None:
    """Check mode, `async`, `no_log` and a removal: the module gets what the play says, and nothing else happens."""
    result, host = run(task, lambda: {"changed": True, "_ansible_parsed": True})
    assert result == {"changed": True, "_ansible_parsed": True}
    assert host.runs == [(task.args, bool(task.async_val))]
    assert host.commands == []


def test_result_is_the_modules_own() -> None:
    """Failed or not, word for word, without the argument that the plugin added; the task's own stay as they were."""
    task = FakeTask()
    told = {"failed": True, "msg": "pull of x failed: no space left on device", "_ansible_parsed": True}
    result, host = run(task, lambda: {**told, "invocation": {"module_args": {"name": "x", "progress_file": "/f"}}})
    assert result == {**told, "invocation": {"module_args": {"name": "x"}}}
    assert set(host.runs[0][0]) == {"name", "progress_file"}
    assert task.args == {"name": "llama3.2:3b"}
    assert host.commands == []


def test_each_run_has_a_file_of_its_own_that_cannot_be_guessed() -> None:
    """Items of a loop and plays side by side on one host do not meet."""
    files = {run(FakeTask(), lambda: {"_ansible_parsed": True})[1].runs[0][0]["progress_file"] for _ in range(2)}
    assert len(files) == 2
    assert all(len(file.rpartition("-")[2]) == 32 for file in files)


def test_file_of_a_module_that_was_killed_is_removed() -> None:
    """It had no chance to; what Ansible makes of it is the result."""
    result, host = run(FakeTask(), lambda: {"failed": True, "_ansible_parsed": False})
    assert result["failed"]
    assert host.commands == [("rm", "-f", host.runs[0][0]["progress_file"])]


def test_deadline_of_the_task_ends_the_watch_too() -> None:
    """Ansible breaks the run off with an error of its own, which passes; no thread is left."""

    def broken_off() -> dict[str, Any]:
        raise TimeoutError

    before = set(threading.enumerate())
    with pytest.raises(TimeoutError):
        run(FakeTask(), broken_off)
    assert set(threading.enumerate()) <= before
