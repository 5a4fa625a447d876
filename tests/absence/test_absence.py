"""After a role was removed without its data, it does nothing any more, and what somebody may want back is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.removal.traces import of_what_was_removed, removed_roles, units_left

if TYPE_CHECKING:
    from testinfra.host import Host

KEPT = {
    "ai_service": ("/etc/alchemorsel/ai_service.env", "/etc/alchemorsel/secrets/ai_service_api_keys"),
    "backup": ("/etc/alchemorsel/secrets/backup_password",),
    "docker": ("/var/lib/docker",),
    "firewall": ("/usr/sbin/nft",),
    "load_balancer": ("/etc/alchemorsel/tls/edge.pem", "/etc/alchemorsel/tls/authority/ca.key"),
    "monitoring": ("/var/lib/prometheus/metrics2",),
    "ollama": ("/srv/alchemorsel/models/manifests", "/srv/alchemorsel/models/blobs"),
    "redis": ("/var/lib/redis", "/etc/alchemorsel/secrets/redis_password"),
    "web": ("/etc/alchemorsel/web.env", "/etc/alchemorsel/secrets/web_api_key"),
}
"""What each role's README says stays until it is purged."""


def test_its_data_stay(host: Host) -> None:
    """Only a purge deletes them."""
    assert [path for role in removed_roles(host) for path in KEPT[role] if not host.file(path).exists] == []


def test_its_units_are_gone(host: Host) -> None:
    """Nothing of it runs or would start at the next boot."""
    assert units_left(host, of_what_was_removed(host).units) == []


def test_its_containers_are_gone(host: Host) -> None:
    """Docker runs none of it."""
    names = of_what_was_removed(host).containers
    assert [name for name in names if host.run("docker inspect %s", name).rc == 0] == []
