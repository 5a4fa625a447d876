"""Action of the module ollama_model: runs it as Ansible runs any, and prints how far it is where that takes long.

The module writes how far it is into a small file of the host; a thread beside it reads that file over the same SSH
connection, for the first time when the module has run for some seconds. So a model that is there costs nothing more,
and what the module returns, fails with or leaves behind is what it would without this plugin.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import secrets
import shlex
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.formatters import bytes_to_human
from ansible.plugins.action import ActionBase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER = "/dev/shm"  # noqa: S108 - in memory and gone with a restart; the name cannot be guessed, the file is made anew
FIRST_LOOK_S = 5.0
NEXT_LOOK_S = 15.0
JOIN_S = 10.0
"""For a look that is under way when the module ends, before it is left to itself."""


def takes_long(task: Any) -> bool:
    """Tell whether a task can take long and may be talked about.

    Not in check mode, which pulls nothing; not with `async`, where Ansible itself comes back for the result; not with
    `no_log`.
    """
    return not (task.check_mode or task.async_val or task.no_log or task.args.get("state") == "absent")


class Progress:
    """Makes lines for people of what the module wrote.

    Args:
        about: Host and model.
        now: When the module was started, in seconds.
    """

    def __init__(self, about: str, now: float) -> None:
        self._about, self._begun = about, now
        self._seen = ("", 0, now)

    def line(self, text: str, now: float) -> str | None:
        """Return the line for what the file holds now; None where that is nothing, or half of something."""
        try:
            told = json.loads(text)
            doing, done, total = str(told["doing"]), int(told["done"]), int(told["total"])
        except (ValueError, TypeError, KeyError):
            return None
        (was_doing, was_done, then), self._seen = self._seen, (doing, done, now)
        if not total:
            return f"{doing}: {self._about}, {_span(now - self._begun)} into the task"
        line = f"{doing}: {self._about} {100 * done // total} %, {bytes_to_human(done)} of {bytes_to_human(total)}"
        # A pull that goes on where it broke off begins with 0 and leaps: that would be no speed.
        if was_doing != doing or not was_done:
            return line
        speed = (done - was_done) / (now - then)
        return f"{line}, {_span((total - done) / speed)} left" if speed > 0 else f"{line}, stalled"


def _span(seconds: float) -> dt.timedelta:
    return dt.timedelta(seconds=round(seconds))


def follow(
    look: Callable[[], str], progress: Progress, say: Callable[[str], None], over: Callable[[float], bool]
) -> None:
    """Look and tell until the module has ended.

    Args:
        look: Returns what the file holds; an error of Ansible's is no look, since the module's own connection tells.
        progress: Makes lines of it.
        say: Prints one.
        over: Waits so many seconds at most, and tells whether the module has ended.
    """
    pause = FIRST_LOOK_S
    while not over(pause):
        pause = NEXT_LOOK_S
        try:
            line = progress.line(look(), time.monotonic())
        except (AnsibleError, OSError):
            continue
        # Between the look and now the module may have ended, and its result been printed.
        if line is not None and not over(0):
            say(line)


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible ships no types
    """The action: what Ansible finds by the module's name."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not takes_long(self._task):
            native = getattr(self._connection, "has_native_async", False)
            wrap_async = bool(self._task.async_val) and not native
            return {**result, **self._execute_module(task_vars=task_vars, wrap_async=wrap_async)}
        file = f"{FOLDER}/ollama_model-{secrets.token_hex(16)}"
        reader = self._beside()
        about = f"[{(task_vars or {})['inventory_hostname']}] => {self._task.args.get('name', '')}"
        with self._followed(lambda: reader.command("cat", file), Progress(about, time.monotonic())):
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

    @contextmanager
    def _followed(self, look: Callable[[], str], progress: Progress) -> Iterator[None]:
        """Look again and again, in a thread of its own, while the block runs; lines go beside the output."""
        over = threading.Event()

        def say(line: str) -> None:
            self._display.display(line, stderr=True)

        thread = threading.Thread(target=follow, args=(look, progress, say, over.wait), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(JOIN_S)
