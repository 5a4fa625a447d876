"""The phases of a scenario, read from what molecule prints while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

SUCCESSFUL = "Successful"
"""Molecule's own word for a phase that ended well."""

UNFINISHED = "unfinished"
"""Our word for a phase whose end molecule did not print."""

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"(?:INFO|WARNING|ERROR|CRITICAL) +(?P<scenario>\S+) ➜ (?P<action>\w+): (?P<text>.*)")
_SEQUENCE = "scenario test matrix: "
_OUTCOME = re.compile(r"Executed: (?P<outcome>[^(]+)")
_TEST_FILE = re.compile(r"(?:\.\./)*(?P<folder>tests/\w+)/(?:\w+/)*test_\w+\.py [.sFExX]+")
_TEST_SUMMARY = re.compile(r"=+ (?P<counts>.*) in [\d.]+s.* =+")
_COUNT = re.compile(r"(\d+) (passed|failed|errors?)")


@dataclass(frozen=True)
class Phase:
    """One phase of a scenario, as molecule told of it."""

    action: str
    """Molecule's name: create, check, converge, idempotence, verify, side_effect, ..."""

    argument: str = ""
    """The playbook or the folder that the sequence names after the action."""

    outcome: str = UNFINISHED
    """Molecule's word: Successful, Failed, Missing playbook, ...; UNFINISHED where it told none."""

    seconds: float = 0.0

    tests: str = ""
    """The folder whose tests pytest ran in this phase."""

    passed: int = 0
    """How many of these tests passed; skipped ones show nothing and are not counted."""

    failed: int = 0

    @property
    def fault(self) -> str:
        """What is wrong with it, in a word or two; empty where it ended well, and showed something by its tests."""
        if self.outcome != SUCCESSFUL:
            return self.outcome.lower()
        if self.failed:
            return "tests failed"
        return "tested nothing" if self.tests and not self.passed else ""

    @property
    def is_good(self) -> bool:
        """Whether there is no fault."""
        return not self.fault


class PhaseReader:
    """Collects phases line by line; a line that is none of molecule's changes nothing."""

    def __init__(self) -> None:
        self.sequence: list[tuple[str, str]] = []
        """Actions and their arguments that molecule announced."""
        self.phases: list[Phase] = []
        """Those that began so far; the last one may be under way."""
        self._began_s: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every phase that was announced ended well, and no other was needed."""
        shown = [(phase.action, phase.argument) for phase in self.phases if phase.is_good]
        return bool(self.sequence) and shown == self.sequence and len(shown) == len(self.phases)

    def take(self, line: str, at_s: float) -> None:
        """Read one line.

        Args:
            line: as printed, colours included.
            at_s: when it came, in seconds since the run began.
        """
        text = plain(line)
        told = _LINE.match(text)
        if told is None:
            self._take_tests(text)
        elif told["text"].startswith(_SEQUENCE):
            self.sequence = [_step(item) for item in told["text"].removeprefix(_SEQUENCE).split(", ")]
        elif told["text"] == "Executing":
            self._begin(told["action"], at_s)
        elif (ended := _OUTCOME.match(told["text"])) is not None:
            self._end(ended["outcome"].strip(), at_s)

    def finish(self, at_s: float) -> list[Phase]:
        """The phases at the end of the run; one that is still under way stays unfinished."""
        if self._began_s is not None:
            self._end(UNFINISHED, at_s)
        return self.phases

    def _begin(self, action: str, at_s: float) -> None:
        place = len(self.phases)
        # After a failure molecule cleans up and destroys out of turn: the announced sequence tells nothing of those.
        announced = self.sequence[place] if place < len(self.sequence) else ("", "")
        self.phases.append(Phase(action, announced[1] if announced[0] == action else ""))
        self._began_s = at_s

    def _end(self, outcome: str, at_s: float) -> None:
        if self._began_s is not None:
            self._change(outcome=outcome, seconds=round(at_s - self._began_s, 1))
            self._began_s = None

    def _take_tests(self, text: str) -> None:
        if self._began_s is None or self.phases[-1].action != "verify":
            return
        if (file := _TEST_FILE.match(text)) is not None:
            self._change(tests=file["folder"])
        elif (summary := _TEST_SUMMARY.fullmatch(text)) is not None:
            counts = {kind: int(number) for number, kind in _COUNT.findall(summary["counts"])}
            passed = counts.pop("passed", 0)
            self._change(passed=passed, failed=sum(counts.values()))

    def _change(self, **values: str | float) -> None:
        self.phases[-1] = replace(self.phases[-1], **values)  # type: ignore[arg-type] # checked by its callers


def plain(line: str) -> str:
    """A line without its colours."""
    return _ESCAPES.sub("", line)


def _step(item: str) -> tuple[str, str]:
    action, _, argument = item.strip().partition(" ")
    return action, argument
