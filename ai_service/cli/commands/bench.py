"""`alchemorsel bench`: the benchmark of the checkout, pointed at a host."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ai_service.cli.errors import CliError
from ai_service.cli.last_bench import NAME, REPORTS, keep_on
from ai_service.cli.output import errors

if TYPE_CHECKING:
    from ai_service.cli.site import Site

SSH_S = 10
PORT = 3010


def bench(ctx: typer.Context) -> None:
    """Measure the API from here, from a checkout: what follows goes to `python -m bench run`.

    With --host the target is that host's port 3010, over TLS where --ca-file is given, and the result is kept there,
    where `alchemorsel status` shows it.
    """
    if importlib.util.find_spec("locust") is None:
        raise CliError(
            "The benchmark is not installed on hosts: it would measure itself along with the service.",
            hint="Run this on another machine, in a checkout or with the wheel's extra `bench`: alchemorsel bench",
        )
    site: Site = ctx.obj
    host, config = ctx.meta["host"], ctx.meta["ssh_config"]
    trust = ["--ca-file", site.ca_file] if site.ca_file else []
    target = f"{'https' if trust else 'http'}://{_address(host, config)}:{PORT}" if host else site.api_url
    folder = _folder(ctx.args)
    status = _run([sys.executable, "-m", "bench", "run", "--target", target, *trust, *ctx.args, "--out", str(folder)])
    if host and (folder / NAME).is_file() and (problem := keep_on(host, config, site.bench_result, folder)):
        errors.print(f"The result could not be kept on {host}: {problem}", markup=False, soft_wrap=True)
    raise typer.Exit(status)


def _folder(arguments: list[str]) -> Path:
    """Where the run leaves its files: the one that was asked for, or a new one among the reports."""
    for argument, following in pairwise([*arguments, ""]):
        if argument == "--out":
            return Path(following)
        if argument.startswith("--out="):
            return Path(argument.removeprefix("--out="))
    return REPORTS / f"bench-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def _run(command: list[str]) -> int:
    """Run the benchmark to its end; after an interrupt, wait until it has written its partial results."""
    with subprocess.Popen(command) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def _address(host: str, config: str) -> str:
    """Resolve a host to the address of its SSH connection."""
    command = ["ssh", *(["-F", config] if config else []), "-G", host]
    told = subprocess.run(command, capture_output=True, text=True, timeout=SSH_S, check=False).stdout
    return next((line.split()[1] for line in told.splitlines() if line.startswith("hostname ")), host)
