"""The curl lines that the documents show, asked of the service."""

from __future__ import annotations

import re
import shlex

from tests.golden.asked import Asked, ask
from tests.golden.running import ROOT, program

_CURL = re.compile(r"^(?:\$ )?(curl .*)$", re.MULTILINE)
_PAGES = ("README.md", "docs/compose.md")


def describe_curl_lines() -> str:
    """Return what a service with the mock answers to each curl line of the documents."""
    lines = [line for page in _PAGES for line in _CURL.findall((ROOT / page).read_text())]
    with program() as running:
        return "\n".join(_curl(running.url, line) for line in lines)


def _curl(base_url: str, line: str) -> str:
    """Send what a curl line says, to the running service instead of its host; it must be answered with 200."""
    method, body, headers, url = "GET", None, {}, ""
    words = iter(shlex.split(line)[1:])
    for word in words:
        if word in {"-H", "--header"}:
            name, _, value = next(words).partition(":")
            headers[name] = value.strip()
        elif word in {"-d", "--data"}:
            method, body = "POST", next(words).encode()
        elif word in {"-X", "--request"}:
            method = next(words)
        elif word.startswith("-"):
            assert word in {"-i", "-s", "-N", "-si"}, f"an option that this test does not know: {word}"
        else:
            url = word
    found = re.fullmatch(r"http://[^/]+:3010(/\S*)", url)
    assert found, f"no address of the API on its port: {line}"
    answer = ask(base_url, Asked(line, method, found[1], body, headers, key=""), {})
    assert answer.splitlines()[1] == "200", answer
    return answer
