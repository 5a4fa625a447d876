"""The demonstration: a bare host becomes a measured AI service, with nothing left out and everything shown."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from lab import hosts, lifecycle
from lab.errors import CommandFailedError
from lab.paths import ROOT, SSH_CONFIG
from lab.progress import console

PORT = 3010
PAGE_PORT = 3011
REPORT = ROOT / "reports" / "demo"
_BIN = Path(sys.executable).parent
_SITE_DEADLINE_S = 900
_BENCH_DEADLINE_S = 900


def run() -> None:
    """Lab, site.yml, benchmark, closing screen.

    Raises:
        LabError: a step failed, or the cached answers missed their bounds; the closing screen is shown all the same.
    """
    begun = time.monotonic()
    name, suite = lifecycle.DEFAULT_HOST
    _chapter("1/3", f"the lab: a bare {suite} host, a real Ollama, a real model")
    client = lifecycle.bring_up([(name, suite)])
    target = f"http://{hosts.address(client.containers.get(name))}:{PORT}"

    _chapter("2/3", "ansible-playbook site.yml -i inventories/lab")
    site = _follow([str(_BIN / "ansible-playbook"), "site.yml", "-i", "inventories/lab"], _SITE_DEADLINE_S)
    if site != 0:
        raise CommandFailedError("site.yml failed: the task above says why. Mend it and run `make demo` again")

    _chapter("3/3", f"python -m bench run --target {target} --profile lab")
    argv = [sys.executable, "-m", "bench", "run", "--target", target, "--profile", "lab", "--out", str(REPORT)]
    verdict = _follow(argv, _BENCH_DEADLINE_S)

    _show_around(name, target, time.monotonic() - begun)
    if verdict != 0:
        raise CommandFailedError(
            f"the benchmark's verdict is not PASS (exit status {verdict}): see the table and report"
        )


def _chapter(number: str, title: str) -> None:
    console.rule(f"[bold]{number}[/] {title}", align="left")


def _follow(argv: list[str], timeout_s: float) -> int:
    """Run a program on this terminal; its exit status."""
    try:
        return subprocess.run(argv, cwd=ROOT, timeout=timeout_s, check=False).returncode
    except subprocess.TimeoutExpired as error:
        raise CommandFailedError(f"{Path(argv[0]).name}: not finished after {timeout_s:.0f} s") from error


def _show_around(name: str, target: str, seconds: float) -> None:
    ssh = f"ssh -F {SSH_CONFIG.relative_to(ROOT)} {name}"
    recipe = """'{"prompt": "quick lentil soup"}'"""
    console.rule("[bold]what you have now[/]", align="left")
    console.print(
        f"A host that was bare {seconds / 60:.1f} minutes ago answers at {target}.\n\n"
        f"  the page       {target.removesuffix(str(PORT))}{PAGE_PORT}   (try the tasks, watch the service)\n"
        f"  report         {(REPORT / 'report.html').relative_to(ROOT)}\n"
        f"  ask it         curl -i {target}/api/v1/ai/generate-recipe -H 'Content-Type: application/json' -d {recipe}\n"
        f"                 (twice: see Cache-Status change from fwd=miss to hit)\n"
        f"  its health     curl {target}/api/v1/ai/health\n"
        f"  on the host    {ssh} alchemorsel status\n"
        f"                 {ssh} alchemorsel ask recipe quick lentil soup\n"
        f"                 {ssh} alchemorsel logs --follow     (alchemorsel --help lists the rest)\n"
        f"  break it       {ssh} alchemorsel stop ollama --yes     (cached answers go on, new ones are labelled)\n"
        f"  mend it        {ssh} alchemorsel start ollama\n"
        f"  provision again, nothing changes   make site\n"
        f"  take it down   make lab-down",
        markup=False,
    )
