"""The services that a host may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cli.container import OllamaContainer
from ai_service.cli.instances import wait_until_ready
from ai_service.cli.units import Units

if TYPE_CHECKING:
    from ai_service.cli.service import Service


def host_services(container: str) -> dict[str, Service]:
    """Return all services by their names on the command line, in the order of their start.

    Args:
        container: Name of Ollama's container.
    """
    return {
        "redis": Units("redis-server@alchemorsel.service"),
        "sentinel": Units("redis-sentinel@alchemorsel.service"),
        "redis-connection": Units("alchemorsel-redis.service"),
        "ollama": OllamaContainer(container),
        "api": Units("alchemorsel-ai@*.service", wait=wait_until_ready),
        "page": Units("alchemorsel-web.service"),
        "edge": Units("alchemorsel-edge.service"),
    }
