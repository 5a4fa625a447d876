"""The page in a real browser, before the real service and the real Ollama."""

from __future__ import annotations

import json
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

    from playwright.sync_api import Browser, Locator, Page, Request

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
COUNT_GROWTH = """() => {
  window.growth = 0;
  const grows = () => (window.growth += document.querySelector(".answer.growing :is(h3, li, td):not(:empty)") ? 1 : 0);
  new MutationObserver(grows).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""
"""Counts how often a part of an answer was there before the whole: for some 0.4 s, too short to look now and then."""
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
    model = {
        "OLLAMA_HOST": ollama.url,
        "OLLAMA_MODEL": ollama.model,
        "RECIPE_MAX_TOKENS": "400",
        "CHAT_MAX_TOKENS": "60",
    }
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


def shown(page: Page, name: str) -> Locator:
    """Return a part of the open tab's answer, by its class."""
    return page.get_by_role("tabpanel").locator(f".{name}")


def roles_sent(request: Request) -> list[str]:
    """Return who said what of the conversation that a request asks to go on."""
    return [message["role"] for message in json.loads(request.post_data or "{}")["messages"]]


def origin(page: Page) -> str:
    """Wait for the page's note on the origin of the answer, and return it."""
    expect(shown(page, "origin")).to_be_visible(timeout=MODEL_S)
    return shown(page, "origin").inner_text()


@pytest.mark.parametrize("task", ["Recipe", "Ingredients", "Nutrition"])
def test_each_task_is_seen_streaming_then_missed_then_hit(page: Page, task: str) -> None:
    """The parts as the model writes them, its text behind a toggle, the checked answer, a miss; asked again: a hit."""
    page.evaluate(COUNT_GROWTH)
    submit(page, task)
    expect(shown(page, "writing")).to_contain_text('"', timeout=MODEL_S)
    first = origin(page)
    assert page.evaluate("window.growth") > 1
    assert "miss: computed now" in first
    assert "gemma3:270m" in first
    expect(shown(page, "clock")).to_have_text(re.compile(r"first piece after [\d.]+ m?s · [\d.]+ tokens/s"))
    answer = shown(page, "answer").inner_text()
    submit(page, task)
    expect(shown(page, "origin")).to_contain_text("hit, from memory", timeout=MODEL_S)
    assert shown(page, "answer").inner_text() == answer


def test_each_tab_keeps_its_own_answer(page: Page) -> None:
    """Also while another one is asked."""
    submit(page, "Ingredients")
    origin(page)
    answer = shown(page, "answer").inner_text()
    submit(page, "Nutrition")
    page.get_by_role("tab", name="Ingredients").click()
    assert shown(page, "answer").inner_text() == answer
    page.get_by_role("tab", name="Nutrition").click()
    origin(page)
    assert "Nutrition of the whole dish" in shown(page, "answer").inner_text()


def test_an_answer_is_copied_and_computed_anew(browser: Browser, ollama: OllamaProcess) -> None:
    """As plain text; and past the cache."""
    with service(ollama) as api, page_server(api.url) as web:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(web.url)
        submit(page, "Ingredients")
        origin(page)
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert str(page.evaluate("navigator.clipboard.readText()")).startswith("Suggested ingredients\n\n")
        page.get_by_role("button", name="Compute anew").click()
        expect(shown(page, "origin")).to_contain_text("cache skipped: computed now", timeout=MODEL_S)
        context.close()


def test_stop_keeps_what_is_there(page: Page) -> None:
    """Marked as incomplete; Ctrl+Enter asks again."""
    submit(page, "Recipe")
    expect(page.locator(".answer.growing li").first).to_be_visible(timeout=MODEL_S)
    page.get_by_role("button", name="Stop").click()
    expect(shown(page, "progress")).to_contain_text("Stopped. What came until then is incomplete")
    assert shown(page, "answer").locator("li").count() >= 1
    expect(shown(page, "answer")).to_have_class("answer incomplete")
    page.get_by_label("Describe the dish").press("Control+Enter")
    assert "gemma3:270m" in origin(page)


def test_a_service_that_is_restarted_while_it_streams_is_said_in_words(browser: Browser, ollama: OllamaProcess) -> None:
    """What came stays, marked as incomplete; asked again, it is answered."""
    with service(ollama) as api, page_server(api.url) as web:
        for page in opened(browser, web.url):
            submit(page, "Recipe")
            expect(page.locator(".answer.growing li").first).to_be_visible(timeout=MODEL_S)
            api.kill()
            problem = page.locator("#panel-recipe .problem.general")
            expect(problem).to_contain_text("broke off", timeout=MODEL_S)
            expect(problem).to_contain_text("incomplete and unchecked. Ask again.")
            assert shown(page, "answer").locator("li").count() >= 1
            api.start()
            submit(page, "Recipe")
            assert "gemma3:270m" in origin(page)
            expect(problem).to_be_hidden()


def test_a_conversation_goes_on_with_a_served_model(page: Page) -> None:
    """The models are listed; the second question is asked with the first one and its answer."""
    page.get_by_role("tab", name="Chat").click()
    expect(page.get_by_label("Model")).to_have_value("gemma3:270m", timeout=15_000)
    with page.expect_request("**/v1/chat/completions") as first:
        submit(page, "Chat")
    assert "gemma3:270m" in origin(page)
    assert roles_sent(first.value) == ["user"]
    answer = shown(page, "text").inner_text()
    page.get_by_label("Message").fill("Why?")
    with page.expect_request("**/v1/chat/completions") as second:
        page.get_by_label("Message").press("Control+Enter")
    assert roles_sent(second.value) == ["user", "assistant", "user"]
    expect(page.locator(".turns")).to_contain_text(answer[:40], timeout=MODEL_S)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".turns")).to_be_hidden()


def test_a_plain_answer_shows_its_server_timing(page: Page) -> None:
    """The breakdown of this very answer: the model's part, and the whole."""
    submit(page, "Ingredients", stream=False)
    told = origin(page)
    assert "model inference" in told
    assert re.search(r"total in the service\s+[\d.]+ (ms|s)", told)


def test_the_status_panel_shows_the_model_and_then_its_loss(browser: Browser) -> None:
    """Ollama is killed: within ten seconds the status panel says so, in words; the fallback's answer is labelled."""
    with OllamaProcess() as own, service(own) as api, page_server(api.url) as web:
        for page in opened(browser, web.url):
            row = page.get_by_role("row", name=re.compile("^ollama"))
            expect(row).to_contain_text("usable", timeout=15_000)
            own.stop()
            expect(row).to_contain_text("unreachable", timeout=10_000)
            submit(page, "Ingredients")
            assert "degraded" in origin(page)
            expect(shown(page, "notice")).to_contain_text("Sample answer (not from a model). Reason: ollama")
            submit(page, "Ingredients")
            origin(page)
            assert page.locator(".origin [data-state=good]").count() == 0


def test_a_lost_api_is_said_beside_the_form_and_in_the_status_panel(browser: Browser, ollama: OllamaProcess) -> None:
    """In words, with where it was looked for; the figures that are left are marked as old."""
    with service(ollama) as api, page_server(api.url) as web:
        for page in opened(browser, web.url):
            expect(page.locator("#providers")).to_contain_text("ollama", timeout=15_000)
            api.stop()
            expect(page.locator("#status-problem")).to_contain_text("cannot be reached", timeout=10_000)
            expect(page.locator("#updated")).to_contain_text("Out of date: last updated at")
            expect(page.locator("#headline")).to_have_text("not reachable")
            expect(page.locator("#status")).to_have_class("dead")
            submit(page, "Recipe")
            problem = page.locator("#panel-recipe .problem.general")
            expect(problem).to_contain_text(f"The API at {api.url} cannot be reached.")


def test_refusals_are_said_once_beside_their_fields(page: Page) -> None:
    """What is empty, what is too long, what is impossible, with the limit; a folded field is unfolded."""
    prompt = page.get_by_label("Describe the dish")
    problem = page.locator("#recipe-prompt-problem")
    prompt.fill("")
    submit(page, "Recipe")
    expect(problem).to_have_text("Expected text, got none.")
    expect(page.locator("#panel-recipe .problem.general")).to_be_hidden()
    expect(prompt).to_be_focused()
    prompt.fill("x" * 2001)
    submit(page, "Recipe")
    expect(problem).to_contain_text("at most 2000 characters, got 2001")
    prompt.fill("x" * 70_000)
    submit(page, "Recipe")
    expect(problem).to_contain_text("Too long: 70013 bytes; expected at most 65536.")
    prompt.fill("soup")
    page.get_by_text("Options").click()
    page.get_by_label("Servings").fill("101")
    page.get_by_label("Diet", exact=True).fill(f"vegan, {'x' * 121}")
    page.get_by_text("Options").click()
    submit(page, "Recipe")
    expect(page.locator("#recipe-serving_size-problem")).to_have_text("Expected a whole number from 1 to 100.")
    expect(page.locator("#recipe-dietary-problem")).to_have_text("Item 2: expected at most 120 characters, got 121.")
    expect(problem).to_be_hidden()
    expect(page.get_by_label("Servings")).to_be_focused()


def test_a_missing_key_and_a_used_up_rate_are_said_in_words(
    browser: Browser, ollama: OllamaProcess, tmp_path: Path
) -> None:
    """401 with what the operator has to do, 429 with when to come again; in the tab with the chat too."""
    key = new_key()
    (tmp_path / "keys").write_text(hash_key("page", key, rate="1/minute", admin=False).line())
    (tmp_path / "key").write_text(key)
    with service(ollama, API_KEYS_FILE=str(tmp_path / "keys"), OLLAMA_HOST="http://127.0.0.1:9") as api:
        with page_server(api.url) as web:
            for page in opened(browser, web.url):
                submit(page, "Ingredients")
                problem = page.locator("#panel-ingredients .problem.general")
                expect(problem).to_contain_text("ALCHEMORSEL_WEB_API_KEY_FILE")
                page.get_by_role("tab", name="Chat").click()
                expect(page.locator("#panel-chat .problem.general")).to_contain_text("ALCHEMORSEL_WEB_API_KEY_FILE")
        with page_server(api.url, API_KEY_FILE=str(tmp_path / "key")) as web:
            for page in opened(browser, web.url):
                submit(page, "Ingredients")
                origin(page)
                submit(page, "Nutrition")
                problem = page.locator("#panel-nutrition .problem.general")
                expect(problem).to_contain_text(re.compile(r"Try again in \d+ s, at \d+:\d\d"))


def test_it_can_be_used_with_the_keyboard_alone(page: Page) -> None:
    """Tabs by arrow keys, the form by tab and space, as the ARIA pattern for tabs has it; a plot by arrow keys."""
    page.get_by_role("tab", name="Recipe").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Chat")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Ingredients")).to_be_focused()
    expect(page.get_by_label("Ingredients you have")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Ask")).to_be_focused()
    page.keyboard.press("Enter")
    assert "ollama" in origin(page)
    plot = page.get_by_role("slider", name="Hit ratio")
    plot.focus()
    page.keyboard.press("ArrowLeft")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"\d+:\d\d:\d\d.*: "))


def test_without_a_script_it_says_what_to_do(browser: Browser, ollama: OllamaProcess) -> None:
    """With links; and shows no form that would do nothing."""
    with service(ollama) as api, page_server(api.url) as web:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        for path in ("/", "/operator"):
            page.goto(f"{web.url}{path}")
            expect(page.locator("noscript section")).to_contain_text("Allow it for this address")
            expect(page.locator("noscript section")).to_be_visible()
            assert page.locator("form:visible, button:visible").count() == 0
        page.goto(web.url)
        page.locator("noscript a").first.click()
        assert page.url == f"{api.url}/docs"
        context.close()


def test_every_field_has_a_name_and_every_text_enough_contrast(page: Page) -> None:
    """By the formula of WCAG 2.1: 4.5 to 1, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(FAINT_TEXTS) == []
    nameless = (
        "[...document.querySelectorAll('input, textarea, select')].filter((f) => !f.labels.length).map((f) => f.name)"
    )
    assert page.evaluate(nameless) == []
