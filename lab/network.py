"""The network that the lab's hosts and its mirror share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import NotFound

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.networks import Network

NAME = "alchemorsel-lab"
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


def ensure(client: DockerClient) -> Network:
    """The lab's bridge network, made where it is not there."""
    try:
        return client.networks.get(NAME)
    except NotFound:
        options = {"com.docker.network.driver.mtu": str(default_route_mtu())}
        return client.networks.create(NAME, driver="bridge", options=options, labels={LABEL: "network"})


def remove(client: DockerClient) -> None:
    """Remove the lab's network where it is there."""
    for network in client.networks.list(names=[NAME]):
        network.remove()
