"""Which requests a foreign site can have somebody's browser send, and which names the page is served under."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse

from ai_service.web.origin_check import OriginCheck

NAME = "page.example"


async def ask(method: str, host: str, **headers: str) -> httpx.Response:
    """Ask a server that is served under NAME; "" sends no Host."""
    check = OriginCheck(PlainTextResponse("reached"), [NAME])
    sent = [(name.replace("_", "-"), value) for name, value in {"host": host, **headers}.items()]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(check)) as client:
        request = client.build_request(method, "http://ignored/", headers=sent)
        if not host:
            del request.headers["host"]
        return await client.send(request)


@pytest.mark.parametrize(
    "host",
    [
        NAME,
        f"{NAME}:3011",
        "PAGE.example.",
        "localhost:3011",
        "127.0.0.1",
        "10.20.0.41:3011",
        "[::1]:3011",
        "[fd00::1]",
    ],
)
async def test_names_of_the_list_localhost_and_addresses_are_served(host: str) -> None:
    """On any port: the edge or a container may map it."""
    assert (await ask("GET", host)).text == "reached"


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:3011",
        f"{NAME}.rebound.example",
        f"x.{NAME}",
        "localhost.rebound.example",
        "1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_name_is_refused_with_the_setting_that_would_allow_it(method: str, host: str) -> None:
    """A foreign site that rebinds its name to this server's address reads nothing and asks nothing."""
    response = await ask(method, host, origin=f"http://{host}", sec_fetch_site="same-origin")
    assert response.status_code == 421
    assert response.json()["code"] == "unknown_host"
    assert "ALCHEMORSEL_WEB_HOSTS" in response.json()["error"]
    assert host.split(":", maxsplit=1)[0] in response.json()["error"]


@pytest.mark.parametrize("host", ["", "a b", f"{NAME}:port", f"user@{NAME}", f"{NAME}/", "[::1", f"{NAME}:1:2", "[]"])
async def test_a_host_that_is_none_is_refused(host: str) -> None:
    """So is a request without one: no browser sends it."""
    assert (await ask("GET", host)).status_code == 400


async def test_two_hosts_are_none() -> None:
    """Another server on the way could have read the other one."""
    check = OriginCheck(PlainTextResponse("reached"), [NAME])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(check)) as client:
        response = await client.get("http://ignored/", headers=[("host", NAME), ("host", "rebound.example")])
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (f"{NAME}:3011", f"http://{NAME}:3011"),
        (f"{NAME}:3011", f"https://{NAME}:3011"),
        (NAME, f"https://{NAME}"),
        (f"{NAME}:443", f"https://{NAME}"),
        ("127.0.0.1:3011", "http://127.0.0.1:3011"),
        ("[::1]:3011", "http://[::1]:3011"),
        ("PAGE.example:3011", f"http://{NAME}:3011"),
        (NAME, ""),
    ],
)
async def test_the_page_itself_and_programs_may_ask(host: str, origin: str) -> None:
    """Whether the edge ends TLS or not; a program that is no browser sends no Origin."""
    headers = {"origin": origin} if origin else {}
    assert (await ask("POST", host, **headers)).text == "reached"


@pytest.mark.parametrize(
    "origin",
    [
        "http://foreign.example",
        f"http://{NAME}",
        f"http://{NAME}:3012",
        f"http://{NAME}:3011.foreign.example",
        f"ftp://{NAME}:3011",
        f"{NAME}:3011",
        "null",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_form_of_a_foreign_site_is_refused_over_plain_http_too(method: str, origin: str) -> None:
    """Where browsers send no Sec-Fetch-Site; another port is another origin."""
    response = await ask(method, f"{NAME}:3011", origin=origin)
    assert (response.status_code, response.json()["code"]) == (403, "cross_site")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_what_a_browser_says_of_the_site_counts_too(site: str) -> None:
    """Also where the origin looks right."""
    response = await ask("POST", f"{NAME}:3011", origin=f"http://{NAME}:3011", sec_fetch_site=site)
    assert (response.status_code, response.json()["code"]) == (403, "cross_site")


async def test_a_link_from_a_foreign_site_opens_the_page() -> None:
    """Reading is safe: the browser keeps the answer from the foreign site."""
    response = await ask("GET", NAME, origin="http://foreign.example", sec_fetch_site="cross-site")
    assert response.text == "reached"
