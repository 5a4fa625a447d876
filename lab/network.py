"""The network that the lab's hosts and its mirror share, and one of hosts that reach nothing but this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import NotFound

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.networks import Network

NAME = "alchemorsel-lab"
ISOLATED = "alchemorsel-lab-isolated"
LABEL = "alchemorsel.lab"
_ETHERNET_MTU = 1500


def default_route_mtu() -> int:
    """Bytes that fit one packet on the way out: virtual machines often have less than Ethernet's 1500.

    A bridge with a larger value than the route behind it makes downloads from inside hang.
    """
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination = line.split()[:2]
        if destination == "00000000":
            return int(Path(f"/sys/class/net/{interface}/mtu").read_text())
    return _ETHERNET_MTU


def ensure(client: DockerClient, name: str = NAME) -> Network:
    """One of the lab's bridge networks, made where it is not there."""
    try:
        return client.networks.get(name)
    except NotFound:
        options = {"com.docker.network.driver.mtu": str(default_route_mtu())}
        # Internal: Docker gives its hosts no route out and lets no packet through; this machine reaches them by SSH.
        is_internal = name == ISOLATED
        return client.networks.create(
            name, driver="bridge", options=options, labels={LABEL: "network"}, internal=is_internal
        )


def remove(client: DockerClient) -> None:
    """Remove the lab's networks where they are there."""
    for network in client.networks.list(filters={"label": f"{LABEL}=network"}):
        network.remove()
