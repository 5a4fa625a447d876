"""Cut a scenario's output to its transcript: ``make scenario SCENARIO=swarm | python -m tools.docs.example_scenario``.

Kept are the steps, what each play changed on each host, the tests, and what callers saw meanwhile. What failed is kept
as well: whoever records it sees it first.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from lab.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STEP = re.compile(
    r"(?:INFO|ERROR) +(?P<scenario>\S+) ➜ (?P<step>\w+): (?P<state>Executing|Executed: (?:Successful|Failed))$"
)
KEPT = (
    re.compile(r"\S+ +: ok=\d+ +changed=\d+ +unreachable=\d+ +failed=\d+"),
    re.compile(r"(?:\.\./)*tests/\S+\.py [.FEsx]+"),
    re.compile(r"_+ test_\w+(?:\[.+\])? _+$"),
    re.compile(r".*\d answers (?:at|beside) .*|taken back after .*|another primary .*"),
    re.compile(r"=+ \d+ (?:passed|failed).*"),
)


def transcript(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that a reader wants, without colours, blanks before each step."""
    for line in (COLOUR.sub("", line).rstrip() for line in lines):
        if step := STEP.match(line):
            yield f"\n# {step['step']}" if step["state"] == "Executing" else f"# {step['step']}: {step['state'][10:]}"
        elif any(kept.match(line) for kept in KEPT):
            yield re.sub(r" +(skipped|rescued|ignored)=.*", "", line).removeprefix("../../")


def main() -> int:
    """Write the transcript of what comes on standard input; return the exit status."""
    lines = sys.stdin.readlines()
    steps = [found for line in lines if (found := STEP.match(COLOUR.sub("", line).rstrip()))]
    if not steps:
        sys.stderr.write("expected the output of a scenario: there is no step of one in it\n")
        return 1
    scenario = steps[0]["scenario"]
    file = ROOT / "docs" / "examples" / f"scenario-{scenario}.txt"
    head = f"# The scenario {scenario}: each step, what it changed on each host, its tests, and what callers got.\n"
    file.write_text(head + "\n".join(transcript(lines)) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
