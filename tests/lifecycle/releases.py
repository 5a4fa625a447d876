"""What runs on a host now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def running(host: Host) -> tuple[str, str]:
    """The release that the serving process was started from, and that process."""
    pid = host.check_output("systemctl show --property=MainPID --value alchemorsel-ai@blue.service")
    return host.check_output("readlink /proc/%s/cwd", pid).rpartition("/")[2], pid
