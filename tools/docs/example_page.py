"""The pictures of a running service's page in `docs/examples`: ``python -m tools.docs.example_page PAGE_URL``.

They show an answer while it grows and from the cache on a desktop, the page on a phone in the dark theme, and, with
``--admin-key-file``, the operator's page. With ``--degraded`` the one of a service whose model is gone is made instead.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from lab.paths import ROOT

FOLDER = ROOT / "docs" / "examples"
ANSWER_MS = 120_000
SETTLE_MS = 6_000
"""Three updates of the status panel."""


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the page is, such as http://HOST:3011/")
    parser.add_argument("--degraded", action="store_true", help="the model is gone: one picture of that")
    parser.add_argument("--admin-key-file", type=Path, help="with the administrator's key: the operator's page, too")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(arguments.url)
        if arguments.degraded:
            _ask(page, "Ingredients")
            _picture(page, "page-degraded")
        else:
            page.get_by_role("button", name="Ask").click()
            page.locator(".answer.growing ol li").first.wait_for(timeout=ANSWER_MS)
            page.screenshot(path=FOLDER / "page-streaming.png", full_page=True)
            _answered(page)
            _ask(page, "Recipe")
            _picture(page, "page")
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 412, "height": 900})
            _picture(page, "page-phone")
        if arguments.admin_key_file:
            page.emulate_media(color_scheme="light")
            page.set_viewport_size({"width": 1280, "height": 900})
            page.goto(f"{arguments.url.rstrip('/')}/operator")
            page.locator("#key").fill(arguments.admin_key_file.read_text().strip())
            page.locator("#key").press("Enter")
            page.locator("#last tr").first.wait_for(timeout=ANSWER_MS)
            page.get_by_label("Answers of").select_option("ingredients")
            page.get_by_role("button", name="List").click()
            _picture(page, "operator")
        browser.close()


def _ask(page: Page, task: str) -> None:
    page.get_by_role("tab", name=task).click()
    page.get_by_role("tabpanel").get_by_role("button", name="Ask").click()
    _answered(page)


def _answered(page: Page) -> None:
    page.get_by_role("tabpanel").locator(".progress", has_text="Answered in").wait_for(timeout=ANSWER_MS)


def _picture(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
