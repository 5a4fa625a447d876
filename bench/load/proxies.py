"""Proxies: the benchmark uses none, neither for the load nor for anything else, since one would be measured with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def warn_of_proxies(console: Console) -> None:
    """Say that a proxy which the environment names is not used.

    Args:
        console: Where to say it.
    """
    if names := [name for name in VARIABLES if os.environ.get(name)]:
        console.print(f"{', '.join(names)} is set, and not used: the target is reached directly", soft_wrap=True)
