"""Services that are systemd units."""

from __future__ import annotations

import pytest

from ai_service.cli.errors import CliError, NotPermittedError
from ai_service.cli.units import Units

RUNNING = "ActiveState=active\nMemoryCurrent=67108864\nMemoryMax=268435456\n"
STOPPED = "ActiveState=inactive\nMemoryCurrent=[not set]\nMemoryMax=infinity\n"


class Systemd:
    """Answers systemctl as a host with some units would.

    Args:
        units: Output of `systemctl show` by the unit's name.
        enabled: Names of unit files that are enabled.
        refuses: What it says instead of doing anything.
    """

    def __init__(self, units: dict[str, str], *, enabled: tuple[str, ...] = (), refuses: str = "") -> None:
        self._units = units
        self._enabled = enabled
        self._refuses = refuses
        self.done: list[list[str]] = []

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        """See Run."""
        match command[1]:
            case "list-units":
                return 0, "".join(f"{name} loaded active running\n" for name in self._units), ""
            case "list-unit-files":
                return 0, "".join(f"{name} enabled enabled\n" for name in self._enabled), ""
            case "show":
                return 0, "\n".join(self._units.get(name, STOPPED) for name in command[3:]), ""
        if self._refuses:
            return 1, "", self._refuses
        self.done.append(command[1:])
        return 0, "", ""


def test_a_running_unit_tells_its_memory() -> None:
    """In use, of the limit."""
    state = Units("a.service", run=Systemd({"a.service": RUNNING})).state()
    assert (state.words, state.running, state.detail) == ("running", True, "64 MiB of 256 MiB")


def test_instances_are_summed_up() -> None:
    """Memory and limits of all that run."""
    state = Units("a@*.service", run=Systemd({"a@1.service": RUNNING, "a@2.service": RUNNING})).state()
    assert (state.words, state.detail) == ("running", "128 MiB of 512 MiB")


def test_an_instance_that_does_not_run_is_counted() -> None:
    """The others go on, so the part runs; how many of how many is shown."""
    state = Units("a@*.service", run=Systemd({"a@1.service": STOPPED, "a@2.service": RUNNING})).state()
    assert (state.words, state.running, state.detail) == ("running, 1 of 2", True, "64 MiB of 256 MiB")


def test_a_failed_unit_is_said_to_have_failed() -> None:
    """Not just stopped."""
    failed = Systemd({"a.service": STOPPED.replace("inactive", "failed")})
    assert Units("a.service", run=failed).state().words == "failed"


def test_a_unit_that_is_not_there_is_said_to_be() -> None:
    """So is everything on a machine without systemd."""
    units = Units("a.service", run=Systemd({}))
    assert units.state().words == "not on this host"
    with pytest.raises(CliError, match=r"a\.service is not on this host"):
        units.act("start")


def test_the_template_itself_is_never_acted_on() -> None:
    """It is an enabled unit file, and nothing that can be started."""
    systemd = Systemd({}, enabled=("a@.service", "a@1.service"))
    Units("a@*.service", run=systemd).act("start")
    assert systemd.done == [["start", "a@1.service"]]


def test_instances_are_restarted_one_after_the_other() -> None:
    """The second one only once the first is ready, so that callers always find one."""
    systemd = Systemd({"a@1.service": RUNNING, "a@2.service": RUNNING})
    Units("a@*.service", wait=lambda name: systemd.done.append(["ready", name]), run=systemd).act("restart")
    assert systemd.done == [
        ["restart", "a@1.service"],
        ["ready", "a@1.service"],
        ["restart", "a@2.service"],
        ["ready", "a@2.service"],
    ]


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_instances_are_started_and_stopped_together(verb: str) -> None:
    """One command, which nothing is waited for."""
    systemd = Systemd({"a@1.service": RUNNING, "a@2.service": RUNNING})
    Units("a@*.service", wait=lambda name: systemd.done.append(["ready", name]), run=systemd).act(verb)
    assert systemd.done == [[verb, "a@1.service", "a@2.service"]]


def test_a_refusal_is_told_with_what_to_do() -> None:
    """Only root may; the status tells programs."""
    refusing = Systemd({"a.service": RUNNING}, refuses="Failed to stop a.service: Access denied\n")
    with pytest.raises(NotPermittedError, match="Access denied") as caught:
        Units("a.service", run=refusing).act("stop")
    assert caught.value.hint == "Run this with sudo."
