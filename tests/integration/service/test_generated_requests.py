"""Requests that nobody would think of, made by schemathesis from the service's own OpenAPI document.

At least 2,000 cases, the same ones each time (some 2,500 in half a minute). `SCHEMATHESIS_EXAMPLES=600` makes more than
10,000, from another seed each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ai_service.access.keys import hash_key, new_key
from tests.contract.fake_ollama import FakeOllama
from tests.contract.sample import sample_of
from tests.integration.service.program import Program
from tests.unit.service.fakes import ANSWERS, CHAT_ANSWER

if TYPE_CHECKING:
    from tests.contract.fake_server import Reply

WANTED = os.environ.get("SCHEMATHESIS_EXAMPLES", "")
EXAMPLES = int(WANTED or "100")
"""Random cases an operation that takes a body; fixed ones for every limit of the schemas come in addition."""
HOOKS = "tests.integration.service.cross_field_rules"
LEAST = 2000
"""Cases in all."""
TIMEOUT_S = 500


class ObedientModel(FakeOllama):
    """Answers each task well, and each schema with something of its shape."""

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """See FakeOllama."""
        if path == "/api/chat":
            self.text = _answer_to(body.get("format"))
        await super().respond(path, body, reply)


def _answer_to(form: Any) -> str:
    if not form:
        return CHAT_ANSWER
    known = [ANSWERS[name] for name, word in WORDS.items() if word in json.dumps(form)]
    return json.dumps(known[0] if known else sample_of({} if form == "json" else form))


WORDS = {"recipe": "instructions", "ingredients": "suggestions", "nutrition": "sodium"}
CONFIGURATION = """\
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"""
"""Honest ones: no answer fits a schema that nothing fits."""


@pytest.mark.timeout(TIMEOUT_S + 30)
async def test_no_request_finds_a_server_error_or_an_undocumented_answer(tmp_path: Path) -> None:
    """Statuses, headers and bodies are the document's; valid requests are answered, others and keyless ones are not."""
    async with ObedientModel() as model:
        done, errors, unavailable = await asyncio.to_thread(_generate, tmp_path, model)
    sys.stdout.write(done.stdout)  # pytest shows it where it fails, and with -rP
    assert done.returncode == 0
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None
    assert int(generated[1]) >= LEAST
    assert unavailable <= int(generated[1]) / 100
    assert errors == []


def _generate(folder: Path, model: ObedientModel) -> tuple[subprocess.CompletedProcess[str], list[Any], int]:
    """Run schemathesis; return what it found, the errors in the service's log, and how often it answered 503."""
    key = new_key()
    (folder / "keys").write_text(hash_key("generated", key, admin=True).line())
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    with Program(
        OLLAMA_HOST=model.url, OLLAMA_MODEL="test:1b", API_KEYS_FILE=str(folder / "keys"), LOG_LEVEL="info"
    ) as program:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("st"), "run", str(program.http.base_url.join("/openapi.json")),
                "--no-color", "--header", f"Authorization: Bearer {key}", "--max-examples", str(EXAMPLES),
                *([] if WANTED else ["--seed", "1"]),
            ],
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        log = program.log()
    return done, [line for line in log if line["level"] == "error"], [line.get("status") for line in log].count(503)
