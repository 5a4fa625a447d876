"""Record deployments, settings and rollbacks under load: ``python -m tools.docs.example_deployments``.

Takes about an hour on the lab's site (`make lab-up site`). A recording that does not show what it claims is not
written, and the exit status is 1; what it would have said is printed.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lab.errors import LabError
from lab.paths import HOST_VARS, ROOT
from lab.progress import console, step
from tools.docs.example_deployments.callers import HTTP_OK, NEW_CONNECTION_EVERY, PATH, read
from tools.docs.example_deployments.claims import CLAIMS, PLAYS, RATE, check
from tools.docs.example_deployments.plays import Site
from tools.docs.example_deployments.summary import QUIET, Window, summarize, table
from tools.docs.example_service.__main__ import committed_revision
from tools.docs.example_service.claims import ClaimError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.docs.example_deployments.callers import Call

FILE = ROOT / "docs" / "examples" / "deployments.txt"
PORT = 3010
QUIET_S = 60.0
SETTLE_S = 3.0
"""After a play: what it drained or closed late still counts as its own."""
_END_S = 30.0
_NS_A_MS = 1_000_000


def main(arguments: list[str]) -> int:
    """Make the recording.

    Args:
        arguments: Of the command line.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.docs.example_deployments", description=__doc__)
    parser.add_argument("--inventory", default="inventories/lab", help="the site's inventory (default: %(default)s)")
    parser.add_argument("--host", default="lab1", help="the host that callers ask (default: %(default)s)")
    parser.add_argument(
        "--plays", type=int, default=PLAYS, metavar="N", help="of each kind; fewer are shown, not written"
    )
    options = parser.parse_args(arguments)
    try:
        revision = committed_revision(ROOT)
        text = record(options.inventory, options.host, options.plays)
    except LabError as error:
        console.print(str(error), markup=False)
        return 1
    try:
        check(text)
    except ClaimError as error:
        console.print(f"{FILE.name} is not written: {error}", markup=False)
        return 1
    FILE.write_text(f"{head(revision)}\n{text}", encoding="utf-8")
    return 0


def record(inventory: str, host: str, plays: int) -> str:
    """Have callers ask while playbooks change the site, and return what they got.

    Args:
        inventory: Folder of the inventory.
        host: Lab host that callers ask, by the site's edge.
        plays: Of each kind.

    Raises:
        LabError: A play or the callers failed.
    """
    windows: list[Window] = []
    url = f"http://{_address(host)}:{PORT}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = Site(inventory, host, folder)
        with step("the checkout's release, and one to roll back to"):
            site.restore()
            site.deploy()
        with _callers(url, folder / "calls.csv"):
            with _window(windows, QUIET):
                time.sleep(QUIET_S)
            for kind, do in site.kinds.items():
                for number in range(plays):
                    with step(f"{kind} {number + 1} of {plays}"), _window(windows, kind):
                        do()
                        time.sleep(SETTLE_S)
            with _window(windows, QUIET):
                time.sleep(QUIET_S)
        calls = list(read(folder / "calls.csv"))
        with step("the checkout's release again"):
            site.restore()
    return report(windows, calls, inventory)


def report(windows: Sequence[Window], calls: Sequence[Call], inventory: str) -> str:
    """Return what is to be said of the calls.

    Args:
        windows: What was done to the site, and when.
        calls: All of them.
        inventory: Folder of the inventory.
    """
    phases = dict.fromkeys(window.phase for window in windows)
    inside = [call for call in calls if any(window.begun_ns <= call.due_ns < window.ended_ns for window in windows)]
    others = len(calls) - len(inside)
    failed = [call for call in calls if call.status != HTTP_OK]
    outside_failed = len(failed) - sum(call.status != HTTP_OK for call in inside)
    outside_misses = sum(call.cache != "hit" for call in calls) - sum(call.cache != "hit" for call in inside)
    late = sorted(call.late_ns / _NS_A_MS for call in calls)
    lines = [
        f"$ ansible-playbook playbooks/deploy.yml -i {inventory} -e ai_service_source=COPY",
        f"$ ansible-playbook playbooks/deploy.yml -i {inventory} -e '{{\"ai_service_environment\": {{...}}}}'",
        f"$ ansible-playbook playbooks/rollback.yml -i {inventory}",
        "",
        table([summarize(phase, windows, calls) for phase in phases]),
        "",
        f"outside of these: {others} requests, {outside_failed} failed, {outside_misses} no hits",
        f"requests that started later than due: p99 {late[len(late) * 99 // 100]:.2f} ms, at most {late[-1]:.1f} ms",
        *(f"failed: {call.status or call.error}, {call.latency_ns / _NS_A_MS:.0f} ms" for call in failed[:10]),
    ]
    return "\n".join(lines) + "\n"


def head(revision: str) -> str:
    """Return what the recording is, and what it shows.

    Args:
        revision: The commit that ran.
    """
    claims = "\n".join(f"# - {claim.says}" for claim in CLAIMS)
    return f"""\
# Deployments, changes of settings and rollbacks under load
# Revision {revision}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, by `python -m tools.docs.example_deployments`.
# One stored answer of {PATH} is asked for {RATE} times a second through the edge,
# every {NEW_CONNECTION_EVERY}th time on a new connection. Each deployment is a release of its own, built on the host.
# Host, callers and control node share one machine. A request's time counts from when it was due; a play's
# window lasts from its start to {SETTLE_S:g} s after its end. Checked when this was made:
{claims}
"""


@contextmanager
def _window(windows: list[Window], phase: str) -> Iterator[None]:
    begun_ns = time.monotonic_ns()
    yield
    windows.append(Window(phase, begun_ns, time.monotonic_ns()))


@contextmanager
def _callers(url: str, path: Path) -> Iterator[None]:
    argv = [sys.executable, "-m", "tools.docs.example_deployments.callers", url, str(RATE), str(path)]
    with subprocess.Popen(argv, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_END_S)
    if process.returncode != 0:
        raise LabError(f"the callers ended with exit status {process.returncode}")


def _address(host: str) -> str:
    path = HOST_VARS / f"{host}.yml"
    if not path.is_file():
        raise LabError(f"there is no host {host} in the lab: `make lab-up site` brings up lab1")
    return str(yaml.safe_load(path.read_text(encoding="utf-8"))["ansible_host"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
