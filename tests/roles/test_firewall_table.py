"""The module firewall_table, against a kernel of our own making; the real one is tried by the role's scenario."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_firewall import connection_port
from ansible_collections.alchemorsel.ai.plugins.modules.firewall_table import (
    Firewall,
    FirewallError,
    complete,
)

from tests.roles.ansible_module import run_module

TABLE = "inet test"
OLD = f"table {TABLE} {{ old }}\n"
NEW = f"table {TABLE} {{ new }}\n"


class Host:
    """A host with nftables and systemd: one table in force, and units that take it back."""

    def __init__(self, live: str = "", refusing: str = "") -> None:
        self.live = live
        self.timers: dict[str, str] = {}
        self._refusing = refusing

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Do what a command says; one whose words contain `refusing` fails."""
        if self._refusing and self._refusing in " ".join(command):
            return 1, "", "refused"
        if command[0] == "systemctl":
            name = command[2].removesuffix(".timer")
            there = name in self.timers
            if command[1] == "stop":
                self.timers.pop(name, None)
            return (0 if there else 3), "", ""
        if command[0] == "systemd-run":
            self.timers[command[command.index("--unit") + 1]] = command[-1]
        elif command[0] == "unshare":
            return 0, self._loaded(Path(command[-1].split()[2])), ""
        elif command[:2] == ["nft", "--file"]:
            self.live = self._loaded(Path(command[2]))
        elif command[1] == "delete":
            self.live = ""
        elif command[1] == "--stateless":
            return (0 if self.live else 1), self.live, ""
        return 0, "", ""

    def elapse(self) -> None:
        """Let the time pass after which unconfirmed rules are taken back."""
        for script in list(self.timers.values()):
            _, _, previous, _, _, candidate = script.replace(";", "").split()
            self.live = self._loaded(Path(previous))
            Path(candidate).unlink(missing_ok=True)
        self.timers.clear()

    def _loaded(self, path: Path) -> str:
        return "".join(line for line in path.read_text().splitlines(keepends=True) if "{" in line)


def firewall(host: Host, folder: Path) -> Firewall:
    """Create a firewall with its files in a folder."""
    return Firewall(host.run, TABLE, folder / "kept.nft", folder / "run", "take-back")


def test_rules_stay_once_they_are_confirmed(tmp_path: Path) -> None:
    """After the confirmation no time takes them back."""
    host = Host(live=OLD)
    table = firewall(host, tmp_path)
    table.attempt(NEW, 60)
    assert table.confirm() == NEW
    host.elapse()
    assert host.live == NEW


def test_rules_that_nobody_confirms_give_way_to_those_before(tmp_path: Path) -> None:
    """The host itself takes them back, and a late confirmation is an error."""
    host = Host(live=OLD)
    table = firewall(host, tmp_path)
    table.attempt(NEW, 60)
    assert host.live == NEW
    host.elapse()
    assert host.live == OLD
    with pytest.raises(FirewallError, match="not confirmed in time"):
        table.confirm()


def test_first_rules_that_nobody_confirms_leave_no_table(tmp_path: Path) -> None:
    """Where there was no firewall, there is none again."""
    host = Host()
    firewall(host, tmp_path).attempt(NEW, 60)
    host.elapse()
    assert host.live == ""


def test_second_attempt_while_one_is_on_trial_still_goes_back_to_the_confirmed_rules(tmp_path: Path) -> None:
    """A play that broke off and runs again does not make its own rules the ones to go back to."""
    host = Host(live=OLD)
    firewall(host, tmp_path).attempt(NEW, 60)
    again = firewall(host, tmp_path)
    assert not again.is_in_force(NEW)
    again.attempt(NEW, 60)
    host.elapse()
    assert host.live == OLD


def test_rules_in_force_are_compared_with_what_the_text_makes(tmp_path: Path) -> None:
    """A rule that somebody added by hand is noticed."""
    host = Host(live=NEW)
    table = firewall(host, tmp_path)
    assert table.is_in_force(NEW)
    host.live = NEW.replace("new", "new and more")
    assert not table.is_in_force(NEW)


@pytest.mark.parametrize("refusing", ["unshare", "--check", "systemd-run"])
def test_nothing_is_in_force_that_could_not_be_taken_back(tmp_path: Path, refusing: str) -> None:
    """Wrong rules and a systemd that promises nothing leave the old rules."""
    host = Host(live=OLD, refusing=refusing)
    with pytest.raises(FirewallError, match="refused"):
        firewall(host, tmp_path).attempt(NEW, 60)
    assert host.live == OLD


def test_rules_may_not_touch_another_table(tmp_path: Path) -> None:
    """Docker's chains and others' tables are theirs."""
    host = Host(live=OLD)
    for text in (NEW + "table ip nat { }\n", "table ip nat { }\n"):
        with pytest.raises(FirewallError, match="no other"):
            firewall(host, tmp_path).attempt(text, 60)
    assert host.live == OLD


def test_rules_changed_by_somebody_else_are_not_confirmed(tmp_path: Path) -> None:
    """What is kept for the next start is what was tried."""
    host = Host(live=OLD)
    table = firewall(host, tmp_path)
    table.attempt(NEW, 60)
    host.live = OLD
    with pytest.raises(FirewallError, match="not in force any more"):
        table.confirm()


def test_removal_takes_the_table_out_of_force(tmp_path: Path) -> None:
    """Also while rules are on trial: nothing comes back."""
    host = Host(live=OLD)
    table = firewall(host, tmp_path)
    table.attempt(NEW, 60)
    table.remove()
    host.elapse()
    assert host.live == ""
    assert table.is_absent()


def test_ports_of_ssh_are_sorted_and_named_once() -> None:
    """The same ports make the same text, so nothing changes."""
    assert complete("rules\n", [2222, 22, 22]) == "define ssh_ports = { 22, 2222 }\nrules\n"


def test_port_of_the_connection_is_found_above_sudo(tmp_path: Path) -> None:
    """Sudo takes SSH_CONNECTION away; the shell above it still has it, with the port as the host sees it."""
    for pid, parent, environment in ((9, 8, b"PATH=/bin"), (8, 1, b"A=b\0SSH_CONNECTION=192.0.2.9 5555 10.0.0.1 2222")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "environ").write_bytes(environment)
        (tmp_path / str(pid) / "status").write_text(f"Name:\tpython3\nPPid:\t{parent}\n")
    assert connection_port(tmp_path, 9) == 2222
    assert connection_port(tmp_path, 7) is None


def test_check_mode_shows_the_rules_and_touches_nothing(tmp_path: Path) -> None:
    """Also on a host that has no nftables yet."""
    kept = tmp_path / "kept.nft"
    params = {"table": TABLE, "path": str(kept), "runtime": str(tmp_path / "run"), "unit": f"none-{os.getpid()}"}
    result = run_module("firewall_table", check_mode=True, content=NEW, **params)
    assert result["changed"] is True
    assert NEW in result["diff"]["after"]
    assert list(tmp_path.iterdir()) == []
