"""The recordings of the service show what they claim, and one that did not would not be written."""

from __future__ import annotations

import re

import pytest

from tools.docs.example_service.__main__ import FOLDER, main
from tools.docs.example_service.claims import CLAIMS, ClaimError, check
from tools.docs.example_service.parts import API_PORT, OLLAMA_PORT, REDIS_PORT
from tools.docs.example_service.recordings import RECORDINGS

HERD, KILLED, OPENAI, STREAM, HONEST, LONG = RECORDINGS


def committed(name: str) -> str:
    """Read a recording of the repository."""
    return (FOLDER / f"service-{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_committed_recording_shows_what_it_claims(name: str) -> None:
    """It is held against the claims as they are now, and its head lists them."""
    text = committed(name)
    check(name, text)
    assert [claim.says for claim in CLAIMS[name]] == re.findall(r"^# - (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_shows_the_usual_ports(name: str) -> None:
    """Which ports were free on somebody's machine helps nobody."""
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", committed(name))}
    assert ports <= {API_PORT, OLLAMA_PORT, REDIS_PORT}


@pytest.mark.parametrize("name", RECORDINGS)
def test_where_nothing_was_printed_no_claim_holds(name: str) -> None:
    """The code of a client, which a recording shows too, is no evidence."""
    code = re.split(r"\n\$ (?:python (?:tools/)?docs/|curl -sN)", committed(name))[0]
    with pytest.raises(ClaimError) as caught:
        check(name, code)
    for claim in CLAIMS[name]:
        assert claim.says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "pattern", "wrong", "says"),
    [
        (HERD, r"200: 100 of 100", "200: 99 of 100", "the same bytes"),
        (HERD, r"different bodies: 1", "different bodies: 2", "the same bytes"),
        (HERD, r"100 x X-AI-Provider: ollama", "100 x X-AI-Provider: mock", "no stand-in"),
        (HERD, r" 99 x Cache-Status", " 98 x Cache-Status", "99 share it"),
        (HERD, r"\n(\[GIN\].*/api/chat\")", r"\n\1\n\1", "one call"),
        (HERD, r"(provider_calls_total.*) 1\.0", r"\1 2.0", "one call"),
        (KILLED, r"ms late", "000 ms late", "200 requests a second"),
        (KILLED, r"Could not connect to Redis", "PONG", "Redis is gone"),
        (KILLED, r"same bytes: 0 of", "same bytes: 1 of", "every stored answer"),
        (KILLED, r"after the kill: alchemorsel; hit", "after the kill: alchemorsel; fwd=stale", "every stored answer"),
        (KILLED, r"(  new questions after.*) x 200", r"\1 x 503", "new questions are answered"),
        (KILLED, r"no answer: 0", "no answer: 1", "before its deadline"),
        (KILLED, r"30 s: 0", "30 s: 1", "before its deadline"),
        (KILLED, r"\n(\{\"time\".*)", r"\n\1\n\1", "logs it, once"),
        (OPENAI, r"; hit;", "; fwd=miss; stored", "a miss, then a hit"),
        (OPENAI, r"(; hit;.*\n   )", r"\1another ", "the same answer"),
        (OPENAI, r"streamed: \[.*", 'streamed: ["all at once"]', "in pieces"),
        (OPENAI, r'\{"herb": ".*"\}', '{"plant": "x"}', "JSON schema"),
        (OPENAI, r"BadRequestError: Error code: 400", "InternalServerError: Error code: 500", "mistakes"),
        (STREAM, r"(?m)^ *[\d.]+  (event: delta)", r"  0.758  \1", "while the model writes"),
        (STREAM, r"alchemorsel; hit", "alchemorsel; fwd=miss", "ends a miss and a hit"),
        (STREAM, r'"degraded":false,"timings', '"degraded":true,"timings', "ends a miss and a hit"),
        (STREAM, r'(?s)(.*"data":\{"suggestions":\[)', r'\1"another",', "the same answer"),
        (STREAM, r"data: \[DONE\]", "", "a chat streams"),
        (HONEST, r"(a chat .*) -> 503, by nobody", r"\1 -> 200, by mock", "never a sample"),
        (HONEST, r"(?m)^JSON mode, seed 2.*", r'JSON mode, 2 -> 200, by ollama, miss: ["stop", "[1]"]', "JSON mode"),
        (HONEST, r"the next caller -> 200, by ollama", "the next caller -> 503, by nobody", "the next caller"),
        (HONEST, r"-> 400(.*): context_length_exceeded", r"-> 200\1: miss", "longer than the context"),
        (HONEST, r"told: \d+ kcal; confidence [\d.]+", "told: 9999 kcal; confidence 0.93", "energy fits"),
        (HONEST, r"fwd=bypass", "fwd=miss; stored", "Cache-Control"),
        (HONEST, r"server-timing: ollama;dur=\d+", "server-timing: provider;dur=0", "a silent model"),
        (LONG, r"(plain: .*, after) \d+ s", r"\1 31 s", "plain and streamed"),
        (LONG, r"\[DONE\]'", "event: error'", "plain and streamed"),
        (LONG, r'"status":"healthy"', '"status":"degraded"', "taken for silent"),
    ],
)
def test_a_recording_that_does_not_show_it_is_refused(name: str, pattern: str, wrong: str, says: str) -> None:
    """The error names what is missing, and nothing else."""
    text = committed(name)
    spoiled = re.sub(pattern, wrong, text)
    assert spoiled != text
    with pytest.raises(ClaimError, match=says) as caught:
        check(name, spoiled)
    named = [claim.says for claim in CLAIMS[name] if claim.says in str(caught.value).partition(". It says:")[0]]
    assert len(named) == 1


def test_an_unknown_recording_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names there are."""
    with pytest.raises(SystemExit, match="2"):
        main(["heard"])
    assert "no such recording: heard; expected some of herd, redis-killed" in capsys.readouterr().err
