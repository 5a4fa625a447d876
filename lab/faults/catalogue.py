"""All faults, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.faults import host_faults, peers, provider_faults, redis_faults, service_faults

if TYPE_CHECKING:
    from lab.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *redis_faults.FAULTS,
    *provider_faults.OLLAMA,
    *provider_faults.FALLBACK,
    *service_faults.FAULTS,
    *host_faults.EDGE,
    *host_faults.HOST,
    *peers.FAULTS,
)


def select(names: str) -> list[Fault]:
    """Return the faults of a comma list, in the order of the table; all where it is empty.

    Raises:
        LabError: A name is none of them.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {fault.name: fault for fault in FAULTS}
    if wrong := [name for name in wanted if name not in known]:
        raise LabError(f"there is no fault {', '.join(wrong)}: expected some of {', '.join(known)}")
    return [fault for fault in FAULTS if not wanted or fault.name in wanted]
