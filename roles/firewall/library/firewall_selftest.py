#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: knock at this host's ports from a network namespace that is a stranger to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Ports = Mapping[str, Mapping[str, Sequence[int]]]

DOCUMENTATION = r"""
module: firewall_selftest
short_description: Knock at this host's ports from a network namespace that is a stranger to it
description:
  - Makes an empty network namespace, joins it to the host by a pair of virtual interfaces, and tries to connect from
    there. A port that refuses or accepts is open to strangers; one that stays silent is closed to them.
  - Wants the host's hardware address known in the namespace afterwards, so that no broken path is taken for a firewall.
  - Namespace and interfaces are gone afterwards. In check mode nothing is tried.
options:
  strangers:
    description: One address a family for the namespace; the host gets the address below it. Nobody else may use them.
    type: list
    elements: str
    required: true
  ports:
    description: For each stranger, the TCP ports that are V(open) to it and those that are V(closed).
    type: dict
    required: true
  timeout:
    description: Seconds of silence after which a port counts as closed.
    type: float
    default: 1
author: Alchemorsel contributors
"""

EXAMPLES = r"""
- name: Knock
  firewall_selftest:
    strangers: [198.18.255.2]
    ports: {198.18.255.2: {open: [22], closed: [6379]}}
"""

RETURN = r"""
answers: {description: What was found of each address and port., returned: outside check mode, type: dict}
"""

DEADLINE_SECONDS = 20
# Ports that no service of this project has: whatever else the rules say, these are closed.
NOBODYS_PORTS = (9, 61234)

# Runs inside of the namespace, with what to try on standard input. Every connection is tried at the same time.
KNOCK = """
import json, select, socket, sys, time
wanted = json.load(sys.stdin)
pending, found = {}, {}
for address, port in wanted["targets"]:
    knock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    knock.setblocking(False)
    knock.connect_ex((address, port))
    pending[knock] = (address, port)
deadline = time.monotonic() + wanted["timeout"]
while pending and time.monotonic() < deadline:
    for knock in select.select([], list(pending), [], max(0, deadline - time.monotonic()))[1]:
        address, port = pending.pop(knock)
        error = knock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found[address + " " + str(port)] = "accepts" if error == 0 else "refuses"
for address, port in pending.values():
    found[address + " " + str(port)] = "silent"
print(json.dumps(found))
"""


class SelftestError(Exception):
    """Something is open that should be closed, or the other way round."""


def judge(found: Mapping[str, str], ports: Ports) -> None:
    """Compare what was found with what should be.

    Args:
        found: `accepts`, `refuses` or `silent`, by host address and port.
        ports: The ports that should be `open` and `closed`, by host address.

    Raises:
        SelftestError: They differ; the message names every port that does.
    """
    wrong = []
    for address, wanted in ports.items():
        wrong += [
            f"{address} port {port} is silent, but should be open to everybody"
            for port in wanted["open"]
            if found[f"{address} {port}"] == "silent"
        ]
        wrong += [
            f"{address} port {port} {found[f'{address} {port}']} a stranger's connection, but should be closed"
            for port in wanted["closed"]
            if found[f"{address} {port}"] != "silent"
        ]
    if wrong:
        raise SelftestError("; ".join(wrong))


def below(address: str) -> str:
    """Return the address before an address of which the last figure is written out: the host's end of the pair."""
    separator = ":" if ":" in address else "."
    head, _, last = address.rpartition(separator)
    return f"{head}{separator}{int(last) - 1}"


class Namespace:
    """An empty network namespace, joined to the host; it ends with the process that holds it.

    Args:
        addresses: The namespace's addresses, one a family.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._name = f"alc{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def joined(self) -> Iterator[str]:
        """Hold the namespace; gives the process id that it belongs to."""
        with subprocess.Popen(["unshare", "--net", "sleep", str(DEADLINE_SECONDS * 2)]) as holder:
            try:
                pid = str(holder.pid)
                self._await_apart(pid)
                self._join(pid)
                yield pid
            finally:
                holder.kill()

    def _await_apart(self, pid: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while Path(f"/proc/{pid}/ns/net").stat().st_ino == Path("/proc/self/ns/net").stat().st_ino:
            if time.monotonic() > deadline:
                raise SelftestError("no network namespace could be made")
            time.sleep(0.01)

    def _join(self, pid: str) -> None:
        inside = ["nsenter", "--net", "--target", pid]
        call(["ip", "link", "add", self._name, "type", "veth", "peer", "name", "outside", "netns", pid])
        for address in self._addresses:
            length, extra = ("64", ["nodad"]) if ":" in address else ("30", [])
            call(["ip", "address", "add", f"{below(address)}/{length}", "dev", self._name, *extra])
            call([*inside, "ip", "address", "add", f"{address}/{length}", "dev", "outside", *extra])
        call(["ip", "link", "set", self._name, "up"])
        call([*inside, "ip", "link", "set", "outside", "up"])


def knock(strangers: Sequence[str], ports: Ports, timeout: float) -> dict[str, str]:
    """Try to connect to every port from a namespace with the strangers' addresses.

    Returns:
        `accepts`, `refuses` or `silent`, by host address and port.

    Raises:
        SelftestError: Nothing could be tried.
    """
    targets = [(address, port) for address, wanted in ports.items() for group in wanted.values() for port in group]
    with Namespace(strangers).joined() as pid:
        inside = ["nsenter", "--net", "--target", pid]
        printed = call([*inside, sys.executable, "-c", KNOCK], json.dumps({"targets": targets, "timeout": timeout}))
        neighbours = call([*inside, "ip", "neighbour", "show"])
    for address in ports:
        if not re.search(rf"^{re.escape(address)} .*lladdr", neighbours, re.MULTILINE):
            raise SelftestError(f"no way from a namespace to {address}, so nothing could be tried")
    found: dict[str, str] = json.loads(printed)
    return found


def call(command: Sequence[str], stdin: str = "") -> str:
    """Run a command and return its output.

    Raises:
        SelftestError: It failed or took too long.
    """
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SelftestError(f"`{' '.join(command[:4])}` took more than {DEADLINE_SECONDS} s") from error
    if done.returncode != 0:
        raise SelftestError(f"`{' '.join(command[:4])}` failed: {done.stderr.strip()}")
    return done.stdout


def has_ipv6() -> bool:
    """Return whether this host speaks IPv6 at all."""
    switch = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "strangers": {"type": "list", "elements": "str", "required": True},
            "ports": {"type": "dict", "required": True},
            "timeout": {"type": "float", "default": 1.0},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode knocks nowhere")
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    strangers = [address for address in module.params["strangers"] if ":" not in address or has_ipv6()]
    ports = {
        below(address): {
            "open": module.params["ports"][address]["open"],
            "closed": [*module.params["ports"][address]["closed"], *NOBODYS_PORTS],
        }
        for address in strangers
    }
    try:
        found = knock(strangers, ports, module.params["timeout"])
        judge(found, ports)
    except SelftestError as error:
        module.fail_json(msg=f"the firewall does not do what the inventory says: {error}")
    module.exit_json(changed=False, answers=found)


if __name__ == "__main__":
    main()
