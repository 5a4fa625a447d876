"""Action of the module ollama_model: runs it as Ansible runs any module, and says how far it is where that takes long.

The module writes how far it is into a small file of the host; a thread beside it reads that file over the same SSH
connection, for the first time when the module has run for some seconds. So a model that is there costs nothing more,
and what the module returns, fails with or leaves behind is what it would without this plugin.
"""

from __future__ import annotations

import copy
import json
import secrets
import shlex
import threading
import time
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER = "/dev/shm"  # noqa: S108 - in memory and gone with a restart; the name cannot be guessed, the file is made anew
JOIN_S = 10.0
"""For a look that is under way when the module ends, before it is left to itself."""

FIRST_LOOKS_S = (3.0, 2.0)
"""Before the first look, which nobody is told of, and the second: the difference of the two is a speed."""

GROWTH = 1.4
LONGEST_PAUSE_S = 30.0


def pauses() -> Iterator[float]:
    """Yield the seconds to wait before each look: often at first, twice a minute in the end."""
    yield from FIRST_LOOKS_S
    pause = 3.0
    while True:
        yield min(pause, LONGEST_PAUSE_S)
        pause *= GROWTH


def wants_progress(task: Any) -> bool:
    """Tell whether a task can take long and may be talked about.

    Not in check mode, which pulls nothing; not with `async`, where Ansible itself comes back for the result; not with
    `no_log`.
    """
    return not (task.check_mode or task.async_val or task.no_log or task.args.get("state") == "absent")


class ProgressLines:
    """Makes lines for people of what the module wrote.

    Args:
        host: Name in the inventory.
        model: The model.
        now: When the module was started, in seconds.
    """

    def __init__(self, host: str, model: str, now: float) -> None:
        self._about = f"[{host}] => {model}"
        self._begun = now
        self._seen: tuple[str, int, float] | None = None

    def line(self, text: str, now: float) -> str | None:
        """Return the line for what the file holds now; None where that is nothing, or half of something."""
        try:
            told = json.loads(text)
            doing, done, total = str(told["doing"]), int(told["done"]), int(told["total"])
        except (ValueError, TypeError, KeyError):
            return None
        before, self._seen = self._seen, (doing, done, now)
        if not total:
            return f"{doing}: {self._about}, {duration(now - self._begun)} into the task"
        parts = [f"{doing}: {self._about} {100 * done // total} %", f"{size(done)} of {size(total)}"]
        # A pull that goes on where it broke off begins with 0 and leaps: that would be no speed.
        if before is not None and before[0] == doing and before[1] and now > before[2]:
            speed = (done - before[1]) / (now - before[2])
            parts += [f"{size(speed)}/s", f"{duration((total - done) / speed)} left"] if speed > 0 else ["stalled"]
        return ", ".join(parts)


def size(count: float) -> str:
    """Return bytes as people read them, in units of 1024."""
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:.0f} MiB" if count >= 10 * 2**20 else f"{count / 2**20:.1f} MiB"


def duration(seconds: float) -> str:
    """Return seconds as people read them."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class Watch:
    """Looks again and again, in a thread of its own, while it is entered.

    Args:
        look: Returns what the file holds; an error of Ansible's is no look, since the module's own connection tells.
        lines: Makes lines of it.
        say: Prints one.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        look: Callable[[], str],
        lines: ProgressLines,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._lines, self._say, self._clock = look, lines, say, clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self.follow, args=(self._over.wait,), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(JOIN_S)

    def follow(self, over: Callable[[float], bool]) -> None:
        """Look and tell until it is over.

        Args:
            over: Waits so many seconds at most, and tells whether the module has ended.
        """
        for number, pause in enumerate(pauses()):
            if over(pause):
                return
            try:
                line = self._lines.line(self._look(), self._clock())
            except (AnsibleError, OSError):
                continue
            # Between the look and now the module may have ended, and its result been printed.
            if line is not None and number and not over(0):
                self._say(line)


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible ships no types
    """The action: what Ansible finds by the module's name."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not wants_progress(self._task):
            native = getattr(self._connection, "has_native_async", False)
            wrap_async = bool(self._task.async_val) and not native
            return {**result, **self._execute_module(task_vars=task_vars, wrap_async=wrap_async)}
        file = f"{FOLDER}/ollama_model-{secrets.token_hex(16)}"
        reader = self._beside()
        host = (task_vars or {})["inventory_hostname"]
        lines = ProgressLines(host, self._task.args.get("name", ""), time.monotonic())
        with Watch(lambda: reader.command("cat", file), lines, self._say):
            arguments = {**self._task.args, "progress_file": file}
            result |= self._execute_module(module_args=arguments, task_vars=task_vars)
        result.get("invocation", {}).get("module_args", {}).pop("progress_file", None)
        if not result.get("_ansible_parsed"):
            reader.command("rm", "-f", file)  # it was killed, and could not tidy up
        return result

    def command(self, *words: str) -> str:
        """Run a command on the host as the task's user and return its output."""
        return str(self._low_level_execute_command(f"{shlex.join(words)} 2>/dev/null || true")["stdout"])

    def _beside(self) -> ActionModule:
        """Return an action on the same SSH connection that can run commands while this one runs the module.

        A connection of Ansible's holds state of the command that it runs, such as the password prompt of `become` that
        it waits for, so two commands at a time take two of them.
        """
        connection = copy.copy(self._connection)
        connection.become = copy.copy(connection.become)
        return type(self)(self._task, connection, self._play_context, self._loader, self._templar)

    def _say(self, line: str) -> None:
        """Print a line; beside the output, which a program may be reading."""
        self._display.display(line, stderr=True)
