"""What runs on a host now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def running(host: Host) -> tuple[str, str]:
    """Read the release that every instance runs, and the process of the last instance.

    A rollout that its canary stops never touches the last instance.
    """
    told = host.check_output("systemctl list-units --plain --no-legend --state=active 'alchemorsel-ai@*.service'")
    units = sorted(line.split()[0] for line in told.splitlines())
    pids = [host.check_output("systemctl show --property=MainPID --value %s", unit) for unit in units]
    (release,) = {host.check_output("readlink /proc/%s/cwd", pid).rpartition("/")[2] for pid in pids}
    return release, pids[-1]
