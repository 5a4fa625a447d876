"""The documents as pages for people."""

from __future__ import annotations

import json
import re
import shlex
from base64 import b64encode
from hashlib import sha256
from html import unescape
from typing import Any

import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.openapi import try_it
from ai_service.openapi.docs_page import render
from ai_service.openapi.document import build_document
from ai_service.route_table import build_table
from ai_service.tasks import build_tasks
from tests.unit.service.client import Client

TABLE = build_table(build_tasks(Settings.from_env({})))
DOCUMENT = build_document(TABLE, keys=True)
PAGE = render(DOCUMENT)
DETAILS = dict(re.findall(r'<details id="(\w+)"><summary><b>(.*?)</details>', PAGE, re.DOTALL))
CURL = re.compile(r'<pre class="curl"[^>]*>(.*?)</pre>', re.DOTALL)


async def test_the_page_loads_nothing_from_anywhere() -> None:
    """It works on a host without a way out, names every route, and runs its own script only."""
    async with Client() as client:
        page = await client.get("/docs")
        document = (await client.get("/openapi.json")).json()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}';" in policy
    shown = page.text.replace(try_it.ADDRESS, "").replace("dns+http://", "")  # words of a description, no address
    assert [each for each in ("<script ", "<link", "<img", "src=", "url(", "@import", "://") if each in shown] == []
    for path in document["paths"]:
        assert path in page.text
    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize(("accept", "media_type"), [("*/*", "application/json"), ("text/html,*/*;q=0.8", "text/html")])
async def test_the_root_says_where_things_are(accept: str, media_type: str) -> None:
    """As JSON, and as a page for browsers; each link leads somewhere."""
    async with Client() as client:
        root = await client.get("/", headers={"Accept": accept})
        links = (await client.get("/")).json()["links"]
        found = [(await client.get(path)).status_code for path in links.values()]
    assert root.headers["content-type"].partition(";")[0] == media_type
    assert root.headers["vary"] == "Accept"
    assert set(links) == {"documentation", "openapi", "health", "metrics"}
    assert all(path in root.text for path in links.values())
    assert 404 not in found


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: f"{operation.method} {operation.path}")
def test_each_route_that_answers_has_a_curl_line(operation: Any) -> None:
    """With the key and the body that it wants; refused routes have none."""
    lines = CURL.findall(DETAILS[operation.name])
    assert len(lines) == bool(operation.answers)
    for line in lines:
        words = shlex.split(unescape(line))
        assert words[0] == "curl"
        assert f"{try_it.ADDRESS}{operation.path}" in words
        assert ("Authorization: Bearer $KEY" in words) is (operation.access != "open")
        if operation.request is not None:
            body = words[words.index("-d") + 1]
            msgspec.json.decode(body, type=operation.request)


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: f"{operation.method} {operation.path}")
def test_forms_only_try_what_changes_nothing(operation: Any) -> None:
    """What an administrator changes is a curl line; a form names all that it sends."""
    section = DETAILS[operation.name]
    changes = operation.access == "admin" and operation.method != "get"
    assert ("<form" in section) is (bool(operation.answers) and not changes and operation.path != "/docs")
    labels = set(re.findall(r'<label for="([^"]+)"', section))
    assert labels == set(re.findall(r'<(?:textarea|input) id="([^"]+)"', section))


def test_examples_name_the_services_own_model() -> None:
    """The first of those that it serves."""
    document = json.loads(json.dumps(DOCUMENT))
    document["components"]["schemas"]["ChatRequest"]["properties"]["model"] = {"enum": ["own:1", "other:2"]}
    assert try_it.example("/v1/chat/completions", document) == {
        "model": "own:1",
        "messages": [{"role": "user", "content": "Name a herb."}],
    }
