"""The pictures of a running service's page in `docs/examples`: ``python -m tools.docs.example_page PAGE_URL``.

They show a request sent twice on a desktop, and the status panel on a phone, in the dark theme. With ``--degraded`` the
picture of a service whose model is gone is made instead.
"""

from __future__ import annotations

import argparse
import shutil

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
            _ask(page, "Recipe")
            _ask(page, "Recipe")
            _picture(page, "page")
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": 412, "height": 900})
            _picture(page, "page-phone")
        browser.close()


def _ask(page: Page, task: str) -> None:
    page.get_by_role("tab", name=task).click()
    page.get_by_role("tabpanel").get_by_role("button", name="Ask").click()
    page.locator("#progress", has_text="Answered in").wait_for(timeout=ANSWER_MS)


def _picture(page: Page, name: str) -> None:
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
