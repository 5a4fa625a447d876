"""Samples say truly what came back, and files of them survive an interrupted generator."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import FileFormatError
from bench.samples import Answer, encode_lines, judge_answer, read_samples
from tests.unit.bench.records import end, hit, miss

if TYPE_CHECKING:
    from pathlib import Path


def envelope(**changes: Any) -> bytes:
    """Return the body of a good answer."""
    meta = {"provider": "ollama", "model": "m", "degraded": False}
    return json.dumps({"success": True, "data": {}, "meta": meta} | changes).encode()


def test_a_good_answer_carries_its_proof() -> None:
    """Cache, provider, model and request id come from the headers."""
    headers = {
        "cache-status": "alchemorsel; hit; detail=redis",
        "x-ai-provider": "openai",
        "x-ai-model": "big",
        "x-request-id": "id",
        "server-timing": "total;dur=1",
    }
    outcome = judge_answer(Answer(status=200, headers=headers, body=envelope()))
    assert outcome == {
        "status": 200,
        "cache": "hit",
        "cache_detail": "redis",
        "provider": "openai",
        "model": "big",
        "degraded": False,
        "request_id": "id",
        "server_timing": "total;dur=1",
        "retry_after": "",
        "failure": "",
        "digest": hashlib.blake2b(b"{}", digest_size=8).hexdigest(),
    }


def test_a_digest_is_that_of_the_data_alone() -> None:
    """What the service says about an answer, such as its age, may differ; what was asked for may not."""
    meta = {"provider": "ollama", "model": "m", "degraded": False, "age_s": 7}
    one, same, other = (
        judge_answer(Answer(status=200, body=envelope(**changes)))["digest"]
        for changes in ({"data": {"a": 1}}, {"data": {"a": 1}, "meta": meta}, {"data": {"a": 2}})
    )
    assert one == same != other


def test_names_that_would_break_a_terminal_or_xml_are_made_printable() -> None:
    """Control characters become the replacement character, and a name has an end."""
    meta = {"provider": "x\x1b[31m\x00", "model": "m" * 1000, "degraded": False}
    outcome = judge_answer(Answer(status=200, body=envelope(meta=meta)))
    assert outcome["provider"] == "x\ufffd[31m\ufffd"
    assert len(outcome["model"]) == 300


def test_the_envelope_names_the_provider_where_no_header_does() -> None:
    """A degraded answer is recognised by its body alone."""
    body = envelope(meta={"provider": "mock", "model": "canned", "degraded": True})
    outcome = judge_answer(Answer(status=200, body=body))
    assert (outcome["provider"], outcome["model"], outcome["degraded"]) == ("mock", "canned", True)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (Answer(status=503, body=envelope()), "HTTP 503"),
        (Answer(status=0, error="ConnectionRefusedError"), "ConnectionRefusedError"),
        (Answer(status=200, body=b"<html>"), "envelope"),
        (Answer(status=200, body=envelope(success=False)), "success: false"),
    ],
)
def test_a_failure_is_never_a_success(answer: Answer, failure: str) -> None:
    """An error status, no answer, a proxy's page, and success: false all fail, with the reason."""
    assert failure in judge_answer(answer)["failure"]


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    """A file keeps the samples in order and the generator's account."""
    file, samples = tmp_path / "samples.jsonl", [hit(), miss()]
    file.write_bytes(encode_lines([*samples, end(2)]))
    assert read_samples(file) == (samples, end(2))


def test_a_line_cut_short_is_left_out(tmp_path: Path) -> None:
    """A generator that was killed while it wrote leaves whole samples and no account."""
    file, sample = tmp_path / "samples.jsonl", hit()
    file.write_bytes(encode_lines([sample]) + encode_lines([hit()])[:40])
    assert read_samples(file) == ([sample], None)


def test_no_file_means_no_samples(tmp_path: Path) -> None:
    """A generator that never began has sent nothing."""
    assert read_samples(tmp_path / "none") == ([], None)


def test_a_line_that_is_no_sample_is_named(tmp_path: Path) -> None:
    """The error says which line of which file."""
    file = tmp_path / "samples.jsonl"
    file.write_bytes(encode_lines([hit()]) + b'{"type": "sample"}\n')
    with pytest.raises(FileFormatError, match=r"samples\.jsonl:2:1: not a sample"):
        read_samples(file)
