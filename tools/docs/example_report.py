"""The example report in `docs/examples`, of a run's folder: ``python -m tools.docs.example_report RUN [CAPACITY]``.

Pictures are made by Debian's `chromium`: for a desktop, for a phone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.capacity.curve import load_curve
from bench.report.page import render
from bench.results import load_result
from bench.samples import read_samples
from lab.paths import ROOT

FOLDER = ROOT / "docs" / "examples"
WIDTHS = {"": 1240, "-phone": 412}
"""Width in CSS pixels of the window, by what is added to the picture's name. Chromium's least is 400."""

_BROWSER = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_DEADLINE_S = 60


def main(arguments: list[str]) -> None:
    """Write page and pictures.

    Args:
        arguments: Folder of a run, and of a capacity search if there is one.
    """
    run, *capacity = map(Path, arguments)
    result = load_result(run)
    samples, _end = read_samples(run / result.samples_file)
    FOLDER.mkdir(exist_ok=True)
    page = FOLDER / "lab-report.html"
    page.write_text(render(result, samples, load_curve(capacity[0]) if capacity else None), encoding="utf-8")
    for suffix, width in WIDTHS.items():
        height = _height(page, width)
        _chromium(f"--screenshot={page.with_suffix('')}{suffix}.png", f"--window-size={width},{height}", page.as_uri())


def _height(page: Path, width: int) -> int:
    """Return how high the page is in a window of that width: a picture shows the window, not the page."""
    script = "<script>document.title = document.documentElement.scrollHeight</script></body>"
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as copy:
        copy.write(page.read_text(encoding="utf-8").replace("</body>", script))
        copy.flush()
        document = _chromium("--dump-dom", f"--window-size={width},1000", Path(copy.name).as_uri())
    match = re.search(r"<title>(\d+)</title>", document)
    if match is None:
        raise SystemExit("chromium did not say how high the page is")
    return int(match[1])


def _chromium(*arguments: str) -> str:
    done = subprocess.run([*_BROWSER, *arguments], capture_output=True, text=True, timeout=_DEADLINE_S, check=True)
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
