"""Faults of the edge and of the host."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.faults.fault import Bound, Commands, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.faults.fault import Site

_EDGE = "alchemorsel-edge.service"


@contextmanager
def _restarted(site: Site) -> Iterator[None]:
    """Restart the host; the restart is over when it has booted."""
    site.restart()
    yield


EDGE = (
    Fault(
        "edge-killed",
        "Edge",
        "killed; systemd starts it again",
        Commands(f"systemctl kill --signal KILL {_EDGE}"),
        Bound(recovers_s=5, away_s=2),
        heals_itself=True,
        noticed=r"alchemorsel-edge.service: Main process exited",
    ),
    Fault("edge-reloaded", "Edge", "reloaded", Commands(f"systemctl reload {_EDGE}"), Bound(5), heals_itself=True),
    Fault(
        "edge-certificate",
        "Edge",
        "its certificate exchanged by the host's own issuer",
        Commands("rm /etc/alchemorsel/tls/edge.pem; /usr/local/sbin/alchemorsel-edge-certificate"),
        Bound(recovers_s=5),
        heals_itself=True,
    ),
)

HOST = (
    Fault(
        "dockerd-restarted",
        "Host",
        "Docker Engine restarted",
        Commands("systemctl restart docker.service"),
        Bound(recovers_s=40),
        heals_itself=True,
        during_s=15,
        after_s=25,
        is_models=True,
    ),
    Fault(
        "host-restarted",
        "Host",
        "restarted, as after a loss of power: its cache is empty then",
        _restarted,
        Bound(recovers_s=90, refuses=True, away_s=60),
        heals_itself=True,
        during_s=20,
        after_s=70,
        is_models=True,
    ),
    Fault(
        "model-volume-full",
        "Host",
        "the volume of the models is full",
        Commands(""),
        Bound(recovers_s=10),
        obstacle="in the lab the volume is a folder on the disk of the machine itself, which must not be filled",
    ),
)
