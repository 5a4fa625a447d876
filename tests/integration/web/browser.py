"""Debian's Chromium, without a screen and without talking to anybody but the page."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from lab.packages import ensure_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

_ARGUMENTS = [
    "--no-sandbox",  # Chromium refuses its own sandbox to root.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Run a browser; install it from the distribution where it is missing.

    Args:
        arguments: Further ones of its command line.
    """
    ensure_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*_ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()
