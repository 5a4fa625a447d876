"""`alchemorsel bench`: the benchmark of the checkout, pointed at a host."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - it reads the types of the arguments

from ai_service.cli.components import become
from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from ai_service.cli.site import Site

SSH_S = 10
PORT = 3010


def bench(ctx: typer.Context) -> None:
    """Measure the API from here, from a checkout: what follows goes to `python -m bench run`.

    With --host the target is that host's port 3010.
    """
    if importlib.util.find_spec("bench") is None:
        raise CliError(
            "The benchmark is not installed on hosts: it would measure itself along with the service.",
            hint="Run this in a checkout, on another machine: .venv/bin/python -m bench run --target http://HOST:3010",
        )
    site: Site = ctx.obj
    host, config = ctx.meta["host"], ctx.meta["ssh_config"]
    target = f"http://{_address(host, config)}:{PORT}" if host else site.api_url
    become([sys.executable, "-m", "bench", "run", "--target", target, *ctx.args])


def _address(host: str, config: str) -> str:
    """What SSH would connect to."""
    command = ["ssh", *(["-F", config] if config else []), "-G", host]
    told = subprocess.run(command, capture_output=True, text=True, timeout=SSH_S, check=False).stdout
    return next((line.split()[1] for line in told.splitlines() if line.startswith("hostname ")), host)
