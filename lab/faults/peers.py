"""Callers of the edge that do harm: each kind keeps its connections while the fault lasts."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.errors import CommandFailedError
from lab.faults import harmful_peers
from lab.faults.fault import Bound, Fault
from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.faults.fault import Site

_END_S = 10.0


@dataclass(frozen=True)
class Peers:
    """Peers of one kind.

    They are a process of the lowest priority: in life they bring machines of their own, and take no processor of
    the site's.

    Args:
        kind: Of `harmful_peers.KINDS`.
        count: How many there are at a time.
    """

    kind: str
    count: int

    @contextmanager
    def __call__(self, site: Site) -> Iterator[None]:
        """Let them come, and go.

        Raises:
            CommandFailedError: They ended by themselves.
        """
        where = (site.address, str(site.port), site.ca_file)
        command = ["nice", "-n", "19", sys.executable, "-m", harmful_peers.__name__, self.kind, str(self.count), *where]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
        try:
            yield
            if process.poll() is not None:
                raise CommandFailedError(f"the peers ended by themselves, with status {process.returncode}")
        finally:
            process.terminate()
            process.wait(_END_S)


FAULTS = (
    Fault(
        "peer-endless-head",
        "Peers",
        "one sends a head without end, again and again",
        Peers("endless-head", 1),
        Bound(recovers_s=5, p99_ratio=2),
    ),
    Fault(
        "peer-half-open",
        "Peers",
        "500 send half a request, and wait",
        Peers("half-open", 500),
        Bound(recovers_s=10, p99_ratio=2),
        during_s=20,
    ),
    Fault(
        "peer-unread",
        "Peers",
        "50 send 200 requests each, and read no answer",
        Peers("unread", 50),
        Bound(recovers_s=10, p99_ratio=2),
        during_s=20,
    ),
    Fault(
        "peer-leaving",
        "Peers",
        "20 ask something new, and leave after half a second, again and again",
        Peers("leaving", 20),
        Bound(recovers_s=15, p99_ratio=2),
        during_s=20,
        after_s=15,
    ),
)
