"""A filter that finds mistakes in the variables of the GPU container toolkit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def problems(version: str, minimum: str, repository_url: str, repository_key: str) -> list[str]:
    """Return all mistakes at once.

    Args:
        version: Wanted of the toolkit; empty for any.
        minimum: The first one without the known hole.
        repository_url: Of the maker's packages; empty for the host's own sources.
        repository_key: Its public key.
    """
    refused: list[str] = []
    if bool(version) and _numbers(version) < _numbers(minimum):
        refused.append(
            f"gpu_container_toolkit_version is {version}: up to 1.17.7 a container can become root on the host "
            f"(CVE-2025-23266); take {minimum} or later"
        )
    if (repository_url == "") != (repository_key == ""):
        refused.append("gpu_container_toolkit_repository_url and gpu_container_toolkit_repository_key belong together")
    return refused


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"gpu_container_toolkit_problems": problems}
