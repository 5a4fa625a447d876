"""Connections from a network namespace on the host, like another machine of its network segment that routes to it."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

HOST_ADDRESS = "198.18.0.1"
"""The host's, in the neighbour's network."""

_HOST_ADDRESS_6 = "fdfa:11ce:0:2::1"

_CONNECT = """
import socket, sys, time
address, port = sys.argv[1], int(sys.argv[2])
for _ in range(20):
    try:
        socket.create_connection((address, port), 0.5)
    except OSError:
        time.sleep(0.1)
    else:
        raise SystemExit(0)
raise SystemExit(1)
"""


@contextlib.contextmanager
def neighbour(host: Host) -> Iterator[str]:
    """Run a network namespace beside the host with all its routes through the host; yield its command prefix."""
    name = f"nb{secrets.token_hex(4)}"
    inside = f"ip netns exec {name}"
    host.check_output("ip netns add %s", name)
    try:
        host.check_output(f"ip link add {name} type veth peer name out netns {name}")
        host.check_output(f"ip address add {HOST_ADDRESS}/30 dev {name}")
        host.check_output(f"{inside} ip address add 198.18.0.2/30 dev out")
        if has_ipv6(host):
            host.check_output(f"ip address add {_HOST_ADDRESS_6}/64 dev {name} nodad")
            host.check_output(f"{inside} ip address add fdfa:11ce:0:2::2/64 dev out nodad")
        host.check_output(f"ip link set {name} up")
        host.check_output(f"{inside} ip link set out up")
        host.check_output(f"{inside} ip route add default via {HOST_ADDRESS}")
        if has_ipv6(host):
            host.check_output(f"{inside} ip -6 route add default via {_HOST_ADDRESS_6}")
        yield inside
    finally:
        host.check_output("ip netns delete %s", name)


def has_ipv6(host: Host) -> bool:
    """Whether IPv6 is enabled on the host."""
    return bool(host.run("cat /proc/sys/net/ipv6/conf/default/disable_ipv6").stdout.strip() == "0")


def reaches(host: Host, address: str, port: int, *, within: str = "") -> bool:
    """Whether a connection from the host itself, or from a namespace on it, is accepted within 10 s."""
    return bool(host.run(f"{within} python3 -c %s %s %s", _CONNECT, address, str(port)).rc == 0)
