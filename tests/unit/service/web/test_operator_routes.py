"""The operator's page: who sees it, and what goes on to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.web.operator_access import ATTEMPTS, LOST_TRUST_S, OperatorAccess
from tests.unit.service.web.fake_api import FakeApi
from tests.unit.service.web.test_status_panel import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from starlette.requests import Request

KEY = {"authorization": "Bearer an-administrators-key"}
CHECK = "GET /api/v1/ai/requests?limit=1 HTTP/1.1"
REMOTE = "192.0.2.7"


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    """Run an API that takes every key."""
    async with FakeApi() as server:
        yield server


def said(response: httpx.Response) -> tuple[int, str]:
    """Status and error code."""
    return response.status_code, response.json().get("code", "")


async def test_it_is_served_over_tls_and_on_loopback_only(api: FakeApi) -> None:
    """Page and routes; with what to do. No key goes on to the API."""
    remote = api.page(peer=REMOTE)
    page = await remote.get("/operator")
    assert page.status_code == 403
    assert "ssh -L" in page.text
    assert said(await remote.get("/operator/overview", headers=KEY)) == (403, "insecure_connection")
    assert api.asked == []
    local = api.page()
    assert (await local.get("/operator")).status_code == 200
    tls = {"x-forwarded-proto": "https", "x-forwarded-for": REMOTE}
    assert (await local.get("/operator", headers=tls)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("GET", "/operator/requests", "GET /api/v1/ai/requests"),
        ("GET", "/operator/requests/a.b-1", "GET /api/v1/ai/requests/a.b-1"),
        ("GET", "/operator/cache/stats", "GET /api/v1/ai/cache/stats"),
        ("GET", "/operator/cache/entries?task=recipe", "GET /api/v1/ai/cache/entries?task=recipe"),
        ("DELETE", "/operator/cache?task=recipe", "DELETE /api/v1/ai/cache?task=recipe"),
    ],
)
async def test_requests_go_on_with_the_administrators_key(api: FakeApi, method: str, path: str, asked: str) -> None:
    """Not with the page's; the key is judged first, and no cache keeps the answer."""
    response = await api.page("the-pages-key").request(method, path, headers=KEY)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert api.lines == [CHECK, f"{asked} HTTP/1.1"]
    assert {headers["authorization"] for headers, _ in api.asked} == {"Bearer an-administrators-key"}


@pytest.mark.parametrize("authorization", ["", "Basic abc", "Bearer ", "Bearer äöü", f"Bearer {'k' * 1025}"])
async def test_without_a_key_nothing_is_asked(api: FakeApi, authorization: str) -> None:
    """Nor with what is none."""
    headers = [(b"authorization", authorization.encode())] if authorization else []
    for method, path in (("GET", "/operator/overview"), ("DELETE", "/operator/cache")):
        assert said(await api.page().request(method, path, headers=headers)) == (401, "unauthorized")
    assert api.asked == []


async def test_a_wrong_key_is_refused_in_the_apis_words_and_counted(api: FakeApi) -> None:
    """Ten a minute and address; then nothing goes on to the API, and the answer says when again."""
    api.status, api.body = 401, {"error": "Invalid administrator's key.", "code": "unauthorized"}
    page = api.page()
    for _ in range(ATTEMPTS.amount):
        refused = await page.get("/operator/requests", headers=KEY)
        assert (refused.status_code, refused.json()["error"]) == (401, "Invalid administrator's key.")
    refused = await page.get("/operator/requests", headers=KEY)
    assert said(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert len(api.asked) == ATTEMPTS.amount
    other = {**KEY, "x-forwarded-for": "192.0.2.8", "x-forwarded-proto": "https"}
    assert said(await page.get("/operator/requests", headers=other)) == (401, "unauthorized")


async def test_a_right_key_is_judged_once_a_minute(api: FakeApi) -> None:
    """However much is read; a purge that the API refuses is refused."""
    page = api.page()
    for _ in range(3 * ATTEMPTS.amount):
        assert (await page.get("/operator/requests", headers=KEY)).status_code == 200
    assert api.lines.count(CHECK) == 1
    api.status = 503
    assert (await page.delete("/operator/cache", headers=KEY)).status_code == 503


async def test_a_key_that_was_good_sees_a_lost_api(api: FakeApi) -> None:
    """For some minutes; one that nobody knows is told of the API."""
    clock = Clock()
    access = OperatorAccess(api.client(), clock=clock)
    assert await access.refuse(request(KEY)) is None
    api.down = True
    clock.now += LOST_TRUST_S - 1
    assert await access.refuse(request(KEY)) is None
    other = await access.refuse(request({"authorization": "Bearer another"}))
    assert other is not None
    assert other.status_code == 502
    clock.now += 2
    assert await access.refuse(request(KEY)) is not None


async def test_a_key_that_is_withdrawn_is_refused(api: FakeApi) -> None:
    """From the next judgement on."""
    clock = Clock()
    access = OperatorAccess(api.client(), clock=clock)
    assert await access.refuse(request(KEY)) is None
    api.status = 401
    clock.now += 61
    assert await access.refuse(request(KEY)) is not None
    api.down = True
    assert await access.refuse(request(KEY)) is not None


async def test_the_overview_tells_its_sources(api: FakeApi) -> None:
    """Own samples without a Prometheus; what is not configured is said."""
    page = api.page()
    report = (await page.get("/operator/overview?range=1h", headers=KEY)).json()
    assert (report["source"], report["ranges"], report["span_s"]) == ("samples", ["5m", "1h"], 3600)
    assert report["health"] == {"status": "healthy"}
    assert "ALCHEMORSEL_WEB_EDGE_METRICS_URL" in report["edge"]["problem"]
    refused = await page.get("/operator/overview?range=24h", headers=KEY)
    assert said(refused) == (400, "invalid_request")
    assert "5m, 1h" in refused.json()["error"]


async def test_a_query_beyond_the_limit_is_refused(api: FakeApi) -> None:
    """It goes on as it is otherwise."""
    response = await api.page().get(f"/operator/requests?limit={'1' * 300}", headers=KEY)
    assert said(response) == (400, "invalid_request")


def request(headers: dict[str, str]) -> Request:
    """Return a request from this host."""
    from starlette.requests import Request

    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/operator/overview", "headers": listed, "client": None})
