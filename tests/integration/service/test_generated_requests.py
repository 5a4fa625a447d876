"""Requests that nobody would think of, made by schemathesis from the service's own OpenAPI document.

At least 2,000 cases, the same ones each time (some 2,500 in half a minute). `SCHEMATHESIS_EXAMPLES=600` makes more than
10,000, from another seed each time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ai_service.access.keys import hash_key, new_key
from tests.integration.service.program import Program

WANTED = os.environ.get("SCHEMATHESIS_EXAMPLES", "")
EXAMPLES = int(WANTED or "100")
"""Random cases an operation that takes a body; fixed ones for every limit of the schemas come in addition."""
LEAST = 2000
"""Cases in all."""
TIMEOUT_S = 500


@pytest.mark.timeout(TIMEOUT_S + 30)
def test_no_request_finds_a_server_error_or_an_undocumented_answer(tmp_path: Path) -> None:
    """Statuses, headers and bodies are the document's; valid requests are answered, others and keyless ones are not."""
    key = new_key()
    (tmp_path / "keys").write_text(hash_key("generated", key, admin=True).line())
    with Program(
        AI_PROVIDER="mock", AI_FALLBACKS="", API_KEYS_FILE=str(tmp_path / "keys"), LOG_LEVEL="warning"
    ) as program:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("st"), "run", str(program.http.base_url.join("/openapi.json")),
                "--no-color", "--header", f"Authorization: Bearer {key}", "--max-examples", str(EXAMPLES),
                *([] if WANTED else ["--seed", "1"]),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        errors = [line for line in program.log() if line["level"] == "error"]
    sys.stdout.write(done.stdout)  # pytest shows it where it fails, and with -rP
    assert done.returncode == 0
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None
    assert int(generated[1]) >= LEAST
    assert errors == []
