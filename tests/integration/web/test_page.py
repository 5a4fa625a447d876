"""The page in a real browser, before the real service and the real Ollama."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from ai_service.access.keys import hash_key, new_key
from lab.ollama_process import OllamaProcess
from tests.integration.service.program import Program
from tests.integration.web.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

FAINT_TEXTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const own = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && own(element) && element.tagName !== "SCRIPT")
    .map((element) => {
      const text = luminance(channels(getComputedStyle(element)[element.ownerSVGElement ? "fill" : "color"]));
      const behind = luminance(ground(element));
      const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
      return `${element.tagName} ${element.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`;
    })
    .filter((found) => Number(found.split(": ").at(-1)) < 4.5);
}"""
"""Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.1, 1.4.3)."""
MODEL_S = 90_000
"""Milliseconds that the lab's model may take on a busy machine; a wait, not an assertion about speed."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaProcess]:
    """Run the lab's Ollama for the tests that do not stop it."""
    with OllamaProcess() as server:
        yield server


def service(ollama: OllamaProcess, **settings: str) -> Program:
    """Create the API in front of an Ollama."""
    model = {"OLLAMA_HOST": ollama.url, "OLLAMA_MODEL": ollama.model, "RECIPE_MAX_TOKENS": "400"}
    return Program(**{**model, "AI_FALLBACKS": "mock", **settings})


def page_server(api_url: str, **settings: str) -> Program:
    """Create the page's server."""
    return Program(module="ai_service.web", prefix="WEB_", API_URL=api_url, **settings)


@pytest.fixture
def page(browser: Browser, ollama: OllamaProcess) -> Iterator[Page]:
    """Open the page with everything behind it; an error in it or a violation of its policy fails the test."""
    with service(ollama) as api, page_server(api.url) as web:
        yield from opened(browser, web.url)


def opened(browser: Browser, url: str) -> Iterator[Page]:
    """Yield the page in a tab of its own."""
    context = browser.new_context()
    tab = context.new_page()
    troubles: list[str] = []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("console", lambda message: troubles.append(message.text) if "Content Security" in message.text else None)
    tab.goto(url)
    yield tab
    context.close()
    assert troubles == []


def submit(page: Page, task: str, *, stream: bool = True) -> None:
    """Chooses a task and asks with what stands in its form."""
    page.get_by_role("tab", name=task).click()
    panel = page.get_by_role("tabpanel")
    panel.get_by_label("stream", exact=True).set_checked(stream)
    panel.get_by_role("button", name="Ask").click()


def origin(page: Page) -> str:
    """Wait for the page's note on the origin of the answer, and return it."""
    expect(page.locator("#origin")).to_be_visible(timeout=MODEL_S)
    return page.locator("#origin").inner_text()


@pytest.mark.parametrize("task", ["Recipe", "Ingredients", "Nutrition"])
def test_each_task_is_seen_streaming_then_missed_then_hit(page: Page, task: str) -> None:
    """The parts as the model writes them, its text behind a toggle, the checked answer, a miss; asked again: a hit."""
    submit(page, task)
    expect(page.locator("#answer.growing :is(h3, li, td):not(:empty)").first).to_be_visible(timeout=MODEL_S)
    expect(page.locator("#writing")).to_contain_text('"', timeout=MODEL_S)
    first = origin(page)
    assert "miss: computed now" in first
    assert "gemma3:270m" in first
    shown = page.locator("#answer").inner_text()
    submit(page, task)
    expect(page.locator("#origin")).to_contain_text("hit, from memory", timeout=MODEL_S)
    assert page.locator("#answer").inner_text() == shown


def test_a_plain_answer_shows_its_server_timing(page: Page) -> None:
    """The breakdown of this very answer: the model's part, and the whole."""
    submit(page, "Ingredients", stream=False)
    told = origin(page)
    assert "model inference" in told
    assert re.search(r"total in the service\s+[\d.]+ (ms|s)", told)


def test_the_status_panel_shows_the_model_and_then_its_loss(browser: Browser) -> None:
    """Ollama is killed: within ten seconds the status panel says so, in words; the service's answer is labelled."""
    with OllamaProcess() as own, service(own) as api, page_server(api.url) as web:
        for page in opened(browser, web.url):
            row = page.get_by_role("row", name=re.compile("^ollama"))
            expect(row).to_contain_text("usable", timeout=15_000)
            own.stop()
            expect(row).to_contain_text("unreachable", timeout=10_000)
            submit(page, "Ingredients")
            assert "degraded" in origin(page)


def test_a_lost_api_is_said_beside_the_form_and_in_the_status_panel(browser: Browser, ollama: OllamaProcess) -> None:
    """In words, with where it was looked for."""
    with service(ollama) as api, page_server(api.url) as web:
        for page in opened(browser, web.url):
            expect(page.locator("#providers")).to_contain_text("ollama", timeout=15_000)
            api.stop()
            expect(page.locator("#status-panel-problem")).to_contain_text("cannot be reached", timeout=10_000)
            submit(page, "Recipe")
            expect(page.locator("#recipe-problem")).to_contain_text(f"The API at {api.url} cannot be reached.")


def test_refusals_are_said_beside_the_form(page: Page) -> None:
    """What is empty, and what is too long, with the field's name and the limit."""
    prompt = page.get_by_label("Describe the dish")
    prompt.fill("")
    submit(page, "Recipe")
    expect(page.locator("#recipe-problem")).to_contain_text("prompt: expected")
    expect(prompt).to_be_focused()
    prompt.fill("x" * 2001)
    submit(page, "Recipe")
    expect(page.locator("#recipe-problem")).to_contain_text("expected at most 2000 characters, got 2001")
    prompt.fill("x" * 70_000)
    submit(page, "Recipe")
    expect(page.locator("#recipe-problem")).to_contain_text("Too long")


def test_a_missing_key_and_a_used_up_rate_are_said_in_words(
    browser: Browser, ollama: OllamaProcess, tmp_path: Path
) -> None:
    """401 with what the operator has to do, 429 with when to come again."""
    key = new_key()
    (tmp_path / "keys").write_text(hash_key("page", key, rate="1/minute", admin=False).line())
    (tmp_path / "key").write_text(key)
    with service(ollama, API_KEYS_FILE=str(tmp_path / "keys"), OLLAMA_HOST="http://127.0.0.1:9") as api:
        with page_server(api.url) as web:
            for page in opened(browser, web.url):
                submit(page, "Ingredients")
                expect(page.locator("#ingredients-problem")).to_contain_text("ALCHEMORSEL_WEB_API_KEY_FILE")
        with page_server(api.url, API_KEY_FILE=str(tmp_path / "key")) as web:
            for page in opened(browser, web.url):
                submit(page, "Ingredients")
                origin(page)
                submit(page, "Nutrition")
                expect(page.locator("#nutrition-problem")).to_contain_text(re.compile(r"Try again in \d+ s"))


def test_it_can_be_used_with_the_keyboard_alone(page: Page) -> None:
    """Tabs by arrow keys, the form by tab and space, as the ARIA pattern for tabs has it."""
    page.get_by_role("tab", name="Recipe").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Ingredients")).to_be_focused()
    expect(page.get_by_label("Ingredients you have")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ask")).to_be_focused()
    page.keyboard.press("Enter")
    assert "ollama" in origin(page)


def test_every_field_has_a_name_and_every_text_enough_contrast(page: Page) -> None:
    """By the formula of WCAG 2.1: 4.5 to 1, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(FAINT_TEXTS) == []
    nameless = "[...document.querySelectorAll('input, textarea')].filter((f) => !f.labels.length).map((f) => f.name)"
    assert page.evaluate(nameless) == []


def test_nothing_is_cut_off_on_a_phone(page: Page) -> None:
    """No sideways scrolling at 360 pixels."""
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("#providers")).to_contain_text("ollama", timeout=15_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
