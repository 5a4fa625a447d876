"""Where a host's Redis listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

CONFIG = "/etc/redis/redis-alchemorsel.conf"


def redis_port(host: Host) -> int:
    """Return the port that the inventory sets, or the role chose; 0 on a host without Redis."""
    if not host.file(CONFIG).exists:
        return 0
    lines = (line.split() for line in host.file(CONFIG).content_string.splitlines())
    return max(int(words[1]) for words in lines if words and words[0] in {"port", "tls-port"})
