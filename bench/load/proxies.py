"""Proxies: the benchmark uses none, neither for the load nor for anything else, since one would be measured with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def describe_unused_proxies(environment: Mapping[str, str] = os.environ) -> str:
    """Return a sentence about the proxies that the environment names and nothing uses; "" without one."""
    names = [name for name in VARIABLES if environment.get(name)]
    verb = "is set, and not used" if len(names) == 1 else "are set, and not used"
    return f"{', '.join(names)} {verb}: the target is reached directly" if names else ""


def warn_of_proxies(console: Console) -> None:
    """Say that a proxy which the environment names is not used.

    Args:
        console: Where to say it.
    """
    if told := describe_unused_proxies():
        console.print(told, soft_wrap=True)
