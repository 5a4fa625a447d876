#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: try a table of nftables rules, and keep it only once a new connection has confirmed it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: firewall_table
short_description: Load a table of nftables rules, with rollback unless confirmed
version_added: 0.1.0
description:
  - V(tried) checks the rules, has systemd take them back after O(rollback_after) seconds, and puts them in force. The
    rules that were in force before are what comes back, whoever is still connected. Nothing is changed where the rules
    in force are those that O(content) makes; that is found out by loading it in an empty network namespace.
  - V(confirmed) calls the taking back off and keeps the rules for the next start of the host.
  - V(absent) removes the table and the file.
  - Touches no other table than the one that O(table) names.
options:
  state:
    description: What to do.
    type: str
    choices: [tried, confirmed, absent]
    default: tried
  table:
    description: Family and name of the table; O(content) has to define this one and nothing else.
    type: str
    required: true
  content:
    description: The rules, in the language of C(nft). They may use C($ssh_ports), which the module defines.
    type: str
  ssh_ports:
    description: Ports of SSH. The port that the running connection came in by is added.
    type: list
    elements: int
    default: []
  path:
    description: File that keeps the confirmed rules.
    type: path
    required: true
  runtime:
    description: Folder for what does not outlive a restart of the host.
    type: path
    required: true
  unit:
    description: Name of the transient systemd unit that takes the rules back.
    type: str
    required: true
  rollback_after:
    description: Seconds after which unconfirmed rules are taken back.
    type: int
    default: 60
attributes:
  check_mode: {support: full, description: "Nothing is put in force; V(confirmed) is skipped."}
  diff_mode: {support: partial, description: "The rules that V(tried) would change."}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Try the rules
  alchemorsel.ai.firewall_table:
    table: inet alchemorsel
    content: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
    path: /etc/alchemorsel/firewall.nft
    runtime: /run/alchemorsel-firewall
    unit: alchemorsel-firewall-rollback
"""

RETURN = r"""
ssh_ports: {description: Ports of SSH that are open., returned: where rules were tried, type: list, elements: int}
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_firewall import connection_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Run = Callable[[list[str]], tuple[int, str, str]]

DEADLINE_SECONDS = 20


class FirewallError(Exception):
    """The rules cannot be put in force, or are not in force any more."""


def complete(content: str, ssh_ports: Iterable[int]) -> str:
    """Return the rules with the definition that they use."""
    return f"define ssh_ports = {{ {', '.join(map(str, sorted(set(ssh_ports))))} }}\n{content}"


class Firewall:
    """One table of rules on this host.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        table: Family and name, `inet alchemorsel`.
        path: File of the confirmed rules.
        runtime: Folder for the rules on trial and those before them.
        unit: Name of the unit that takes rules back.
    """

    def __init__(self, run: Run, table: str, path: Path, runtime: Path, unit: str) -> None:
        self._run = run
        self._table = table
        self._path = path
        self._candidate = runtime / "candidate.nft"
        self._previous = runtime / "previous.nft"
        self._unit = unit

    def confirmed(self) -> str:
        """Return the confirmed rules; empty where there are none."""
        return self._path.read_text(encoding="utf-8") if self._path.exists() else ""

    def is_installed(self) -> bool:
        """Return whether the host has nftables."""
        return self._run(["nft", "--version"])[0] == 0

    def is_in_force(self, text: str) -> bool:
        """Return whether the rules in force are those that a text makes, and nothing is on trial."""
        return not self._on_trial() and self._live() == self._listing(text)

    def attempt(self, text: str, rollback_after: int) -> None:
        """Put rules in force for a while.

        Raises:
            FirewallError: The rules are wrong, or systemd cannot promise to take them back; nothing was changed.
        """
        self._listing(text)
        self._candidate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._on_trial():  # else what comes back is still what was confirmed last
            self._previous.write_text(self._replacing(self._live()), encoding="utf-8")
        self._call_off()
        self._candidate.write_text(text, encoding="utf-8")
        self._checked("the rules are refused", ["nft", "--check", "--file", str(self._candidate)])
        take_back = f"nft --file {self._previous}; rm --force {self._candidate}"
        timer = ["systemd-run", "--collect", "--unit", self._unit, "--on-active", str(rollback_after)]
        timer += ["--timer-property=AccuracySec=1s", "/bin/sh", "-c", take_back]
        self._checked("systemd would not take the rules back", timer)
        self._checked("the rules cannot be put in force", ["nft", "--file", str(self._candidate)])

    def confirm(self) -> str:
        """Call the taking back off and return the rules that were on trial.

        Raises:
            FirewallError: They were taken back already.
        """
        self._call_off()
        if not self._candidate.exists():
            raise FirewallError("the rules were not confirmed in time, so the ones before them are in force again")
        text = self._candidate.read_text(encoding="utf-8")
        if self._live() != self._listing(text):
            raise FirewallError("the rules on trial are not in force any more: something else changed them meanwhile")
        self._candidate.unlink()
        return text

    def remove(self) -> None:
        """Take the table out of force, and forget what was on trial."""
        self._call_off()
        self._candidate.unlink(missing_ok=True)
        if self._live():
            self._checked("the table cannot be removed", ["nft", "delete", "table", *self._table.split()])

    def is_absent(self) -> bool:
        """Return whether neither table nor file is there."""
        return not self._path.exists() and not (self.is_installed() and self._live())

    def _on_trial(self) -> bool:
        return self._candidate.exists() and self._run(["systemctl", "is-active", f"{self._unit}.timer"])[0] == 0

    def _call_off(self) -> None:
        self._run(["systemctl", "stop", f"{self._unit}.timer"])  # a timer that is not there is called off already

    def _live(self) -> str:
        code, output, _errors = self._run(["nft", "--stateless", "list", "table", *self._table.split()])
        return output if code == 0 else ""

    def _listing(self, text: str) -> str:
        """Return how nft lists the rules of a text, from a network namespace where nothing else is."""
        with tempfile.NamedTemporaryFile("w", suffix=".nft", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            script = f"nft --file {file.name} && nft --stateless list ruleset"
            listing = self._checked("the rules are wrong", ["unshare", "--net", "/bin/sh", "-c", script])
        if listing.count("\ntable ") or not listing.startswith(f"table {self._table} "):
            raise FirewallError(f"the rules have to define the table {self._table} and no other")
        return listing

    def _replacing(self, listing: str) -> str:
        """Return what makes a listing the table's whole content; an empty one removes the table."""
        return f"table {self._table}\ndelete table {self._table}\n{listing}"

    def _checked(self, problem: str, command: list[str]) -> str:
        code, output, errors = self._run(command)
        if code != 0:
            raise FirewallError(f"{problem}: {(errors or output).strip()}")
        return output


def _try(module: AnsibleModule, firewall: Firewall) -> dict[str, Any]:
    port = connection_port(Path("/proc"), os.getpid())
    ports = sorted({*module.params["ssh_ports"], *([port] if port else [])})
    text, before = complete(module.params["content"], ports), firewall.confirmed()
    installed = firewall.is_installed()
    if not installed and not module.check_mode:
        raise FirewallError("nftables is not installed")
    changed = text != before or not installed or not firewall.is_in_force(text)
    if changed and not module.check_mode:
        firewall.attempt(text, module.params["rollback_after"])
    header = module.params["path"]
    diff = {"before": before, "after": text, "before_header": header, "after_header": header}
    return {"changed": changed, "ssh_ports": ports, "diff": diff if text != before else {}}


def _confirm(module: AnsibleModule, firewall: Firewall) -> dict[str, Any]:
    if module.check_mode:
        return {"changed": False, "skipped": True, "msg": "check mode tries nothing that could be confirmed"}
    text = firewall.confirm()
    path = Path(module.params["path"])
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=module.tmpdir, delete=False) as draft:
        draft.write(text)
    module.atomic_move(draft.name, str(path))
    module.set_mode_if_different(str(path), "0600", changed=False)
    return {"changed": True}


def _remove(module: AnsibleModule, firewall: Firewall) -> dict[str, Any]:
    changed = not firewall.is_absent()
    if changed and not module.check_mode:
        firewall.remove()
        Path(module.params["path"]).unlink(missing_ok=True)
    return {"changed": changed}


def main() -> None:
    """Run the module."""
    states = {"tried": _try, "confirmed": _confirm, "absent": _remove}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": list(states), "default": "tried"},
            "table": {"type": "str", "required": True},
            "content": {"type": "str"},
            "ssh_ports": {"type": "list", "elements": "int", "default": []},
            "path": {"type": "path", "required": True},
            "runtime": {"type": "path", "required": True},
            "unit": {"type": "str", "required": True},
            "rollback_after": {"type": "int", "default": 60},
        },
        required_if=[("state", "tried", ["content"])],
        supports_check_mode=True,
    )

    def run(command: list[str]) -> tuple[int, str, str]:
        result: tuple[int, str, str] = module.run_command(
            ["timeout", str(DEADLINE_SECONDS), *command], environ_update={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        )
        return result

    params = module.params
    firewall = Firewall(run, params["table"], Path(params["path"]), Path(params["runtime"]), params["unit"])
    try:
        result = states[params["state"]](module, firewall)
    except FirewallError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
