"""What molecule prints while it runs a scenario: the phase that begins, and the first fault of a whole run."""

from __future__ import annotations

import re

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"(?:INFO|WARNING|ERROR|CRITICAL) +\S+ ➜ (?P<action>\w+): (?P<text>.*)")
_SEQUENCE = "scenario test matrix: "
_BEGUN = "Executing"
_ENDED = re.compile(r"Executed: (?P<outcome>[^(]+)")
_PASSED = re.compile(r"=+ (?:.*, )?[1-9]\d* passed\b.* in [\d.]+s.* =+")


def plain(line: str) -> str:
    """Return a line without its colours."""
    return _ESCAPES.sub("", line)


def begun_phase(line: str) -> str:
    """Return the phase that begins with a line, in molecule's word; "" where none does.

    Args:
        line: Without colours.
    """
    told = _LINE.match(line)
    return told["action"] if told and told["text"] == _BEGUN else ""


def find_fault(transcript: str) -> str:
    """Return the first thing that is wrong with a run whose exit status is 0; "" where nothing is.

    Each phase that molecule announced has to end well, and each verification with a test that passed: molecule takes
    playbooks that are missing and tests that were all skipped for successes.

    Args:
        transcript: All that molecule printed, without colours.
    """
    announced: list[str] = []
    ended = 0
    has_passed = False
    for line in transcript.splitlines():
        told = _LINE.match(line)
        if told is None:
            has_passed = has_passed or bool(_PASSED.fullmatch(line))
        elif told["text"].startswith(_SEQUENCE):
            announced = [phase.strip() for phase in told["text"].removeprefix(_SEQUENCE).split(", ")]
        elif told["text"] == _BEGUN:
            has_passed = False
        elif end := _ENDED.match(told["text"]):
            phase = announced[ended] if ended < len(announced) else told["action"]
            outcome = end["outcome"].strip()
            if outcome != "Successful":
                return f"{phase}: {outcome.lower()}"
            if told["action"] == "verify" and not has_passed:
                return f"{phase}: no test passed"
            if phase.partition(" ")[0] != told["action"]:
                return f"{told['action']} in place of {phase}"
            ended += 1
    if ended != len(announced) or not announced:
        return f"{ended} of {len(announced)} announced phases were run"
    return ""
