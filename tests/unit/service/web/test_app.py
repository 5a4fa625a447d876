"""The page's server: what it sends browsers, and what it sends on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ai_service.web import pages
from ai_service.web.app import MAX_BYTES
from tests.unit.service.web.fake_api import FakeApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECIPE = "/api/v1/ai/generate-recipe"
ASSETS = Path(pages.__file__).with_name("assets")
MAX_PAGE_BYTES = 64 * 1024


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    """Run an API."""
    async with FakeApi() as server:
        yield server


@pytest.mark.parametrize("path", ["/", "/assets/main.js", "/status", "/assets/none.js"])
async def test_nothing_may_be_loaded_from_elsewhere(api: FakeApi, path: str) -> None:
    """The policy is on every response, errors included; it knows no inline script and no other host."""
    response = await api.page().get(path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/operator"])
async def test_a_page_names_only_files_that_are_there(api: FakeApi, path: str) -> None:
    """Its own, and the API's pages; nothing of another host, nothing missing."""
    client = api.page()
    page = (await client.get(path)).text
    named = re.findall(r'="(/[^"]*)"', page)
    assert named
    found = {name: (await client.get(name)).status_code for name in named}
    links = {"/docs", "/health"} & set(named)
    assert found == {**dict.fromkeys(named, 200), **dict.fromkeys(links, 307)}
    assert "://" not in page


@pytest.mark.parametrize(("page", "script"), [("index.html", "main.js"), ("operator.html", "operator.js")])
def test_a_page_with_all_that_it_loads_is_small(page: str, script: str) -> None:
    """As text, without compression: it is read over slow links to far hosts."""
    sizes = {file.name: len(file.read_bytes()) for file in ASSETS.iterdir()}
    texts = {name: (ASSETS / name).read_text() for name in sizes}
    loaded, waiting = {page}, {script, *(name for name in sizes if f'"/assets/{name}"' in texts[page])}
    while waiting:
        loaded |= waiting
        waiting = {name for name in sizes for text in loaded if f'"./{name}"' in texts[text]} - loaded
    assert sum(sizes[name] for name in loaded) <= MAX_PAGE_BYTES


def test_no_script_makes_html_of_text() -> None:
    """What the service says is data."""
    scripts = "".join(file.read_text() for file in ASSETS.iterdir() if file.suffix == ".js")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "Function("):
        assert word not in scripts


async def test_a_browser_that_has_a_file_is_not_sent_it_again(api: FakeApi) -> None:
    """And asks whether it is new each time, so that an upgrade shows at once."""
    first = await api.page().get("/assets/style.css")
    again = await api.page().get("/assets/style.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["..%2Fapp.py", "%2Fetc%2Fpasswd", "app.py", "", "operator.html"])
async def test_only_assets_are_files(api: FakeApi, name: str) -> None:
    """Whatever the path says; a page has a route of its own."""
    assert (await api.page().get(f"/assets/{name}")).status_code == 404


async def test_the_key_goes_to_the_api_and_never_to_the_browser(api: FakeApi) -> None:
    """Nor does the browser's own authorization go to the API."""
    response = await api.page("the-pages-key").post(RECIPE, json={}, headers={"authorization": "Bearer other"})
    assert api.asked[0][0]["authorization"] == "Bearer the-pages-key"
    assert "the-pages-key" not in str(response.headers) + response.text


async def test_what_the_page_explains_comes_back_and_nothing_else(api: FakeApi) -> None:
    """Cache-Status, Server-Timing, request id; no header that was not meant for it; kept by no cache."""
    response = await api.page().post(RECIPE, content=b"{}", headers={"cache-control": "no-cache"})
    assert response.headers["cache-status"] == "alchemorsel; hit; ttl=9; detail=memory"
    assert response.headers["server-timing"] == "cache;dur=0.1, total;dur=0.2"
    assert "x-internal" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert api.asked[0][0]["cache-control"] == "no-cache"


async def test_refusals_of_the_api_come_through(api: FakeApi) -> None:
    """Status, words and Retry-After, for the page to say."""
    api.status, api.headers, api.body = 429, {"retry-after": "7"}, {"error": "Too many."}
    response = await api.page().post(RECIPE, json={})
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json() == {"error": "Too many."}


async def test_an_api_that_is_down_is_502_in_words(api: FakeApi) -> None:
    """With where it was looked for."""
    api.down = True
    response = await api.page().post(RECIPE, json={})
    assert response.status_code == 502
    assert response.json()["error"] == f"The API at {api.url} cannot be reached."


async def test_a_body_beyond_the_limit_does_not_reach_the_api(api: FakeApi) -> None:
    """413, after reading no more than the limit."""
    response = await api.page().post(RECIPE, content=b"x" * (MAX_BYTES + 1))
    assert response.status_code == 413
    assert api.asked == []


@pytest.mark.parametrize("path", ["/api/v1/ai/cache", "/metrics", "/api/v1/ai/cache/warmup"])
async def test_nothing_but_what_visitors_ask_is_sent_on(api: FakeApi, path: str) -> None:
    """The page's key opens no administration to browsers."""
    client = api.page("admin-by-mistake")
    for method in ("GET", "POST", "DELETE"):
        assert (await client.request(method, path)).status_code in {404, 405}
    assert api.asked == []


async def test_an_answer_that_breaks_off_ends_early_and_is_logged(
    api: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    """The page sees that the last event is missing; the log has a line, not a traceback."""
    api.breaks_off = True
    response = await api.page().post(RECIPE, json={})
    assert (response.status_code, response.content) == (200, b"event: delta\n")
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("the API broke off an answer: ")
    assert caplog.records[0].exc_info is None


async def test_a_chat_and_the_list_of_models_go_by_the_pages_key(api: FakeApi) -> None:
    """So that its rate and its token budget hold for them."""
    client = api.page("the-pages-key")
    assert (await client.post("/v1/chat/completions", json={"messages": []})).status_code == 200
    assert (await client.get("/v1/models")).headers["cache-control"] == "no-store"
    assert [line.split()[:2] for line in api.lines] == [["POST", "/v1/chat/completions"], ["GET", "/v1/models"]]
    assert {headers["authorization"] for headers, _ in api.asked} == {"Bearer the-pages-key"}
    api.down = True
    assert (await client.get("/v1/models")).status_code == 502


@pytest.mark.parametrize(
    ("settings", "headers", "location"),
    [
        ({"API_URL": "http://127.0.0.1:3010"}, {}, "http://page.test:3010/docs"),
        ({"API_URL": "http://api:3010"}, {"x-forwarded-proto": "https"}, "https://page.test:3010/docs"),
        ({"API_URL": "https://10.0.0.7"}, {"host": "[::1]:3011"}, "http://[::1]:443/docs"),
        ({"API_PUBLIC_URL": "https://ai.example/"}, {}, "https://ai.example/docs"),
    ],
)
async def test_links_lead_to_the_api_as_browsers_reach_it(
    api: FakeApi, settings: dict[str, str], headers: dict[str, str], location: str
) -> None:
    """On the page's own host, with the API's port, unless the operator says where."""
    response = await api.page(**settings).get("/docs", headers=headers)
    assert (response.status_code, response.headers["location"]) == (307, location)
