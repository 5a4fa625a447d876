"""The result as JUnit XML, so that a CI shows every bound and every rule of evidence as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from bench.report.formats import format_value
from bench.results import Result, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator


def render_junit(result: Result) -> bytes:
    """Return the result as JUnit XML.

    Outcomes are those of ``pytest bench``: a broken rule of evidence is an error, and so is every gated bound of
    an INVALID run; a bound that is broken or not decided is a failure; one that is not gated is skipped.

    Args:
        result: The run.
    """
    cases = list(_cases(result))
    suite = ET.Element(
        "testsuite",
        name=f"bench {result.profile}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{result.duration_s:.3f}",
        timestamp=result.started_at,
    )
    suite.extend(cases)
    ET.indent(suite)
    document: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _cases(result: Result) -> Iterator[ET.Element]:
    for finding in result.evidence:
        case = ET.Element(
            "testcase", classname="bench.evidence", name=f"{finding.phase} {finding.task}: {finding.rule}"
        )
        if not finding.holds:
            ET.SubElement(case, "error", message=finding.detail)
        yield case
    if result.interrupted:
        case = ET.Element("testcase", classname="bench.evidence", name="the run reached its end")
        ET.SubElement(case, "error", message="interrupted")
        yield case
    if result.stopped:
        case = ET.Element("testcase", classname="bench.evidence", name="the run reached its end")
        ET.SubElement(case, "failure" if result.verdict is Verdict.FAIL else "error", message=result.stopped)
        yield case
    for bound in result.thresholds:
        case = ET.Element("testcase", classname="bench.bounds", name=f"{bound.selector}: {bound.expression}")
        measured = "nothing measured" if bound.value is None else f"measured {format_value(bound.unit, bound.value)}"
        message = f"{measured} from {bound.samples} samples"
        message += f"; {bound.note}" if bound.note else ""
        if not bound.gated:
            ET.SubElement(case, "skipped", message=f"not gated in this profile; {message}")
        elif result.verdict is Verdict.INVALID:
            ET.SubElement(case, "error", message=f"the run is INVALID; {message}")
        elif bound.verdict is not Verdict.PASS:
            ET.SubElement(case, "failure", message=f"{bound.verdict}: {message}")
        yield case
