"""The services that a host may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cli.instances import wait_until_ready
from ai_service.cli.units import Units

if TYPE_CHECKING:
    from ai_service.cli.service import Service

SERVICES = ("redis", "sentinel", "redis-connection", "ollama", "api", "page", "edge")
"""Their names, in the order of their start."""
OF_SEVERAL_HOSTS = frozenset({"sentinel", "redis-connection"})
"""A site with one Redis has neither."""


def host_services(container: str) -> dict[str, Service]:
    """Return all services by their names on the command line, in the order of their start.

    Args:
        container: Name of Ollama's container.
    """
    from ai_service.cli.container import OllamaContainer  # noqa: PLC0415 - a third of what a pressed Tab key waits for

    made: tuple[Service, ...] = (
        Units("redis-server@alchemorsel.service"),
        Units("redis-sentinel@alchemorsel.service"),
        Units("alchemorsel-redis.service"),
        OllamaContainer(container),
        Units("alchemorsel-ai@*.service", wait=wait_until_ready),
        Units("alchemorsel-web.service"),
        Units("alchemorsel-edge.service"),
    )
    return dict(zip(SERVICES, made, strict=True))
