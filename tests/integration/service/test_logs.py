"""A log that nobody reads, or that cannot be written, on the real program."""

from __future__ import annotations

import json
import os
import re
import threading

from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Program
from tests.waiting import until

CHAT = "/v1/chat/completions"
ASKED_CHARACTERS = 40_000
REQUESTS = 250
"""Each a line of some 40 KB: twice as much as the program keeps for a reader."""
DROPPED = re.compile(r"^alchemorsel_ai_log_lines_dropped_total (\d+)\.0$", re.MULTILINE)

REPORT = re.compile(r"(\d+) log lines were dropped: standard error took no more; read it, or free its disk")


def dropped(program: Program) -> int:
    """Read how many lines were dropped."""
    found = DROPPED.search(program.metrics())
    assert found is not None
    return int(found[1])


def ask(program: Program, number: int) -> int:
    """Ask something long, which the log repeats."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": f"{number} {'x' * ASKED_CHARACTERS}"}]}
    return program.ask(CHAT, body).status_code


def collect(descriptor: int, lines: list[str]) -> None:
    """Read a pipe to its end."""
    with os.fdopen(descriptor, encoding="utf-8") as pipe:
        for line in pipe:
            lines.append(line)  # noqa: PERF402 - another thread looks at them meanwhile


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    """Every request is answered; once read, the log tells how many lines are missing, and goes on."""
    read, write = os.pipe()
    lines: list[str] = []
    reader = threading.Thread(target=collect, args=(read, lines), daemon=True)
    with (
        ModelServer() as model,
        Program(OLLAMA_HOST=model.url, OLLAMA_MODEL=MODEL, LOG_PROMPTS="yes").logging_to(write) as program,
    ):
        os.close(write)
        assert {ask(program, number) for number in range(REQUESTS)} == {200}
        until(lambda: dropped(program) > 0)
        reader.start()
        until(lambda: any(REPORT.search(line) for line in lines))
        assert ask(program, REQUESTS) == 200
        until(lambda: f'"content":"{REQUESTS} ' in lines[-1])
        missing = dropped(program)
    reader.join(20)
    assert [json.loads(line)["message"] for line in lines].count("request") == REQUESTS + 1 - missing
    assert sum(int(found[1]) for line in lines if (found := REPORT.search(line))) == missing


def test_a_full_disk_stops_nothing() -> None:
    """Every line is lost, and counted."""
    full = os.open("/dev/full", os.O_WRONLY)
    with ModelServer() as model, Program(OLLAMA_HOST=model.url, OLLAMA_MODEL=MODEL).logging_to(full) as program:
        before = dropped(program)
        assert {ask(program, number) for number in range(3)} == {200}
        until(lambda: dropped(program) >= before + 3)
        program.stop()
        assert program.process.returncode == 0
    os.close(full)
