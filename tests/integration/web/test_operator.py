"""The operator's page in a real browser: before the real service, Ollama, Redis, HAProxy and Prometheus."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import expect

from lab.ollama_process import OllamaProcess
from lab.packages import ensure_program
from lab.ports import free_port, listens
from tests.contract.redis_server import USER, RedisServer
from tests.edge_program import EdgeProgram
from tests.integration.service.program import Program
from tests.integration.web.browser import chromium
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

ADMIN_KEY = "an-administrators-key-of-the-tests"
INGREDIENTS = "/api/v1/ai/suggest-ingredients"
STOP_S = 20


class Site(NamedTuple):
    """What runs: the API, its edge, the page."""

    api: Program
    edge: EdgeProgram
    web: Program


@contextmanager
def prometheus(folder: Path, **targets: str) -> Iterator[str]:
    """Run Debian's Prometheus, which reads each job's target every second; yield its URL."""
    ensure_program("prometheus", "prometheus", units=("prometheus.service", "prometheus-node-exporter.service"))
    jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    port = free_port()
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until(listens(port), timeout_s=STOP_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_S)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Run everything, with an answer that was served from the cache twice."""
    (tmp_path / "key").write_text(ADMIN_KEY)
    with ExitStack() as stack:
        ollama = stack.enter_context(OllamaProcess())
        redis = stack.enter_context(RedisServer())
        api = stack.enter_context(
            Program(
                INSTANCE="1",
                OLLAMA_HOST=ollama.url,
                OLLAMA_MODEL=ollama.model,
                ADMIN_KEY_FILE=str(tmp_path / "key"),
                REDIS_URL=redis.url,
                REDIS_USERNAME=USER,
                REDIS_PASSWORD_FILE=str(redis.password_file),
                REDIS_TIMEOUT="5s",  # A busy machine is no lost Redis.
            )
        )
        edge = stack.enter_context(EdgeProgram(tmp_path, {"1": api.url.removeprefix("http://")}))
        targets = {"alchemorsel_ai": api.url.removeprefix("http://"), "alchemorsel_edge": f"127.0.0.1:{edge.exporter}"}
        watcher = stack.enter_context(prometheus(tmp_path, **targets))
        until(lambda: "alchemorsel_ai_requests" in api.metrics())
        for number in range(3):
            api.ask(INGREDIENTS, {"partial": ["leek"]}, X_Request_Id=f"mine-{number}").raise_for_status()
        web = stack.enter_context(Program("ai_service.web", "WEB_", API_URL=api.url, PROMETHEUS_URL=watcher))
        yield Site(api, edge, web)


@pytest.fixture
def page() -> Iterator[Page]:
    """Open a tab; an error in a page or a violation of its policy fails the test."""
    with chromium() as browser:
        tab = browser.new_page()
        troubles: list[str] = []
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda message: troubles.append(message.text) if "Content Security" in message.text else None)
        yield tab
        assert troubles == []


def sign_in(page: Page, key: str = ADMIN_KEY) -> None:
    """Give a key."""
    page.locator("#key").fill(key)
    page.locator("#key").press("Enter")


def listed(page: Page) -> tuple[str, list[str]]:
    """List cached answers of ingredients; return their number, and the hits of each."""
    page.get_by_role("button", name="List").click()
    page.wait_for_load_state("networkidle")
    number = page.locator("#counts tr", has_text="Purge ingredients").locator("td").first.inner_text()
    return number, page.locator("#cached tr td:nth-child(4)").all_inner_texts()


def test_an_operator_sees_the_service_and_what_is_lost(page: Page, site: Site) -> None:
    """From the key to the loss of the API: load, edge, models, requests, cached answers, purge."""
    page.goto(f"{site.web.url}/operator")
    sign_in(page, "wrong")
    expect(page.locator("#key-problem")).to_have_text("Invalid administrator's key.")
    expect(page.locator("#board")).to_be_hidden()
    sign_in(page)
    expect(page.locator("#headline")).to_have_text("healthy", timeout=15_000)
    expect(page.locator("#store")).to_have_text("reached")
    expect(page.locator("#instance")).to_have_text("1")
    expect(page.locator("#models").get_by_role("row", name=re.compile("gemma3:270m"))).to_contain_text("yes")
    expect(page.locator("#edge-servers").get_by_role("row")).to_contain_text("up", timeout=20_000)

    expect(page.locator("#last").get_by_role("row", name=re.compile("mine-2"))).to_contain_text("hit", timeout=15_000)
    page.get_by_label("Request ID").fill("mine-0")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("#request")).to_contain_text("miss")
    page.get_by_label("Request ID").fill("mine-9")
    page.get_by_role("button", name="Look up").click()
    expect(page.locator("#request-problem")).to_contain_text("No request mine-9 among the last 200")

    page.get_by_label("Answers of").select_option("ingredients")
    until(lambda: listed(page) == ("1", ["2"]))
    counted = page.locator("#counts").get_by_role("row", name=re.compile("^ingredients"))
    page.get_by_role("button", name="Purge ingredients").click()
    page.get_by_role("button", name="Keep").click()
    expect(counted).to_contain_text("1")
    page.get_by_role("button", name="Purge ingredients").click()
    page.get_by_role("button", name="Really purge ingredients").click()
    expect(page.locator("#cache-said")).to_have_text(
        "Purged answers of ingredients: 1. Every instance follows within 2 s.", timeout=15_000
    )
    until(lambda: listed(page) == ("0", []))

    page.get_by_label("Time range").select_option("1h")
    expect(page.locator("#source")).to_have_text("From Prometheus.")
    expect(page.locator("#plot-rate polyline, #plot-rate circle").first).to_be_visible(timeout=30_000)
    plot = page.get_by_role("slider", name="Answers per second")
    plot.hover()
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"\d+:\d\d.*: "))

    site.api.stop()
    expect(page.locator("#overview-problem")).to_contain_text("cannot be reached", timeout=20_000)
    expect(page.locator("#updated")).to_contain_text("Out of date: last updated at")
    expect(page.locator("#parts")).to_have_class("dead")
    expect(page.locator("#headline")).to_have_text("not reachable")
    page.get_by_role("button", name="Forget the key").click()
    expect(page.locator("#board")).to_be_hidden()
    assert ADMIN_KEY not in page.content()


def test_guessed_keys_are_refused_in_words_after_ten(page: Page, tmp_path: Path) -> None:
    """With when to try again; the right key waits too."""
    (tmp_path / "key").write_text(ADMIN_KEY)
    with (
        Program(AI_PROVIDER="mock", ADMIN_KEY_FILE=str(tmp_path / "key")) as api,
        Program("ai_service.web", "WEB_", API_URL=api.url) as web,
    ):
        page.goto(f"{web.url}/operator")
        for number in range(10):
            sign_in(page, f"guess-{number}")
            expect(page.locator("#key")).to_have_value("")
        sign_in(page)
        words = r"Too many keys were tried from this address: 10 a minute are taken\. Try again in \d+ s, at .*"
        expect(page.locator("#key-problem")).to_have_text(re.compile(words))
