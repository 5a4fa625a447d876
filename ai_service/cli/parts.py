"""Which parts a host may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.cli.container import OllamaContainer
from ai_service.cli.instances import wait_until_ready
from ai_service.cli.units import Units

if TYPE_CHECKING:
    from ai_service.cli.components import Component


def components(container: str) -> dict[str, Component]:
    """All of them, by the name that people type, in the order in which they start.

    Args:
        container: Name of Ollama's container.
    """
    return {
        "redis": Units("redis-server.service"),
        "ollama": OllamaContainer(container),
        "api": Units("alchemorsel-ai@*.service", wait=wait_until_ready),
        "page": Units("alchemorsel-web.service"),
        "edge": Units("alchemorsel-edge.service"),
    }
