"""The benchmark's reports in `docs/examples`: ``python -m tools.docs.example_reports [NAME ...]``, all without a name.

Each is of a real run against the service with Redis and the lab's model: one that passed, of which the page is kept
too, one that failed, one that is invalid, and one that was interrupted. A run that ends otherwise leaves no picture.
They need `redis-server`, Debian's `chromium`, and what `python -m lab parts` brings; `passed` takes three minutes, the
others one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from playwright.sync_api import sync_playwright

from ai_service.access.keys import hash_key, new_key
from bench.load.credentials import VARIABLE
from bench.results import Verdict, load_result
from bench.run_folder import PAGE_FILE
from lab.errors import LabError
from lab.paths import ROOT
from lab.ports import free_port
from lab.progress import console, step
from tools.docs.chosen_names import chosen_names
from tools.docs.example_service.parts import API_PORT, running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = ROOT / "docs" / "examples"
SIZES = {"": (1240, 760), "-phone": (390, 1180)}
"""Width and height of the window in CSS pixels, by what is added to a picture's name; the phone's is of `passed`."""

_RUN_S = 900
_SHORT = ("--workload", "uncached,cached")


class Ended(NamedTuple):
    """A run that has ended: its page, which shows the service's usual port."""

    verdict: Verdict
    interrupted: bool
    page: str


def passed() -> Ended:
    """Measure workloads of which the lab's profile gates no latency, so that a busy machine does not decide."""
    with running() as parts:
        return _bench(parts.service.port, "--workload", "uncached,zipf,herd", "--ollama", parts.ollama.url)


def failed() -> Ended:
    """Measure with a key that may ask half as often as the benchmark does: HTTP 429."""
    with tempfile.TemporaryDirectory() as name:
        key, keys = Path(name, "key"), Path(name, "keys")
        key.write_text(new_key(), encoding="utf-8")
        keys.write_text(hash_key("bench", key.read_text(encoding="utf-8"), rate="100/second").line(), encoding="utf-8")
        with running(API_KEYS_FILE=str(keys)) as parts:
            return _bench(parts.service.port, *_SHORT, environment={VARIABLE: str(key)})


def invalid() -> Ended:
    """Measure a service whose model is gone, so that samples stand in for it: fast, and no answer of a model."""
    with running(AI_FALLBACKS="mock", OLLAMA_HOST=f"http://127.0.0.1:{free_port()}") as parts:
        return _bench(parts.service.port, *_SHORT)


def interrupted() -> Ended:
    """Press Ctrl-C in a cached phase."""
    with running() as parts:
        return _bench(parts.service.port, *_SHORT, until="cached: ingredients")


REPORTS: Mapping[str, tuple[Callable[[], Ended], Verdict]] = {
    "passed": (passed, Verdict.PASS),
    "failed": (failed, Verdict.FAIL),
    "invalid": (invalid, Verdict.INVALID),
    "interrupted": (interrupted, Verdict.INVALID),
}
"""How each comes about, and its verdict, by name."""


def main(arguments: list[str]) -> int:
    """Make the reports that are asked for.

    Args:
        arguments: Of the command line.

    Returns:
        Exit status.
    """
    names = chosen_names(
        arguments, REPORTS, program="python -m tools.docs.example_reports", kind="report", about=__doc__
    )
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background jobs would inherit a deaf one.
    status = 0
    for name in names:
        make, expected = REPORTS[name]
        with step(f"report {name}"):
            ended = make()
        if (ended.verdict, ended.interrupted) != (expected, name == "interrupted"):
            console.print(f"{name} is not written: the run ended with {ended.verdict}, expected {expected}")
            status = 1
            continue
        if name == "passed":
            (FOLDER / "lab-report.html").write_text(ended.page, encoding="utf-8")
        for suffix in SIZES if name == "passed" else ("",):
            _picture(ended.page, FOLDER / f"lab-report-{name}{suffix}.png", SIZES[suffix])
    return status


def _bench(port: int, *options: str, environment: Mapping[str, str] | None = None, until: str = "") -> Ended:
    """Run the benchmark; with `until`, interrupt it once a line begins so."""
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "bench", "run", "--target", f"http://127.0.0.1:{port}", *options]
        process = subprocess.Popen(
            [*command, "--out", name],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout if until else ():
                if line.startswith(until):
                    process.send_signal(signal.SIGINT)
                    break
            printed, _ = process.communicate(timeout=_RUN_S)
        except BaseException:
            process.kill()
            process.wait()
            raise
        if not Path(name, PAGE_FILE).exists():
            raise LabError(f"the benchmark ended with {process.returncode} and left no page; it said:\n{printed}")
        result, page = load_result(Path(name)), Path(name, PAGE_FILE).read_text(encoding="utf-8")
        return Ended(result.verdict, result.interrupted, page.replace(f":{port}", f":{API_PORT}"))


def _picture(page: str, file: Path, size: tuple[int, int]) -> None:
    """Take a picture of the top of a page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        view = browser.new_page(viewport={"width": size[0], "height": size[1]})
        view.set_content(page)
        view.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
