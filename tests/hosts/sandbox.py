"""How much of a host a unit can reach."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

MAX_EXPOSURE = 2.0
"""What the project's units may have at most, of 10; systemd calls 0 to 2 well protected."""


def exposure(host: Host, unit: str) -> float:
    """Return a unit's overall exposure level, 0 (none) to 10, as computed by `systemd-analyze security`."""
    told = host.check_output("systemd-analyze security --no-pager %s", unit)
    match = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert match, told
    return float(match[1])
