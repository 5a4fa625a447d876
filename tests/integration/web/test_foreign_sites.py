"""The page under names over plain HTTP, in a real browser: its own requests pass, those of foreign sites do not."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.integration.service.program import Program
from tests.integration.web.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
ASK = """async (path) => {
  const response = await fetch(path, {
    method: "POST", body: '{"partial": ["leek"]}', headers: { "Content-Type": "application/json" },
  });
  return [response.status, (await response.json()).success];
}"""
FORM = '<form method="post" enctype="text/plain" action="{}"><input name="partial" value="leek"></form>'


@pytest.fixture
def tab() -> Iterator[Page]:
    """Open a tab of a browser with every name under `.example` resolved to this machine."""
    with chromium("--host-resolver-rules=MAP *.example 127.0.0.1") as browser:
        yield browser.new_page()


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """Serve a foreign site from the files of `tmp_path`."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_only_the_page_itself_asks(tab: Page, foreign: ThreadingHTTPServer, tmp_path: Path) -> None:
    """Under a listed name it is answered; a foreign site's form and a rebound name are refused."""
    with (
        Program(AI_PROVIDER="mock") as api,
        Program("ai_service.web", "WEB_", API_URL=api.url, HOSTS="p.example") as web,
    ):
        port = web.url.rpartition(":")[2]
        tab.goto(f"http://p.example:{port}/")
        assert tab.evaluate(ASK, INGREDIENTS) == [200, True]

        (tmp_path / "form.html").write_text(FORM.format(f"http://p.example:{port}{INGREDIENTS}"))
        tab.goto(f"http://foreign.example:{foreign.server_port}/form.html")
        with tab.expect_navigation(), tab.expect_response(f"**{INGREDIENTS}") as refused:
            tab.evaluate("document.forms[0].submit()")
        assert refused.value.request.header_value("sec-fetch-site") is None  # Plain HTTP: the origin has to do.
        assert refused.value.status == 403

        rebound = tab.goto(f"http://rebound.example:{port}/status")
        assert rebound is not None
        assert rebound.status == 421
        assert api.metrics().count("alchemorsel_ai_requests_total{") == 1
