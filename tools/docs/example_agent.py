"""Record an agent with a tool in front of the service: ``python -m tools.docs.example_agent``.

The lab's model has no tools, so the service stands in front of the tests' stand-in, which calls the first tool that it
is offered. Agent and service are real. A recording that does not show what it claims is not written.
"""

from __future__ import annotations

import re
import sys

from lab.command import run
from lab.paths import ROOT
from tests.clients.catalogue import CLIENTS
from tests.clients.environments import command
from tests.clients.stand_in import FINAL, MODEL, StandIn
from tests.integration.service.program import Program

FILE = ROOT / "docs" / "examples" / "client-agent.txt"
PROGRAM = "tests.clients.programs.pydantic_ai_transcript"
HEAD = f"""\
# An agent of Pydantic AI with one tool, twice, against the service in front of a stand-in for a model with tools
# (tests/clients/stand_in.py): it calls the first tool that it is offered, and ends with a fixed sentence.
# By `python -m tools.docs.example_agent`; checked when this was made: the tool was run with the model's arguments,
# its result went back, and the second run had every answer from the cache.

$ python -m {PROGRAM} http://127.0.0.1:3010/v1 {MODEL}
"""
CLAIMS = (
    r"the agent runs weather\(city='Rome'\)",
    r'tool-call:  \{"tool_name": "weather", "args": "\{.*Rome.*\}"\}',
    r"tool-return: sunny, 24 degrees",
    rf"text: {re.escape(FINAL)}",
    r"(?s)first run:.*fwd=miss.*second run:(?!.*fwd=miss).*; hit",
)


def main() -> int:
    """Make the recording; return the exit status."""
    interpreter = command(CLIENTS["pydantic-ai"])[0]
    with StandIn("ollama") as stand_in, Program(**stand_in.settings) as program:
        text = run([interpreter, "-m", PROGRAM, f"{program.url}/v1", MODEL], timeout_s=120, cwd=ROOT)
    missing = [claim for claim in CLAIMS if not re.search(claim, text)]
    if missing:
        sys.stderr.write(f"{FILE.name} is not written: it does not show {missing}. It says:\n{text}")
        return 1
    FILE.write_text(HEAD + text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
