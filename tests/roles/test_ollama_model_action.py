"""The action plugin of ollama_model: when it looks, what it says, and that the module's result stays as it is."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.alchemorsel.ai.plugins.action import ollama_model as action

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 2**20
HOST = {"inventory_hostname": "gpu1"}


def pulled(done: int, total: int = 1000) -> str:
    """Return what the file holds during a pull, in MiB."""
    return json.dumps({"doing": "pulling", "done": done * MIB, "total": total * MIB})


def watch(
    monkeypatch: pytest.MonkeyPatch, *looks: str | Exception, ends_while_looking: bool = False
) -> tuple[list[str], int]:
    """Follow a module without a thread or a clock, and return the lines and how often was looked.

    Args:
        monkeypatch: Stops the clock.
        looks: What each look sees, or fails with; the module ends after the last.
        ends_while_looking: It ends during the last of them, not in the pause after it.
    """
    now, seen, said = [0.0], list(looks), list[str]()

    def look() -> str:
        one = seen.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    def over(seconds: float) -> bool:
        now[0] += seconds
        return not seen and (seconds > 0 or ends_while_looking)

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    action.follow(look, action.Progress("[gpu1] => llama3.2:3b", 0.0), said.append, over)
    return said, len(looks) - len(seen)


def test_module_that_has_nothing_to_do_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a model that is there costs no round trip."""
    assert watch(monkeypatch) == ([], 0)


def test_pull_is_told_with_share_bytes_and_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the speed since the look before, not since the beginning: it may have changed on the way."""
    said, _ = watch(monkeypatch, pulled(100), pulled(400), pulled(700))
    assert said == [
        "pulling: [gpu1] => llama3.2:3b 10 %, 100.00 MB of 1000.00 MB",
        "pulling: [gpu1] => llama3.2:3b 40 %, 400.00 MB of 1000.00 MB, 0:00:30 left",
        "pulling: [gpu1] => llama3.2:3b 70 %, 700.00 MB of 1000.00 MB, 0:00:15 left",
    ]


def test_pull_that_goes_on_where_it_broke_off_shows_no_false_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ollama begins with nothing and then counts what is there already."""
    said, _ = watch(monkeypatch, pulled(0), pulled(800), pulled(830))
    assert [line.partition(" MB of 1000.00 MB")[2] for line in said] == ["", "", ", 0:01:25 left"]


def test_pull_that_does_not_move_is_called_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than given a rest of infinity."""
    assert watch(monkeypatch, pulled(400), pulled(400))[0][1].endswith("400.00 MB of 1000.00 MB, stalled")


def test_what_is_not_about_bytes_is_told_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A load into memory may take a minute without a word from the server."""
    loading = json.dumps({"doing": "loading into memory", "done": 0, "total": 0})
    assert watch(monkeypatch, loading)[0] == ["loading into memory: [gpu1] => llama3.2:3b, 0:00:05 into the task"]


@pytest.mark.parametrize("text", ["", '{"doing": "pul', "[]", '{"doing": "pulling"}', AnsibleConnectionFailure("gone")])
def test_look_that_sees_nothing_or_fails_is_passed_over(monkeypatch: pytest.MonkeyPatch, text: str | Exception) -> None:
    """The next look will see more; what is wrong with the connection the module's own end tells."""
    assert watch(monkeypatch, text, text, pulled(5))[0] == ["pulling: [gpu1] => llama3.2:3b 0 %, 5.00 MB of 1000.00 MB"]


def test_nothing_is_said_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that comes after the result of its task would puzzle."""
    assert watch(monkeypatch, pulled(1), ends_while_looking=True) == ([], 1)


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
