"""The page's server: what it sends browsers, and what it sends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from ai_service.web.app import MAX_BYTES, create_app
from tests.unit.service.web.fake_api import FakeApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

RECIPE = "/api/v1/ai/generate-recipe"


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    """Run an API."""
    async with FakeApi() as server:
        yield server


def browser(api: FakeApi, key: str = "") -> httpx.AsyncClient:
    """Create a client of the page's server."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(api.client(key), ["page.test"])), base_url="http://page.test"
    )


@pytest.mark.parametrize("path", ["/", "/assets/main.js", "/status", "/assets/none.js"])
async def test_nothing_may_be_loaded_from_elsewhere(api: FakeApi, path: str) -> None:
    """The policy is on every response, errors included; it knows no inline script and no other host."""
    response = await browser(api).get(path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_page_names_only_files_that_are_there(api: FakeApi) -> None:
    """Its own; nothing of another host, nothing missing."""
    client = browser(api)
    page = (await client.get("/")).text
    named = [part.split('"')[0] for part in page.split('="/')[1:]]
    assert named
    for name in named:
        assert (await client.get(f"/{name}")).status_code == 200
    assert "://" not in page


async def test_a_browser_that_has_a_file_is_not_sent_it_again(api: FakeApi) -> None:
    """And asks whether it is new each time, so that an upgrade shows at once."""
    first = await browser(api).get("/assets/style.css")
    again = await browser(api).get("/assets/style.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["..%2Fapp.py", "%2Fetc%2Fpasswd", "app.py", ""])
async def test_only_assets_are_files(api: FakeApi, name: str) -> None:
    """Whatever the path says."""
    assert (await browser(api).get(f"/assets/{name}")).status_code == 404


async def test_the_key_goes_to_the_api_and_never_to_the_browser(api: FakeApi) -> None:
    """Nor does the browser's own authorization go to the API."""
    response = await browser(api, "the-pages-key").post(RECIPE, json={}, headers={"authorization": "Bearer other"})
    assert api.asked[0][0]["authorization"] == "Bearer the-pages-key"
    assert "the-pages-key" not in str(response.headers) + response.text


async def test_what_the_page_explains_comes_back_and_nothing_else(api: FakeApi) -> None:
    """Cache-Status, Server-Timing, request id; no header that was not meant for it; kept by no cache."""
    response = await browser(api).post(RECIPE, content=b"{}", headers={"cache-control": "no-cache"})
    assert response.headers["cache-status"] == "alchemorsel; hit; ttl=9; detail=memory"
    assert response.headers["server-timing"] == "cache;dur=0.1, total;dur=0.2"
    assert "x-internal" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert api.asked[0][0]["cache-control"] == "no-cache"


async def test_refusals_of_the_api_come_through(api: FakeApi) -> None:
    """Status, words and Retry-After, for the page to say."""
    api.status, api.headers, api.body = 429, {"retry-after": "7"}, {"error": "Too many."}
    response = await browser(api).post(RECIPE, json={})
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json() == {"error": "Too many."}


async def test_an_api_that_is_down_is_502_in_words(api: FakeApi) -> None:
    """With where it was looked for."""
    api.down = True
    response = await browser(api).post(RECIPE, json={})
    assert response.status_code == 502
    assert response.json()["error"] == f"The API at {api.url} cannot be reached."


async def test_a_body_beyond_the_limit_does_not_reach_the_api(api: FakeApi) -> None:
    """413, after reading no more than the limit."""
    response = await browser(api).post(RECIPE, content=b"x" * (MAX_BYTES + 1))
    assert response.status_code == 413
    assert api.asked == []


@pytest.mark.parametrize("path", ["/api/v1/ai/cache", "/metrics", "/api/v1/ai/cache/warmup"])
async def test_nothing_but_the_three_tasks_is_sent_on(api: FakeApi, path: str) -> None:
    """The page's key opens no administration to browsers."""
    client = browser(api, "admin-by-mistake")
    for method in ("GET", "POST", "DELETE"):
        assert (await client.request(method, path)).status_code in {404, 405}
    assert api.asked == []


async def test_an_answer_that_breaks_off_ends_early_and_is_logged(
    api: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    """The page sees that the last event is missing; the log has a line, not a traceback."""
    api.breaks_off = True
    response = await browser(api).post(RECIPE, json={})
    assert (response.status_code, response.content) == (200, b"event: delta\n")
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("the API broke off an answer: ")
    assert caplog.records[0].exc_info is None
