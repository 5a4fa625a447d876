"""The rows that there are, and how some are chosen."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from lab.errors import CommandFailedError, LabError
from lab.faults.catalogue import FAULTS, select
from lab.faults.fault import Commands

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTS = {"Redis": 7, "Ollama": 8, "Fallback": 3, "Service": 7, "Edge": 3, "Host": 3, "Peers": 4}


class Host:
    """A site that notes what is run on it.

    Attributes:
        scripts: What was.
        refused: Script that fails.
    """

    address, port, ca_file = "", 0, ""

    def __init__(self, refused: str = "") -> None:
        self.scripts: list[str] = []
        self.refused = refused

    def shell(self, script: str, timeout_s: float = 60.0) -> str:
        """See Site."""
        assert timeout_s
        self.scripts.append(script)
        if script == self.refused:
            raise CommandFailedError("refused")
        return ""

    def restart(self) -> None:
        """See Site."""


@contextmanager
def fault_on(host: Host) -> Iterator[None]:
    """Break a lamp for a while."""
    with Commands("break", "mend")(host):
        yield


def test_every_part_has_its_rows() -> None:
    """Each with a name of its own, and a bound."""
    counts = {part: sum(fault.part == part for fault in FAULTS) for part in PARTS}
    assert counts == PARTS
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for fault in FAULTS:
        assert fault.bound.recovers_s > 0
        re.compile(fault.noticed)


def test_row_is_watched_for_longer_than_its_bound() -> None:
    """Else a row that misses it could not be told from one that was not watched."""
    for fault in FAULTS:
        watched_s = fault.during_s + fault.after_s if fault.heals_itself else fault.after_s
        assert watched_s >= fault.bound.recovers_s, fault.name


def test_only_a_killed_edge_and_a_restarted_host_may_lose_requests() -> None:
    """An edge for two seconds; 503 is right for cached keys only where no instance or no cache is there."""
    assert {fault.name: fault.bound.away_s for fault in FAULTS if fault.bound.away_s} == {
        "edge-killed": 2,
        "host-restarted": 60,
    }
    refusing = {fault.name for fault in FAULTS if fault.bound.refuses}
    assert refusing == {"redis-absent", "instances-restarted", "host-restarted"}


def test_rows_are_chosen_by_name_in_the_order_of_the_table() -> None:
    """None named is all; a wrong name is refused with the right ones."""
    assert [fault.name for fault in select("edge-killed, redis-killed")] == ["redis-killed", "edge-killed"]
    assert select("") == list(FAULTS)
    with pytest.raises(LabError, match=r"no fault redis-tired: expected some of redis-absent, redis-killed"):
        select("redis-tired")


def test_fault_is_healed_whatever_happens() -> None:
    """Also where it could not be injected as a whole: the next row needs a whole site."""
    host, halfway = Host(), Host(refused="break")
    with fault_on(host):
        assert host.scripts == ["break"]
    assert host.scripts == ["break", "mend"]
    with pytest.raises(CommandFailedError, match="refused"), fault_on(halfway):
        pytest.fail("it was not injected")
    assert halfway.scripts == ["break", "mend"]
