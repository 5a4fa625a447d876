"""What the text of each recording must show; one that does not is not written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


_BY_OLLAMA = (200, "ollama")


class ClaimError(Exception):
    """A recording does not show what it is for."""


@dataclass(frozen=True)
class Claim:
    """One thing to be seen."""

    says: str
    """For the recording's head, and for who reads that it does not hold."""

    holds: Callable[[str], bool]
    """Whether a text shows it."""


def check(name: str, text: str) -> None:
    """Hold a recording against what it is for.

    Args:
        name: Of the recording.
        text: What commands printed.

    Raises:
        ClaimError: Something is not to be seen; all that is not is named.
    """
    missing = [claim.says for claim in CLAIMS[name] if not claim.holds(text)]
    if missing:
        raise ClaimError(f"the recording {name} does not show: {'; '.join(missing)}. It says:\n{text}")


def _has(*patterns: str) -> Callable[[str], bool]:
    """Each pattern has a line of its own."""
    return lambda text: all(re.search(rf"^{pattern}$", text, re.MULTILINE) for pattern in patterns)


def _count(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text, re.MULTILINE))


def _sum(pattern: str, text: str) -> int:
    return sum(map(int, re.findall(pattern, text, re.MULTILINE)))


def _one_provider_call(text: str) -> bool:
    calls = re.findall(r"^alchemorsel_ai_provider_calls_total\{.*\} (\S+)$", text, re.MULTILINE)
    return calls == ["1.0"] and _count(r"^\[GIN\].*POST .*/api/chat", text) == 1


def _shared(text: str) -> bool:
    shared = _sum(r"^ *(\d+) x Cache-Status: alchemorsel; (?:hit;.*|fwd=miss; collapsed; detail=coalesced)$", text)
    return shared == 99 and _has(" *1 x Cache-Status: alchemorsel; fwd=miss; stored")(text)


def _stored_are_hits(text: str) -> bool:
    lost = re.search(r"^stored questions answered by anything but .*: 0 of (\d+)$", text, re.MULTILINE)
    hits = _sum(r"^ *(\d+) x Cache-Status, asked \w+ the kill: alchemorsel; hit;", text)
    asked = _sum(r"^  stored questions \w+ the kill: (\d+) asked, by status \1 x 200;", text)
    return lost is not None and int(lost[1]) == hits == asked and _count("^  stored questions after", text) == 1


def _new_are_answered(text: str) -> bool:
    return _count(r"^  new questions (?:before|after) the kill: (\d+) asked, by status \1 x 200;", text) == 2


def _one_line_in_the_log(text: str) -> bool:
    events = [json.loads(line)["message"] for line in re.findall(r'^\{"time":.*"level":.*$', text, re.MULTILINE)]
    return len(events) == 1 and events[0].startswith("Redis does not answer")


def _repeated_from_the_cache(text: str) -> bool:
    pattern = r"^Cache-Status: alchemorsel; (\S+).*\n +(.*)$"
    found = re.findall(pattern, text, re.MULTILINE)
    return [word for word, _ in found] == ["fwd=miss;", "hit;"] and len({answer for _, answer in found}) == 1


def _streamed_to_openai(text: str) -> bool:
    pieces = re.search(r"^streamed: (\[.*\])$", text, re.MULTILINE)
    return pieces is not None and sum(bool(piece) for piece in json.loads(pieces[1])) > 2


def _keeps_to_schema(text: str) -> bool:
    answer = re.search(r"^by json_schema: (\{.*\})$", text, re.MULTILINE)
    herb = json.loads(answer[1]).get("herb") if answer else None
    return isinstance(herb, str) and len(herb) <= 20


def _events(text: str, place: int) -> list[tuple[float, str, Any]]:
    """Seconds, event and data of the stream that curl was given as the first, second or a later one."""
    streams = text.split("$ curl -sN")[1:]
    stream = streams[place] if place < len(streams) else ""
    found = re.findall(r"^ *([\d.]+)  event: (\w+)\n *[\d.]+  data: (\{.*\})$", stream, re.MULTILINE)
    return [(float(seconds), event, json.loads(data)) for seconds, event, data in found]


def _comes_as_it_is_written(text: str) -> bool:
    times = [seconds for seconds, event, _ in _events(text, 0) if event == "delta"]
    # Collected and sent at once, they would come within a millisecond or two.
    return len(times) > 4 and len(set(times)) > len(times) / 2


def _ends_with_the_answer(text: str) -> bool:
    for place, cached in ((0, "fwd=miss"), (1, "hit")):
        events = _events(text, place)
        if not events or f"cache-status: alchemorsel; {cached}" not in text.split("$ curl -sN")[place + 1]:
            return False
        _, event, data = events[-1]
        if event != "answer" or data["meta"]["provider"] != "ollama" or data["meta"]["degraded"]:
            return False
    return True


def _replays_the_same(text: str) -> bool:
    first, second = _events(text, 0), _events(text, 1)
    return bool(first and second) and first[-1][2]["data"] == second[-1][2]["data"]


def _ends_a_chat(text: str) -> bool:
    chat = text.rpartition("$ curl -sN")[2]
    return _count(r'^ *[\d.]+  data: \{.*"chat.completion.chunk"', chat) > 3 and _count(r"  data: \[DONE\]$", chat) == 1


def _rows(text: str, what: str) -> list[tuple[int, str]]:
    """Status and answerer of each row that begins so."""
    found = re.findall(rf"^{what}.* -> (\d+), by ([\w-]+), ", text, re.MULTILINE)
    return [(int(status), provider) for status, provider in found]


def _only_a_model_chats(text: str) -> bool:
    rows = [row for what in ("JSON mode", "schema with", "the next caller", "a chat") for row in _rows(text, what)]
    return len(rows) == 11 and all(row in {(200, "ollama"), (400, "nobody"), (503, "nobody")} for row in rows)


def _json_is_whole(text: str) -> bool:
    answers = re.findall(r"^JSON mode, .* -> 200, .*?: (\[.*\])$", text, re.MULTILINE)
    given = [row for row in _rows(text, "JSON mode") if row == _BY_OLLAMA]
    return len(answers) == len(given) and all(
        reason == "length" or isinstance(json.loads(content), dict) for reason, content in map(json.loads, answers)
    )


def _too_long_is_refused(text: str) -> bool:
    return _count(r"^14 KB .* -> 400, by nobody, .*: context_length_exceeded: ", text) == 2


def _energy_is_true(text: str) -> bool:
    found = re.findall(r"^  4/4/9 kcal/g: (\d+) kcal, told: (\d+) kcal; confidence (\S+)$", text, re.MULTILINE)
    return len(found) == 2 and all(
        abs(int(told) - int(macros)) <= 0.2 * int(macros) + 1 or float(confidence) <= 0.3
        for macros, told, confidence in found
    )


def _silence_is_booked(text: str) -> bool:
    return _rows(text, "a recipe of a silent model") == [(200, "mock")] and _has(
        r'  x-ai-degraded: sample;reason="ollama: timeout"',
        r'  server-timing: ollama;dur=\d{4,}.*;desc="timeout".*',
        "  health: degraded",
    )(text)


def _takes_minutes(text: str) -> bool:
    plain = r"^plain: status 200 by ollama, degraded False, after (\d+) s, "
    streamed = r"^streamed: status 200, \d+ pieces in (\d+) s, .*, last line 'data: \[DONE\]'$"
    seconds = [int(found[1]) for found in (re.search(each, text, re.MULTILINE) for each in (plain, streamed)) if found]
    return len(seconds) == 2 and min(seconds) >= 120


CLAIMS: dict[str, tuple[Claim, ...]] = {
    "herd": (
        Claim(
            "100 people are answered, with the same bytes",
            _has(r"answered with status 200: 100 of 100, .*", r"different bodies: 1"),
        ),
        Claim("the model answers them, no stand-in", _has(r" *100 x X-AI-Provider: ollama")),
        Claim("one is computed and stored, 99 share it", _shared),
        Claim("one call, by Ollama's own log and by the service's counters", _one_provider_call),
    ),
    "redis-killed": (
        Claim("200 requests a second", _has(r"asked 2400 in 12 s, at most \d{1,3} ms late")),
        Claim("Redis is gone", _has(r"t=\S+ s: kill -9 of redis-server", "Could not connect to Redis .*")),
        Claim("every stored answer goes on as a hit with the same bytes", _stored_are_hits),
        Claim("new questions are answered, before and after", _new_are_answered),
        Claim("every request is answered before its deadline", _has("no answer: 0", "past the deadline of 30 s: 0")),
        Claim("the service logs it, once", _one_line_in_the_log),
    ),
    "openai-client": (
        Claim("the official client asks", _has(r"openai \d+\.\d+\.\d+")),
        Claim("the same question is a miss, then a hit with the same answer", _repeated_from_the_cache),
        Claim("a stream comes in pieces", _streamed_to_openai),
        Claim("an answer keeps to its JSON schema", _keeps_to_schema),
        Claim(
            "mistakes are the client's own exceptions, and say what is wrong",
            _has(
                r".*: NotFoundError: Error code: 404 - The model .*",
                r".*: UnprocessableEntityError: Error code: 422 - \$\.max_tokens: .*",
                r".*: BadRequestError: Error code: 400 - .* does not support tools\..*",
            ),
        ),
    ),
    "stream": (
        Claim("text comes while the model writes", _comes_as_it_is_written),
        Claim("the checked answer of the model ends a miss and a hit", _ends_with_the_answer),
        Claim("the hit replays the same answer", _replays_the_same),
        Claim("a chat streams chunks in OpenAI's format, and ends", _ends_a_chat),
    ),
    "honest": (
        Claim("a conversation gets the model's own answer or an error, never a sample", _only_a_model_chats),
        Claim("JSON mode gives JSON, an answer that says it was cut, or an error", _json_is_whole),
        Claim("the next caller after bad schemas is answered", lambda text: _rows(text, "the next") == [_BY_OLLAMA]),
        Claim("a prompt longer than the context is refused, again and again", _too_long_is_refused),
        Claim("energy fits the macronutrients, or the answer is not trusted", _energy_is_true),
        Claim("two lines of Cache-Control are one list", lambda text: _count("lines -> 200, .*fwd=bypass$", text) == 2),
        Claim("a silent model's time and its sample are told", _silence_is_booked),
    ),
    "long-answer": (
        Claim("two minutes of text are finished, plain and streamed", _takes_minutes),
        Claim("nobody is taken for silent", lambda text: '"status":"healthy"' in text),
    ),
}
"""By the name of the recording."""
