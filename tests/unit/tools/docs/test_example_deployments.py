"""The recording of deployments: callers, what is made of their calls, and that a text which shows less is refused."""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from lab.paths import ROOT
from tests.http_fake import FakeHandler, HTTPFake
from tests.waiting import until
from tools.docs.example_deployments.__main__ import report
from tools.docs.example_deployments.callers import BODY, PATH, Call, read
from tools.docs.example_deployments.claims import CLAIMS, PLAYS, RATE, check
from tools.docs.example_deployments.summary import QUIET, Row, Window, parse, summarize, table
from tools.docs.example_service.claims import ClaimError

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def call(due_s: float, *, ms: float = 1.0, status: int = 200, cache: str = "hit", same: bool = True) -> Call:
    """Build a call with a due time in seconds, started on time, and a duration in milliseconds."""
    return Call(int(due_s * SECOND), 0, int(ms * MILLISECOND), status, cache, same)


def good() -> str:
    """Build a recording of everything: twenty plays of each kind, ten seconds each, quiet before and after."""
    kinds = ["deployment", "settings", "rollback"]
    phases = [QUIET] + [kind for kind in kinds for _ in range(PLAYS)] + [QUIET]
    windows = [Window(phase, at * SECOND, (at + 1) * SECOND) for at, phase in enumerate(phases)]
    calls = [call(number / RATE) for number in range(RATE * (len(phases) + 1))]
    return report(windows, calls, "inventories/lab")


def test_text_that_shows_everything_is_accepted() -> None:
    """Otherwise no refusal below would prove anything."""
    check(good())


@pytest.mark.parametrize(
    ("pattern", "wrong", "says"),
    [
        (r"(deployment +)20", r"\g<1>19", "20 deployments"),
        (r"(settings .*)\n", r"\1 x\n", "20 deployments"),
        (r"(rollback +20 +20.0 +)4000( +0 +)4000( +)4000", r"\g<1>2000\g<2>2000\g<3>2000", "requests/s"),
        (r"(settings +20 +20.0 +4000 +)0", r"\g<1>1", "no request failed"),
        (r"(deployment +20 +20.0 +4000 +0 +)4000", r"\g<1>3999", "every answer was a hit"),
        (r"(rollback .* 4000 +)4000", r"\g<1>3999", "every answer was a hit"),
        (r"(deployment .* 1\.00 +)1\.00", r"\g<1>2.01", "p99"),
        (r"outside of these: (\d+) requests, 0 failed", r"outside of these: \1 requests, 1 failed", "between plays"),
    ],
)
def test_text_that_shows_less_is_refused(pattern: str, wrong: str, says: str) -> None:
    """With what is missing."""
    spoiled = re.sub(pattern, wrong, good(), count=1)
    assert spoiled != good()
    with pytest.raises(ClaimError, match=says):
        check(spoiled)


def test_every_claim_is_missed_where_nothing_was_measured() -> None:
    """Commands alone are no evidence."""
    with pytest.raises(ClaimError) as caught:
        check("$ ansible-playbook playbooks/deploy.yml")
    assert all(claim.says in str(caught.value) for claim in CLAIMS)


def test_a_call_counts_where_it_was_due() -> None:
    """However long it took, and whatever the site did by then."""
    windows = [
        Window(QUIET, 0, SECOND),
        Window("deployment", SECOND, 2 * SECOND),
        Window("deployment", 3 * SECOND, 4 * SECOND),
    ]
    calls = [
        call(0.5),
        call(0.9, ms=1500),
        call(1.5, status=0, cache="none", same=False),
        call(2.5, ms=9),
        call(3.5, ms=3, cache="miss"),
    ]
    assert summarize(QUIET, windows, calls) == Row(QUIET, 0, 1.0, 2, 0, 2, 2, 1.0, 1500.0, 1500.0)
    assert summarize("deployment", windows, calls) == Row("deployment", 2, 2.0, 2, 1, 0, 1, 1.0, 3.0, 3.0)


def test_rows_are_read_from_their_table() -> None:
    """As precisely as they are shown."""
    rows = [
        Row(QUIET, 0, 120.0, 24000, 0, 24000, 24000, 0.61, 1.9, 12.5),
        Row("rollback", 20, 400.5, 80100, 1, 2, 3, 0.7, 2.0, 30.0),
    ]
    assert parse(table(rows)) == rows


class _Api(FakeHandler):
    protocol_version = "HTTP/1.1"
    fake: Api

    def do_POST(self) -> None:
        """Answer from the cache, once with another answer."""
        self.fake.asked += 1
        assert (self.path, self.body()) == (PATH, json.loads(BODY))
        value: dict[str, Any] = {"other": True} if self.fake.asked == Api.OTHER else {"data": {}}
        self.answer(200, value, {"Cache-Status": "alchemorsel; hit; ttl=9"})


class Api(HTTPFake):
    """A service with one stored answer."""

    OTHER = 5
    handler = _Api

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0


def test_callers_write_down_what_they_got(tmp_path: Path) -> None:
    """In the order and at the rate in which requests were due, until they are ended."""
    file = tmp_path / "calls.csv"
    with Api() as api:
        argv = [sys.executable, "-m", "tools.docs.example_deployments.callers", api.url, "50", str(file)]
        with subprocess.Popen(argv, cwd=ROOT) as process:
            until(lambda: api.asked > 4 * Api.OTHER)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    calls = sorted(read(file))
    assert len(calls) == api.asked - 1  # before them, the answer was stored
    assert {(each.status, each.cache) for each in calls} == {(200, "hit")}
    assert [each.same for each in calls].count(False) == 1
    assert {later.due_ns - sooner.due_ns for sooner, later in itertools.pairwise(calls)} == {SECOND // 50}
    assert all(each.late_ns >= 0 and 0 < each.latency_ns < time.monotonic_ns() for each in calls)


def test_callers_refuse_a_service_without_an_answer(tmp_path: Path) -> None:
    """There would be nothing to compare with."""
    argv = [
        sys.executable,
        "-m",
        "tools.docs.example_deployments.callers",
        "http://127.0.0.1:9",
        "50",
        str(tmp_path / "none"),
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "expected an answer to store" in done.stderr
