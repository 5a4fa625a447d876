"""A network namespace beside the host, like a neighbour on its network segment, and connections tried from there.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEADLINE_SECONDS = 20

# Runs inside the namespace, with the targets on standard input. All connections are tried at the same time.
CONNECT = """
import json, select, socket, sys, time
wanted = json.load(sys.stdin)
pending, found = {}, {}
for address, port in wanted["targets"]:
    attempt = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    attempt.setblocking(False)
    attempt.connect_ex((address, port))
    pending[attempt] = (address, port)
deadline = time.monotonic() + wanted["timeout"]
while pending and time.monotonic() < deadline:
    for attempt in select.select([], list(pending), [], max(0, deadline - time.monotonic()))[1]:
        address, port = pending.pop(attempt)
        error = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        found[address + " " + str(port)] = "accepts" if error == 0 else "refuses"
for address, port in pending.values():
    found[address + " " + str(port)] = "silent"
print(json.dumps(found))
"""


class NamespaceError(Exception):
    """No connection could be tried from a namespace."""


def below(address: str) -> str:
    """Return the address before an address of which the last figure is written out: the host's end of the pair."""
    separator = ":" if ":" in address else "."
    head, _separator, last = address.rpartition(separator)
    return f"{head}{separator}{int(last) - 1}"


def has_ipv6() -> bool:
    """Return whether IPv6 is enabled on this host."""
    switch = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def call(command: Sequence[str], stdin: str = "") -> str:
    """Run a command and return its output.

    Raises:
        NamespaceError: It failed or exceeded its deadline.
    """
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NamespaceError(f"`{' '.join(command[:4])}` took more than {DEADLINE_SECONDS} s") from error
    if done.returncode != 0:
        raise NamespaceError(f"`{' '.join(command[:4])}` failed: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    """An empty network namespace, joined to the host by a veth pair; removed with the process that holds it.

    Args:
        addresses: The namespace's, one a family; the host gets the address below each, and is the default route.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._name = f"alc{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def joined(self) -> Iterator[str]:
        """Hold the namespace; yields the process ID that it belongs to."""
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
                raise NamespaceError("no network namespace could be created")
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
        for address in self._addresses:
            family = "-6" if ":" in address else "-4"
            call([*inside, "ip", family, "route", "add", "default", "via", below(address)])


@contextlib.contextmanager
def listening(targets: Sequence[tuple[str, int]]) -> Iterator[None]:
    """Listen on every target on which nothing listens yet, so that a refusal is never that of an idle port.

    The addresses are the host's end of a pair, so a service that listens on an address of its own is not in the way.
    """
    with contextlib.ExitStack() as held:
        for address, port in targets:
            listener = held.enter_context(
                socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            )
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((address, port))
                listener.listen()
            except OSError as error:
                if error.errno != errno.EADDRINUSE:  # a service on all addresses
                    raise NamespaceError(f"nothing can listen on {address} port {port}: {error.strerror}") from error
        yield


def connect_from(
    addresses: Sequence[str], targets: Sequence[tuple[str, int]], timeout: float, *, is_listening: bool = False
) -> dict[str, str]:
    """Connect to every target from a namespace beside the host.

    Args:
        addresses: Of the namespace, one a family; each has to have targets of its family.
        targets: Addresses and ports.
        timeout: Seconds after which a target counts as silent.
        is_listening: Have something listen on every target: what does not accept then is kept from it by a filter.

    Returns:
        `accepts`, `refuses` or `silent`, by address and port.

    Raises:
        NamespaceError: Nothing could be tried. The host's hardware address has to be known in the namespace afterwards,
            so that no broken path is taken for a firewall.
    """
    with Namespace(addresses).joined() as pid, listening(targets if is_listening else []):
        inside = ["nsenter", "--net", "--target", pid]
        printed = call([*inside, sys.executable, "-c", CONNECT], json.dumps({"targets": targets, "timeout": timeout}))
        neighbours = call([*inside, "ip", "neighbour", "show"])
    for address in map(below, addresses):
        if not re.search(rf"^{re.escape(address)} .*lladdr", neighbours, re.MULTILINE):
            raise NamespaceError(f"no way from a namespace to {address}, so nothing could be tried")
    found: dict[str, str] = json.loads(printed)
    return found
