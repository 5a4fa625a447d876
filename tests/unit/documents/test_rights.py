"""The rights that the documents tell a site to give the service's user of Redis."""

from __future__ import annotations

import re
from pathlib import Path

from ai_service.cache.redis_check import COMMANDS, KEYS

RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def test_runbook_gives_the_user_the_rights_that_the_check_wants() -> None:
    """Whoever types its line passes `--check-redis`."""
    (line,) = re.findall(r"ACL SETUSER .* resetkeys .*", RUNBOOK.read_text(encoding="utf-8"))
    assert f"~{KEYS} " in line
    assert set(re.findall(r" \+(\S+)", line)) == set(COMMANDS)
