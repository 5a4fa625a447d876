"""The service keeps its SLO, with proof: one test for each bound of the profile and each rule of evidence.

Broken evidence is an error, not a failure: the figures cannot be believed, so they say nothing about the service. So is
every bound of a run that is INVALID. A bound that the samples do not decide fails, with the number that would: what is
not proven is not kept. Bounds that the profile only shows are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.conftest import PROFILE, planned_rules
from bench.report.formats import format_value
from bench.results import Verdict

if TYPE_CHECKING:
    from bench.conftest import FINDING
    from bench.results import Finding, Result, ThresholdResult

pytestmark = pytest.mark.timeout(0)  # a run has deadlines of its own


@pytest.fixture
def finding(measured: Result, rule: FINDING) -> Finding:
    """Return what became of a rule; an error where it does not hold, or was never applied."""
    named = {(one.phase, one.task, one.rule): one for one in measured.evidence}
    if rule not in named:
        pytest.fail("not examined: the run did not get there", pytrace=False)
    if not named[rule].holds:
        pytest.fail(named[rule].detail, pytrace=False)
    return named[rule]


@pytest.fixture
def other_findings(request: pytest.FixtureRequest, measured: Result) -> list[Finding]:
    """Return the findings that no test is named after; an error where one does not hold."""
    planned = set(planned_rules(request.config))
    others = [one for one in measured.evidence if (one.phase, one.task, one.rule) not in planned]
    if broken := [f"{one.phase} {one.task}, {one.rule}: {one.detail}" for one in others if not one.holds]:
        pytest.fail("\n".join(broken), pytrace=False)
    return others


@pytest.fixture
def proven(measured: Result) -> Result:
    """Return the run; an error where it is INVALID."""
    if measured.verdict is Verdict.INVALID:
        pytest.fail("\n".join(["the run is INVALID, so its figures say nothing:", *measured.reasons]), pytrace=False)
    return measured


def test_evidence(finding: Finding) -> None:
    """The rule holds, so the figures of this phase are what they claim to be."""
    assert finding.holds


def test_other_evidence(other_findings: list[Finding]) -> None:
    """Rules that are not of a single phase hold too."""
    assert all(finding.holds for finding in other_findings)


def test_bound(request: pytest.FixtureRequest, proven: Result, bound: int) -> None:
    """The service keeps the bound, and enough samples prove it."""
    wanted = request.config.stash[PROFILE].thresholds[bound]
    named = {(one.selector, one.expression, one.gated): one for one in proven.thresholds}
    judged = named.get((wanted.selector, wanted.expression, wanted.gated))
    if judged is None:
        pytest.skip(f"not measured: the workload {wanted.phase} needs --ollama")
    if not judged.gated:
        pytest.skip(f"shown, not gated: {_tell(judged)}")
    if judged.verdict is not Verdict.PASS:
        pytest.fail(f"{judged.verdict}: {_tell(judged)}", pytrace=False)


def test_other_bounds(request: pytest.FixtureRequest, proven: Result) -> None:
    """Failures that no bound of the profile is about did not happen."""
    planned = {(one.selector, one.expression) for one in request.config.stash[PROFILE].thresholds}
    others = [one for one in proven.thresholds if (one.selector, one.expression) not in planned]
    if broken := [f"{one.verdict}: {one.selector}: {_tell(one)}" for one in others if one.verdict is not Verdict.PASS]:
        pytest.fail("\n".join(broken), pytrace=False)


def test_end(measured: Result) -> None:
    """The run reached its end."""
    if measured.stopped:
        pytest.fail(measured.stopped, pytrace=False)


def _tell(judged: ThresholdResult) -> str:
    sure = "" if judged.upper is None else f", 95 % sure to be at most {format_value(judged.unit, judged.upper)}"
    value = format_value(judged.unit, judged.value)
    return f"measured {value}{sure}, from {judged.samples} samples" + (f"; {judged.note}" if judged.note else "")
