"""Connections from where the tests run: to the hosts, this machine is an outsider."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from testinfra.host import Host

# Longer than a TCP retransmission (1 s), so that one lost packet is no closed port.
_SILENCE_S = 2.5

# Listens on every port that is given, tells so, and stays until it is stopped.
_LISTENER = (
    "import socket, sys, time; held = [socket.create_server(('', int(port))) for port in sys.argv[1:]]; time.sleep(60)"
)


async def _answer(address: str, port: int) -> str:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), _SILENCE_S)
    except TimeoutError:
        return "silent"
    except OSError as error:
        return "refuses" if isinstance(error, ConnectionRefusedError) else "silent"
    writer.close()
    return "accepts"


def answers(address: str, ports: Iterable[int]) -> dict[int, str]:
    """Return whether each TCP port `accepts` or `refuses` a connection from here, or is `silent`."""
    wanted = sorted(set(ports))

    async def knock() -> dict[int, str]:
        found = await asyncio.gather(*(_answer(address, port) for port in wanted))
        return dict(zip(wanted, found, strict=True))

    return asyncio.run(knock())


def answering(address: str, ports: Iterable[int]) -> set[int]:
    """Those of the TCP ports that accept or refuse a connection from here."""
    return {port for port, answer in answers(address, ports).items() if answer != "silent"}


def accepting(address: str, ports: Iterable[int]) -> set[int]:
    """Those of the TCP ports that accept a connection from here: a filter can refuse too."""
    return {port for port, answer in answers(address, ports).items() if answer == "accepts"}


def opened(host: Host, address: str, ports: Iterable[int], listening: Iterable[int]) -> set[int]:
    """Those of the TCP ports that no filter keeps from us.

    What refuses without a listener is tried again with one: the refusal may be the kernel's or a filter's.

    Args:
        host: The host.
        address: Its address for outsiders.
        ports: The ports to try.
        listening: Those of its ports on which something listens.
    """
    found = answers(address, ports)
    idle = {port for port, answer in found.items() if answer == "refuses"} - set(listening)
    accepted = {port for port, answer in found.items() if answer == "accepts"}
    if not idle:
        return accepted
    with _listening(host, idle):
        return accepted | accepting(address, idle)


@contextlib.contextmanager
def _listening(host: Host, ports: Iterable[int]) -> Iterator[None]:
    unit = f"outside-{secrets.token_hex(4)}"
    numbers = " ".join(map(str, sorted(ports)))
    host.check_output(f'systemd-run --quiet --collect --unit {unit} /usr/bin/python3 -c "{_LISTENER}" {numbers}')
    try:
        host.check_output("sleep 1")
        yield
    finally:
        host.run("systemctl stop %s", f"{unit}.service")
