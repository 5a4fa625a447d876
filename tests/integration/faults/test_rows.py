"""Six rows of the table of faults, on processes of this machine: nobody who asks for a cached key sees any of them."""

from __future__ import annotations

import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.load.generator import Generator
from bench.results import Verdict
from lab.faults.fault import Bound, Fault
from lab.faults.outcome import WINDOWS
from lab.faults.row import MAX_STARVED, judge
from lab.faults.watch import KNOWN, phase_of, watch
from lab.ollama_process import OllamaProcess
from tests.integration.faults.process_site import ProcessSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from lab.faults.row import Row

SEED = "six rows"
RATE = 100.0
NEW_SHARE = 0.1
LEAD_S = 5.0
DURING_S = 6.0
AFTER_S = 16.0
RECOVERS_S = AFTER_S
"""As long as it is watched: the rows of the lab's site have bounds of their own."""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def site() -> Iterator[ProcessSite]:
    """Run a site; the path of a Unix socket has at most 107 characters."""
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        OllamaProcess() as ollama,
        ProcessSite(Path(folder), ollama) as running,
    ):
        yield running


@pytest.fixture
def row(site: ProcessSite, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Row]:
    """Give a function that tries a fault under load, and judges what callers saw.

    Skips where the machine left the service without a processor: whatever came of it was no fault's doing.
    """

    def attempt(act: Callable[[], AbstractContextManager[None]], **bound: bool) -> Row:
        site.make_ready(SEED, KNOWN)
        limits = Bound(RECOVERS_S, **bound)
        fault = Fault(request.node.name, "", "", lambda _site: act(), limits, during_s=DURING_S, after_s=AFTER_S)
        phase = phase_of(fault, request.session.items.index(request.node), SEED, NEW_SHARE, RATE)
        generator = Generator(site.url, tmp_path / "locust.log")
        before = site.waited_s()
        watched = watch(act(), DURING_S, generator, phase, tmp_path / "samples.jsonl", lead_s=LEAD_S)
        assert not watched.obstacle
        begun, ended = watched.span_s
        waited = [waited_s - before[pid] for pid, waited_s in site.waited_s().items() if pid in before]
        starved = max(waited, default=0.0) / (ended - begun)
        found = judge(fault, watched, "", starved=starved)
        if starved > MAX_STARVED and found.verdict != Verdict.PASS:
            pytest.skip(f"the service waited for a processor for {starved:.0%} of the time: {found.reasons}")
        return found

    return attempt


def seen(found: Row, kind: str) -> list[int]:
    """Return how many callers got something before, during and after the fault."""
    return [found.counts[window].get(kind, 0) for window in WINDOWS]


def test_silent_redis_costs_no_answer(site: ProcessSite, row: Callable[..., Row]) -> None:
    """What was in it is answered from memory, what was not is computed."""

    @contextmanager
    def stopped() -> Iterator[None]:
        site.redis.signal(signal.SIGSTOP)
        yield
        site.redis.signal(signal.SIGCONT)

    assert row(stopped).reasons == []


def test_redis_that_comes_back_empty_costs_no_answer(site: ProcessSite, row: Callable[..., Row]) -> None:
    """Each key is computed again, for all who ask meanwhile."""

    @contextmanager
    def killed() -> Iterator[None]:
        site.redis.kill()
        yield
        site.redis.start()

    assert row(killed).reasons == []


def test_model_that_hangs_is_passed_over(site: ProcessSite, row: Callable[..., Row]) -> None:
    """It answers its health check all the while; new requests get the fallback's answers, labelled."""

    @contextmanager
    def hanging() -> Iterator[None]:
        site.behave("ollama", "hang")
        yield
        site.behave("ollama", "pass")

    found = row(hanging)
    assert found.reasons == []
    assert seen(found, "fallback")[1] > 20


def test_fallback_out_of_quota_makes_honest_refusals(site: ProcessSite, row: Callable[..., Row]) -> None:
    """The model has more to do than it can: the rest is told when to come again."""

    @contextmanager
    def refusing() -> Iterator[None]:
        site.behave("fallback", "429")
        yield
        site.behave("fallback", "pass")

    found = row(refusing)
    assert found.reasons == []
    assert seen(found, "503")[1] > 20
    assert seen(found, "503")[0] == 0


def test_killed_instance_costs_no_answer(site: ProcessSite, row: Callable[..., Row]) -> None:
    """The edge asks the other one, before the first byte of an answer."""

    @contextmanager
    def killed() -> Iterator[None]:
        site.instances[0].kill()
        yield
        site.instances[0].start()

    assert row(killed).reasons == []


def test_reloaded_edge_costs_no_answer(site: ProcessSite, row: Callable[..., Row]) -> None:
    """The former process serves its connections until they end."""

    @contextmanager
    def reloaded() -> Iterator[None]:
        site.edge.reload()
        yield

    assert row(reloaded).reasons == []
