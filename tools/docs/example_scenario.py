"""Cut a scenario's output to its transcript: ``python -m tools.docs.example_scenario swarm`` reads it from its input.

Kept are the steps, what each play changed on each host, the tests, and what callers saw meanwhile. Of a run that did
not pass no transcript is written.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from lab.paths import ROOT
from lab.scenarios.output import begun_phase, find_fault, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ENDED = re.compile(r"INFO +\S+ ➜ (?P<phase>\w+): Executed: (?P<outcome>Successful)$")
KEPT = (
    re.compile(r"\S+ +: ok=\d+ +changed=\d+ +unreachable=\d+ +failed=\d+"),
    re.compile(r"(?:\.\./)*tests/\S+\.py [.FEsx]+"),
    re.compile(r"_+ test_\w+(?:\[.+\])? _+$"),
    re.compile(r".*\d answers (?:at|beside) .*|taken back after .*|another primary .*"),
    re.compile(r"=+ \d+ (?:passed|failed).*"),
)


def transcript(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that a reader wants, a blank before each phase.

    Args:
        lines: Without colours.
    """
    for line in lines:
        if phase := begun_phase(line):
            yield f"\n# {phase}"
        elif ended := ENDED.match(line):
            yield f"# {ended['phase']}: {ended['outcome']}"
        elif any(kept.match(line) for kept in KEPT):
            yield re.sub(r" +(skipped|rescued|ignored)=.*", "", line).removeprefix("../../")


def main(scenario: str) -> int:
    """Write the transcript of what comes on standard input; return the exit status."""
    lines = [plain(line).rstrip() for line in sys.stdin]
    if fault := find_fault("\n".join(lines)):
        sys.stderr.write(f"no transcript of {scenario} is written: {fault}\n")
        return 1
    head = f"# The scenario {scenario}: each step, what it changed on each host, its tests, and what callers got.\n"
    file = ROOT / "docs" / "examples" / f"scenario-{scenario}.txt"
    file.write_text(head + "\n".join(transcript(lines)) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
