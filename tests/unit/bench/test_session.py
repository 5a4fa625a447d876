"""A run asks in the right order, repeats what the generator spoiled, and ends in order when interrupted."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest

from bench.errors import GeneratorError, RefusedError, StorageError, TargetError
from bench.load.plan import ClosedLoop, Load, OpenLoop, Phase
from bench.results import Verdict, load_result
from bench.run_folder import RunFolder, read_run
from bench.session import Session
from bench.verdict.slo import Profile
from bench.verdict.thresholds import parse_threshold
from tests.unit.bench.fakes import FakeGenerator, FakeGpus, FakeProbe, FakeService, Notes
from tests.unit.bench.records import hit, miss

if TYPE_CHECKING:
    from bench.samples import Sample

PROFILE = Profile(
    name="unit",
    description="d",
    hardware="h",
    load=Load(
        uncached=ClosedLoop(3, 9),
        cached=OpenLoop.steady(100, 2, 0.5),
        max_lag_p99_ms=5,
    ),
    thresholds=(parse_threshold("latency{task:recipe,cache:hit}", "p(50)<100", gated=True),),
)


_here = tempfile.TemporaryDirectory(prefix="alchemorsel-test-session-")
"""Of all runs' folders; it goes when the tests have ended."""


def session(
    annotations_file: Path | None = None, **changes: object
) -> tuple[Session, FakeService, FakeGenerator, Notes]:
    """Return a session on fakes."""
    service, notes = FakeService(), Notes()
    generator = FakeGenerator(service, **changes)  # type: ignore[arg-type] # fields of FakeGenerator
    folder = RunFolder(Path(tempfile.mkdtemp(dir=_here.name)))
    run = Session(service, generator, PROFILE, notes, "seed", FakeGpus(), folder, annotations_file)
    return run, service, generator, notes


def test_a_run_warms_up_asks_uncached_first_and_primes_what_it_asks_again() -> None:
    """The model is loaded by a request of another seed; each cached phase is primed with the uncached requests."""
    run, service, generator, notes = session()
    result = run.run()
    assert result.verdict is Verdict.PASS
    assert [phase.name for phase in generator.phases] == ["uncached"] * 3 + ["cached"] * 3
    assert service.asked[0] == ("ingredients", "seed-warm-up", 0)
    primed = [(task, "seed", index) for task in ("recipe", "ingredients", "nutrition") for index in range(3)]
    assert service.asked[1:] == primed
    assert notes.lines[0] == "warm-up: model 1"
    assert "cached: recipe 200" in notes.lines
    assert ".. 200" in notes.lines


def test_a_phase_with_a_late_generator_is_run_once_more() -> None:
    """The first attempt counts for nothing, the second is told as such."""
    run, _service, generator, notes = session(late_attempts={"nutrition": 1})
    result = run.run()
    assert result.verdict is Verdict.PASS
    assert len(generator.phases) == 7
    assert len(run.samples) == 3 * 3 + 3 * 200
    assert any("so once more" in line for line in notes.lines)
    assert any("attempt 2" in finding.detail for finding in result.evidence)


def test_a_generator_that_stays_late_makes_the_run_invalid() -> None:
    """There is no third attempt."""
    run, _service, generator, _notes = session(late_attempts={"nutrition": 9})
    result = run.run()
    assert result.verdict is Verdict.INVALID
    assert len(generator.phases) == 7
    assert [task.verdict for task in result.tasks] == [Verdict.PASS, Verdict.PASS, Verdict.INVALID]


def test_an_interrupt_ends_the_run_with_what_there_is() -> None:
    """The phase under way is kept as far as it got; nothing after it is run."""
    run, _service, generator, _notes = session(interrupted_in="ingredients")
    result = run.run()
    assert (result.interrupted, result.verdict) == (True, Verdict.INVALID)
    assert len(generator.phases) == 2
    assert "interrupted" in result.reasons[0]
    assert result.tasks[0].uncached is not None


def test_a_result_tells_service_gpu_and_machine() -> None:
    """What the service says of itself, what the sampler says, and the generator's machine."""
    run, *_ = session()
    environment = run.run().environment
    assert (environment["service version"], environment["GPU"]) == ("1.2.3", "1 x a GPU, driver 1.0")
    assert "generator CPU" in environment


def test_annotations_made_during_the_run_are_kept(tmp_path: Path) -> None:
    """Those of another day are not this run's."""
    file = tmp_path / "annotations.txt"
    file.write_text("2020-01-01T00:00:00+00:00 long ago\n", encoding="utf-8")
    run, _, generator, _ = session(annotations_file=file)

    def note(_phase: Phase) -> None:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(f"{datetime.now(UTC).isoformat()} redis stopped\n")

    generator.on_phase = note
    result = run.run()
    assert {annotation.what for annotation in result.annotations} == {"redis stopped"}
    assert len(result.annotations) == len(result.phases)
    assert [phase.started_s for phase in result.phases] == sorted(phase.started_s for phase in result.phases)


def test_annotations_that_became_unreadable_cost_no_result(tmp_path: Path) -> None:
    """The run is whole; the report says that the annotations are missing, and where the mistake is."""
    file = tmp_path / "annotations.txt"
    file.write_text("yesterday redis stopped\n", encoding="utf-8")
    run, *_ = session(annotations_file=file)
    result = run.run()
    assert (result.verdict, result.annotations) == (Verdict.PASS, [])
    (reason,) = result.reasons
    assert reason.startswith(f"the annotations are left out: {file}:1:1: 'yesterday' is no time; expected 'TIME WHAT'")


def with_more(run: Session) -> Session:
    """Let the profile have streams and cold models too, with a bound each."""
    more = (Phase("stream", "recipe", ClosedLoop(2, 9)), Phase("cold", "recipe", ClosedLoop(1, 9)))
    bounds = (parse_threshold("model_load", "max<9", gated=True), parse_threshold("ttft", "max<9", gated=False))
    load = replace(PROFILE.load, more=more)
    run.profile = replace(PROFILE, load=load, thresholds=(*PROFILE.thresholds, *bounds))
    return run


def test_a_probe_runs_its_own_workload_with_requests_of_its_own() -> None:
    """Streams are not the load generator's; nothing that they ask was asked before."""
    run, service, generator, _notes = session()
    probe = FakeProbe(service)
    run.sequential_runs = {"stream": probe}
    result = with_more(run).run()
    assert result.verdict is Verdict.PASS
    assert [phase.name for phase in probe.phases] == ["stream"]
    assert {phase.seed for phase in generator.phases} == {"seed"}
    assert probe.phases[0].seed == "seed-stream-1"


def test_without_ollama_there_are_no_cold_models_and_no_bounds_for_them() -> None:
    """The result says so, instead of leaving the run undecided."""
    run, service, _generator, _notes = session()
    run.sequential_runs = {"stream": FakeProbe(service)}
    result = with_more(run).run()
    assert "cold" not in {phase.phase for phase in result.phases}
    assert [bound.selector for bound in result.thresholds] == ["latency{task:recipe,cache:hit}", "ttft"]
    assert result.environment["Ollama"].startswith("not asked (--ollama)")


def test_only_the_chosen_workloads_are_run() -> None:
    """A cached phase alone is primed with requests that nobody has asked yet."""
    run, service, generator, _notes = session()
    run.workloads = ("cached",)
    run.run()
    assert [phase.name for phase in generator.phases] == ["cached"] * 3
    assert {phase.distinct for phase in generator.phases} == {3}
    assert len(service.asked) == 1 + 3 * 3


@pytest.mark.parametrize("failure", [GeneratorError("Locust was killed"), OSError(28, "No space left on device", "f")])
def test_whatever_ends_a_run_leaves_the_phases_before_it(failure: Exception) -> None:
    """Their samples are in the file, the result says why the run ended, and is marked as partial."""
    run, _service, _generator, _notes = session(failing_in="ingredients", failure=failure)
    result = run.run()
    assert (result.verdict, result.stopped) == (Verdict.INVALID, result.reasons[0])
    assert str(run.error).startswith(("Locust was killed", "cannot write f: No space left on device"))
    samples = read_run(run.folder.path, result)
    assert len([sample for sample in samples if sample.task == "recipe"]) == 3
    assert next(phase.task for phase in result.phases) == "recipe"


def test_a_killed_harness_leaves_a_result_of_the_phases_that_had_ended() -> None:
    """Nobody is there to write it then, so it is written after each phase."""
    run, _service, generator, _notes = session()
    found = []

    def look(_phase: Phase) -> None:
        if generator.phases[1:]:
            found.append(load_result(run.folder.path))

    generator.on_phase = look
    run.run()
    assert [len(result.phases) for result in found] == [1, 2, 3, 4, 5]
    assert {result.verdict for result in found} == {Verdict.INVALID}
    assert "ended from outside" in found[0].reasons[0]


def test_a_phase_whose_samples_cannot_be_kept_is_not_in_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Result and samples belong together, whatever happens."""
    run, _service, generator, _notes = session()

    def fill_the_disk(phase: Phase) -> None:
        if phase.task == "nutrition":
            full = StorageError("cannot write: full")
            monkeypatch.setattr(run.folder, "keep", Mock(side_effect=full))

    generator.on_phase = fill_the_disk
    result = run.run()
    assert [phase.task for phase in result.phases] == ["recipe", "ingredients"]
    assert len(read_run(run.folder.path, result)) == 6
    assert isinstance(run.error, StorageError)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_run_before_anything_is_measured(status: int) -> None:
    """With the sentence that says what to do."""
    run, service, generator, _notes = session()
    service.refusals = [(status, f"HTTP {status}")]
    with pytest.raises(RefusedError, match=rf"refused: HTTP {status}; it wants an API key.*API_KEY_FILE"):
        run.run()
    assert generator.phases == []


def test_a_service_that_answers_the_warm_up_with_errors_fails() -> None:
    """Three times: a broken service, and no phase is measured; once is forgiven."""
    run, service, generator, _notes = session()
    service.refusals = [(429, "HTTP 429")] * 3
    result = run.run()
    reason = "the warm-up request failed 3 times: HTTP 429; nothing was measured"
    assert (result.verdict, result.reasons, run.error) == (Verdict.FAIL, [reason], None)
    assert generator.phases == []
    again, service, *_ = session()
    service.refusals = [(500, "HTTP 500")]
    assert again.run().verdict is Verdict.PASS


def test_a_service_that_is_gone_at_the_warm_up_is_not_reachable() -> None:
    """No status at all: there is nothing to hold to a bound."""
    run, service, *_ = session()
    service.refusals = [(0, "ConnectError: refused")] * 3
    with pytest.raises(TargetError, match="failed 3 times: ConnectError"):
        run.run()


def test_a_service_that_never_ends_an_answer_fails_at_once() -> None:
    """The warm-up is not repeated, and a phase in which everything ran into the deadline is the last one."""
    run, service, generator, _notes = session()
    service.refusals = [(0, "timeout: no whole answer within 120 s, 118 bytes came")]
    result = run.run()
    assert (result.verdict, len(service.asked), generator.phases) == (Verdict.FAIL, 1, [])
    assert result.stopped.startswith("the warm-up request failed once: timeout: no whole answer within 120 s")

    def dripping(**changes: Any) -> Sample:
        return miss(failure="timeout: no whole answer within 120 s", status=0, cache="none", **changes)

    run, service, generator, _notes = session(answers=dripping)
    result = run.run()
    assert (result.verdict, len(generator.phases)) == (Verdict.FAIL, 1)
    assert result.stopped == "no request of phase uncached recipe was answered in time"


def test_a_phase_that_only_times_out_is_the_last_one_however_many_could_not_be_sent() -> None:
    """Of an open loop, most arrivals find 512 requests under way that no answer ever ends."""
    run, _service, generator, _notes = session()
    failures = ("timeout: no whole answer within 120 s", "not sent: 512 requests under way")

    def answer(*, index: int, **changes: Any) -> Sample:
        if len(generator.phases) <= 3:
            return miss(index=index, **changes)
        return hit(index=index, failure=failures[index % 2], status=0, cache="none", **changes)

    generator.answers = answer
    result = run.run()
    assert (result.verdict, [phase.name for phase in generator.phases]) == (Verdict.FAIL, ["uncached"] * 3 + ["cached"])
    assert result.stopped == "no request of phase cached recipe was answered in time"


def test_a_known_request_that_is_never_answered_again_ends_the_run() -> None:
    """Each of the others would be waited for as long."""
    run, service, generator, _notes = session()
    generator.on_phase = lambda phase: service.refusals.extend(
        [(0, "timeout: no whole answer within 120 s")] if (phase.name, phase.task) == ("uncached", "nutrition") else []
    )
    result = run.run()
    assert (result.verdict, len(service.asked), len(generator.phases)) == (Verdict.FAIL, 2, 3)
    assert result.stopped.startswith("a known request of recipe was not answered: timeout")
    assert len(read_run(run.folder.path, result)) == 9


def test_how_busy_others_keep_the_machine_is_looked_at_right_before_each_cached_phase() -> None:
    """Not meanwhile, when the service itself is busy; the largest share is kept."""
    run, _service, generator, _notes = session()
    shares, looked = [0.1, 0.7, 0.2], []

    def busy_share() -> float:
        looked.append(len(generator.phases))
        return shares[len(looked) - 1]

    run.busy_share = busy_share
    assert (run.run().others, looked) == (0.7, [3, 4, 5])
    assert session()[0].run().others is None
