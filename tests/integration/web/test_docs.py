"""The API's documents in a real browser, by keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ai_service.access.keys import hash_key, new_key
from tests.integration.service.program import Program
from tests.integration.web.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

ANSWER_S = 30_000
"""Milliseconds; a wait, not an assertion about speed. The provider `mock` answers: the page is tried, not a model."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def api() -> Iterator[Program]:
    """Run the service without a model and without keys."""
    with Program(AI_PROVIDER="mock") as program:
        yield program


@pytest.fixture
def page(browser: Browser, api: Program) -> Iterator[Page]:
    """Open the documents; an error or a violation of the policy fails the test."""
    tab = browser.new_page(viewport={"width": 320, "height": 800})
    troubles: list[str] = []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda message: troubles.append(message.text) if "Content Security" in message.text else None)
    tab.goto(f"{api.url}/docs")
    yield tab
    tab.close()
    assert troubles == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what is named has the focus."""
    target = page.locator(selector)
    for _ in range(60):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def test_a_route_is_tried_by_keyboard(page: Page) -> None:
    """Unfolded, filled in, sent, read; the curl line follows what is typed and names this address."""
    tab_to(page, "#suggestIngredients > summary")
    page.keyboard.press("Enter")
    tab_to(page, "#suggestIngredients-body")
    page.keyboard.press("Control+A")
    page.keyboard.type('{"partial": ["salt\'s"]}')
    curl = page.locator("#suggestIngredients .curl")
    expect(curl).to_contain_text(page.url.removesuffix("/docs") + "/api/v1/ai/suggest-ingredients")
    expect(curl).to_contain_text("""'{"partial": ["salt'\\''s"]}'""")
    tab_to(page, "#suggestIngredients button:not([name])")
    page.keyboard.press("Enter")
    expect(page.locator("#suggestIngredients [role=status]")).to_contain_text("Status 200", timeout=ANSWER_S)
    output = page.locator("#suggestIngredients output")
    expect(output).to_contain_text("x-ai-provider: mock")
    expect(output).to_contain_text('"success": true')


def test_a_stream_is_shown(page: Page) -> None:
    """Its events, to the answer."""
    page.locator("#analyzeNutrition > summary").press("Enter")
    page.locator("#analyzeNutrition [name=stream]").check()
    page.locator("#analyzeNutrition-body").press("Control+Enter")
    expect(page.locator("#analyzeNutrition output")).to_contain_text("event: answer", timeout=ANSWER_S)


def test_a_body_that_is_not_json_is_not_sent(page: Page) -> None:
    """What is wrong is said beside it, and the focus goes there."""
    page.locator("#generateRecipe > summary").press("Enter")
    page.locator("#generateRecipe-body").fill("{")
    page.locator("#generateRecipe button:not([name])").press("Enter")
    expect(page.locator("#generateRecipe [role=status]")).to_contain_text("The body is not JSON")
    expect(page.locator("#generateRecipe-body")).to_be_focused()
    expect(page.locator("#generateRecipe output")).to_be_hidden()


def test_a_link_to_something_folded_unfolds_it(page: Page) -> None:
    """A type, from a route that takes it."""
    page.locator("#generateRecipe > summary").press("Enter")
    page.locator('#generateRecipe a[href="#RecipeRequest"]').first.press("Enter")
    expect(page.locator("#RecipeRequest pre")).to_be_visible()


def test_nothing_scrolls_sideways_on_a_narrow_screen(page: Page) -> None:
    """320 pixels wide, everything unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_without_a_script_the_curl_lines_are_there(browser: Browser, api: Program) -> None:
    """And no form that would do nothing."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{api.url}/docs#generateRecipe")
    expect(tab.get_by_text("need JavaScript")).to_be_visible()
    assert tab.locator("form:visible").count() == 0
    assert "curl" in (tab.locator("#generateRecipe .curl").text_content() or "")
    context.close()


def test_the_key_of_the_page_is_sent_and_nowhere_shown(browser: Browser, tmp_path: Path) -> None:
    """Without it the route is refused; a lost API is said in words."""
    key, file = new_key(), tmp_path / "keys"
    file.write_text(hash_key("web", key).line())
    with Program(AI_PROVIDER="mock", API_KEYS_FILE=str(file)) as guarded:
        tab = browser.new_page()
        tab.goto(f"{guarded.url}/docs#suggestIngredients")
        status = tab.locator("#suggestIngredients [role=status]")
        send = tab.locator("#suggestIngredients button:not([name])")
        send.press("Enter")
        expect(status).to_contain_text("Status 401", timeout=ANSWER_S)
        tab.get_by_label("API key").fill(key)
        send.press("Enter")
        expect(status).to_contain_text("Status 200", timeout=ANSWER_S)
        assert key not in tab.content()
    send.press("Enter")
    expect(status).to_contain_text("The API cannot be reached.")
    tab.close()
