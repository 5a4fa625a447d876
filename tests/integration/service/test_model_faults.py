"""A real Ollama that answers badly, slowly or with another model: what the caller sees is right, labelled, or in time.

What spoils the answers is a proxy (`meddler.py`); the model that writes them, truncates them or is slow is the real
one.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped] # has none
import pytest

from lab.ollama_process import OllamaProcess
from tests.integration.service.meddler import Meddler, as_it_is
from tests.integration.service.test_streams import events, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.service.program import Program

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
ALONE = "openai"  # A fallback that is not configured is none.
LOAD_S = 11.0
INFERENCE_TIMEOUT = "10s"
MAX_WAIT_S = 40.0


def truncated(body: dict[str, Any]) -> dict[str, Any]:
    """Has Ollama itself stop after some tokens."""
    return {**body, "options": {**body["options"], "num_predict": 6}}


def without_schema(body: dict[str, Any]) -> dict[str, Any]:
    """Has the base model write what comes to its mind."""
    message = {"role": "user", "content": "Once upon a time there was a tomato that"}
    return {**body, "format": "", "messages": [message], "options": {**body["options"], "num_predict": 40}}


def scrambled(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Reverse the text of every chunk; the wire format stays intact."""
    for line in lines:
        chunk = json.loads(line)
        if "message" in chunk:
            chunk["message"]["content"] = chunk["message"]["content"][::-1].replace("{", ")").replace("}", "(")
        yield json.dumps(chunk).encode() + b"\n"


def noisy(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the first three lines intact, and invalid JSON after them."""
    for number, line in enumerate(lines):
        yield line if number < 3 else b"\x00\xff" + line[2:]


def cut(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the first three lines, then break off."""
    for number, line in enumerate(lines):
        if number == 3:
            return
        yield line


FAULTS = [
    ("question", truncated, {"truncated"}),
    ("question", without_schema, {"invalid", "truncated"}),
    ("answer", scrambled, {"invalid"}),
    ("answer", noisy, {"failed"}),
    ("answer", cut, {"incomplete", "unreachable"}),
]


@pytest.fixture
def meddler(ollama: OllamaProcess) -> Iterator[Meddler]:
    """Spoils nothing yet."""
    with Meddler(ollama) as between:
        yield between


@pytest.mark.parametrize(("where", "spoil", "problems"), FAULTS, ids=[spoil.__name__ for _, spoil, _ in FAULTS])
def test_a_bad_answer_is_never_given_and_never_stored(
    start: Callable[..., Program], meddler: Meddler, where: str, spoil: Callable[[Any], Any], problems: set[str]
) -> None:
    """With no stand-in allowed it is 503 with the reason; once the model answers well again, so does the service."""
    body = {"partial": ["bad", spoil.__name__]}
    with start(meddler, AI_FALLBACKS=ALONE) as program:
        setattr(meddler, where, spoil)
        bad = program.ask(INGREDIENTS, body)
        asked = meddler.asked
        setattr(meddler, where, as_it_is)
        good = program.ask(INGREDIENTS, body)
    assert (bad.status_code, bad.json()["code"]) == (503, "unavailable")
    assert int(bad.headers["retry-after"]) >= 1
    (detail,) = bad.json()["details"]
    assert detail["provider"] == "ollama"
    assert detail["problem"] in problems
    assert asked == 2, "what breaks off is asked for once more"
    assert good.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert good.json()["meta"]["provider"] == "ollama"


@pytest.mark.parametrize(("where", "spoil"), [(where, spoil) for where, spoil, _ in FAULTS[:3]])
def test_an_old_answer_is_better_than_a_bad_one(
    start: Callable[..., Program], meddler: Meddler, where: str, spoil: Callable[[Any], Any]
) -> None:
    """Labelled as what it is."""
    body = {"partial": ["old", spoil.__name__]}
    with start(meddler, AI_FALLBACKS=ALONE, INGREDIENTS_TTL="1s", STALE_WHILE_REVALIDATE="0") as program:
        old = program.ask(INGREDIENTS, body)
        setattr(meddler, where, spoil)
        time.sleep(1.6)  # Longer than the answer can be fresh: 1.5 times its base time.
        stale = program.ask(INGREDIENTS, body)
    assert stale.status_code == 200
    assert stale.headers["cache-status"].endswith("detail=stale")
    assert stale.content == old.content


def test_a_stream_that_is_cut_short_ends_with_a_whole_answer(start: Callable[..., Program], meddler: Meddler) -> None:
    """Its text is voided, and the second attempt's answer is the one that is stored."""

    def only_the_first(body: dict[str, Any]) -> dict[str, Any]:
        return truncated(body) if meddler.asked == 1 else body

    meddler.question = only_the_first
    body = {"partial": ["streamed", "twice"]}
    with start(meddler) as program:
        with stream(program, INGREDIENTS, body) as response:
            heard = list(events(response))
        plain = program.ask(INGREDIENTS, body)
    names = [name for name, _ in heard]
    assert (names[0], set(names[1:-2]) - {"suggestion"}, names[-2:]) == ("start", {"delta"}, ["restart", "answer"])
    assert heard[-2][1]["details"] == [{"provider": "ollama", "problem": "truncated"}]
    answer = heard[-1][1]
    assert answer["meta"]["restarted"] is True
    assert answer["data"] == plain.json()["data"]
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")


def runner_of(ollama: OllamaProcess) -> psutil.Process:
    """Wait for the process in which Ollama loads a model, and return it."""
    give_up = time.monotonic() + MAX_WAIT_S
    while not (runners := [child for child in psutil.Process(ollama.pid).children(recursive=True) if is_runner(child)]):
        assert time.monotonic() < give_up
        time.sleep(0.005)
    return runners[0]


def is_runner(process: psutil.Process) -> bool:
    """Return whether a child of Ollama loads models; its first one only finds out how children are waited for."""
    with suppress(psutil.Error):
        return "runner" in process.cmdline()
    return False


@contextmanager
def slow_load(ollama: OllamaProcess, seconds: float) -> Iterator[None]:
    """Suspend the process loading the next model for this many seconds."""

    def hold() -> None:
        runner = runner_of(ollama)
        runner.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        with suppress(psutil.NoSuchProcess):  # Ollama ends a load that nobody waits for any more.
            runner.send_signal(signal.SIGCONT)

    holding = threading.Thread(target=hold)
    holding.start()
    yield
    holding.join()


def test_a_slow_load_is_not_taken_for_a_slow_answer(start: Callable[..., Program]) -> None:
    """It may take longer than an answer, and `Server-Timing` says which of the two took the time."""
    with (
        OllamaProcess() as server,
        start(server, OLLAMA_TIMEOUT=INFERENCE_TIMEOUT, AI_FALLBACKS=ALONE) as program,
        slow_load(server, LOAD_S),
    ):
        answer = program.ask(INGREDIENTS, {"partial": ["slow", "load"]})
    assert answer.status_code == 200
    timings = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    assert float(timings["load"]) >= (LOAD_S - 1) * 1000


def test_a_load_without_end_costs_its_deadline_and_no_more(start: Callable[..., Program]) -> None:
    """503 in time; when the model is there at last, it answers."""
    body = {"partial": ["endless", "load"]}
    with OllamaProcess() as server, start(server, OLLAMA_LOAD_TIMEOUT="2s", AI_FALLBACKS=ALONE) as program:
        with slow_load(server, 4.0):
            answer = program.ask(INGREDIENTS, body)
        give_up = time.monotonic() + MAX_WAIT_S
        while (later := program.ask(INGREDIENTS, body)).status_code == 503:
            assert time.monotonic() < give_up
            time.sleep(0.5)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["details"] == [{"provider": "ollama", "problem": "timeout"}]
    assert later.json()["meta"]["provider"] == "ollama"


def test_a_model_that_hangs_in_the_middle_of_a_stream_ends_it_in_time(start: Callable[..., Program]) -> None:
    """With an error event that says why; the model's next answer is as good as any."""
    body = {"prompt": "an elaborate vegetable lasagne"}
    with OllamaProcess() as server, start(server, OLLAMA_TIMEOUT=INFERENCE_TIMEOUT, AI_FALLBACKS=ALONE) as program:
        with stream(program, "/api/v1/ai/generate-recipe", body) as response:
            heard: list[tuple[str, Any]] = []
            for event in events(response):
                if not heard:
                    runner_of(server).send_signal(signal.SIGSTOP)
                heard.append(event)
        runner_of(server).send_signal(signal.SIGCONT)
        later = program.ask(INGREDIENTS, {"partial": ["after", "the", "hang"]})
    names = [name for name, _ in heard]
    assert names[-2:] == ["restart", "error"]
    assert heard[-1][1]["code"] == "unavailable"
    assert heard[-1][1]["details"] == [{"provider": "ollama", "problem": "timeout"}]
    assert (later.status_code, later.json()["meta"]["provider"]) == (200, "ollama")


def test_a_changed_model_does_not_answer_with_its_predecessors_answers(
    start: Callable[..., Program], ollama: OllamaProcess, tmp_path: Path
) -> None:
    """Created anew under the same name, as after a pull; its digest is another."""
    name, body = "changing-in-a-test", {"partial": ["changed"]}

    def create(temperature: float) -> None:
        modelfile = tmp_path / "Modelfile"
        modelfile.write_text(f"FROM {ollama.model}\nPARAMETER temperature {temperature}\n")
        ollama.command("create", name, "-f", str(modelfile))

    create(0.1)
    try:
        with start(ollama, OLLAMA_MODEL=name) as program:
            old = program.ask(INGREDIENTS, body)
            again = program.ask(INGREDIENTS, body)
            digest = program.http.get("/health").json()["model_digest"]
            create(0.2)
            give_up = time.monotonic() + MAX_WAIT_S
            while program.http.get("/health").json()["model_digest"] == digest:
                assert time.monotonic() < give_up
                time.sleep(0.1)
            new = program.ask(INGREDIENTS, body)
    finally:
        ollama.command("rm", name)
    assert old.headers["cache-status"] == new.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert again.headers["cache-status"].startswith("alchemorsel; hit;")
