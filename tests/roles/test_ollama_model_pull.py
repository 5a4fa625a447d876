"""The module ollama_model: pulls that fail, pulls from a registry, digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.fake_ollama_server import digest_of
from tests.roles.ollama_model import NAME, OllamaError, Told, apply_state

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer


def test_error_line_inside_a_successful_answer_fails(ollama_server: FakeOllamaServer) -> None:
    """Status 200 with an error line is a failure, told in the server's words."""
    with pytest.raises(OllamaError, match=r"pull of nosuch:1b failed: .*file does not exist"):
        apply_state(ollama_server, name="nosuch:1b")


def test_pull_that_ends_without_success_fails(ollama_server: FakeOllamaServer) -> None:
    """A stream that just ends is not taken for a whole model."""
    ollama_server.pull_lines = ['{"status":"pulling manifest"}', '{"status":"pulling 5f3d","total":9,"completed":4}']
    with pytest.raises(OllamaError, match="broke off after 'pulling 5f3d'"):
        apply_state(ollama_server)


def test_answer_that_is_not_json_is_named(ollama_server: FakeOllamaServer) -> None:
    """Another program on Ollama's port is recognised as such."""
    ollama_server.pull_lines = ["<html>"]
    with pytest.raises(OllamaError, match="is it Ollama"):
        apply_state(ollama_server)


@pytest.mark.parametrize("line", [0, 1])
def test_pull_over_the_deadline_fails(ollama_server: FakeOllamaServer, line: int) -> None:
    """A pull that makes no progress ends at the deadline, naming the model and the seconds."""
    ollama_server.pull_pause_line = line
    try:
        with pytest.raises(OllamaError, match=r"for tiny:1b was not finished within 1 s"):
            apply_state(ollama_server, timeout=1)
    finally:
        ollama_server.pull_pause.set()


def test_model_from_a_registry_gets_its_short_name_only(ollama_server: FakeOllamaServer) -> None:
    """What a mirror delivers ends under the short name, and the long one is gone."""
    ollama_server.registry["mirror.lab:5000/library/tiny:1b"] = "mirrored"
    result = apply_state(ollama_server, registry="mirror.lab:5000", insecure=True)
    assert ollama_server.models == {NAME: "mirrored"}
    assert result["actions"] == ["pull mirror.lab:5000/library/tiny:1b", "name it tiny:1b"]
    assert [body["insecure"] for _, path, body in ollama_server.calls if path == "/api/pull"] == [True]


def test_namespace_of_a_model_is_kept_in_the_registry(ollama_server: FakeOllamaServer) -> None:
    """A model with a namespace is not looked for among the library's."""
    ollama_server.registry["mirror.lab:5000/team/tiny:1b"] = "mirrored"
    apply_state(ollama_server, name="team/tiny:1b", registry="mirror.lab:5000")
    assert ollama_server.models == {"team/tiny:1b": "mirrored"}


def test_right_digest_is_accepted_in_both_spellings(ollama_server: FakeOllamaServer) -> None:
    """A digest may carry the name of its algorithm."""
    assert apply_state(ollama_server, digest=digest_of("weights"))["changed"]
    assert not apply_state(ollama_server, digest="sha256:" + digest_of("weights").upper())["changed"]


def test_new_model_with_wrong_digest_is_not_left_behind(ollama_server: FakeOllamaServer) -> None:
    """A model that is not what was asked for is deleted, and the play told both digests."""
    with pytest.raises(OllamaError, match=digest_of("weights")):
        apply_state(ollama_server, digest=digest_of("else"))
    assert ollama_server.models == {}


def test_registry_model_with_wrong_digest_never_gets_the_short_name(ollama_server: FakeOllamaServer) -> None:
    """The model in service stays in service when the mirror holds another than asked for."""
    ollama_server.models[NAME] = "old"
    ollama_server.registry["mirror.lab:5000/library/tiny:1b"] = "tampered"
    with pytest.raises(OllamaError, match="deleted again"):
        apply_state(ollama_server, registry="mirror.lab:5000", digest=digest_of("new"))
    assert ollama_server.models == {NAME: "old"}


def test_model_with_another_digest_is_pulled_again(ollama_server: FakeOllamaServer) -> None:
    """A moved tag is followed to the digest that is asked for."""
    ollama_server.models[NAME] = "old"
    result = apply_state(ollama_server, digest=digest_of("weights"))
    assert result["diff"]["before"]["digest"] == digest_of("old")
    assert result["diff"]["after"]["digest"] == digest_of("weights")


def test_digest_that_is_none_is_refused_before_any_change(ollama_server: FakeOllamaServer) -> None:
    """A truncated digest is bad input, not a reason to pull."""
    with pytest.raises(ValueError, match="64 hex digits"):
        apply_state(ollama_server, digest="sha256:abc")
    assert ollama_server.changes == []


@pytest.mark.parametrize("digest", [None, digest_of("mirrored")])
def test_pull_that_another_run_has_named_meanwhile_is_no_failure(
    ollama_server: FakeOllamaServer, digest: str | None
) -> None:
    """A run that was cut off from its play goes on, and names the model under the feet of the next run."""
    ollama_server.registry["mirror.lab:5000/library/tiny:1b"] = "mirrored"
    ollama_server.named_meanwhile = NAME
    result = apply_state(ollama_server, registry="mirror.lab:5000", digest=digest)
    assert result["model"]["digest"] == digest_of("mirrored")


def test_model_that_vanishes_after_its_pull_fails(ollama_server: FakeOllamaServer) -> None:
    """That it was pulled is not enough: it must be there under its name."""
    ollama_server.registry["mirror.lab:5000/library/tiny:1b"] = "mirrored"
    ollama_server.named_meanwhile = "other:1b"
    with pytest.raises(OllamaError, match="not found"):
        apply_state(ollama_server, registry="mirror.lab:5000")


def test_long_name_that_stays_fails(ollama_server: FakeOllamaServer) -> None:
    """The model is there under its name, but so is what nobody wants."""
    ollama_server.registry["mirror.lab:5000/library/tiny:1b"] = "mirrored"
    ollama_server.delete_error = "permission denied"
    with pytest.raises(OllamaError, match="permission denied"):
        apply_state(ollama_server, registry="mirror.lab:5000")


def test_bytes_of_all_parts_are_told_together(ollama_server: FakeOllamaServer) -> None:
    """A model comes in parts, one after the other; people want to know of the whole."""
    ollama_server.pull_parts = [
        '{"status":"pulling aa","digest":"sha256:aa","total":900,"completed":300}',
        '{"status":"pulling aa","digest":"sha256:aa","total":900,"completed":900}',
        '{"status":"pulling bb","digest":"sha256:bb","total":100}',
    ]
    report = Told()
    apply_state(ollama_server, report=report)
    assert [one for one in report.told if one[0] == "pulling"] == [
        ("pulling", 0, 0),
        ("pulling", 300, 900),
        ("pulling", 900, 900),
        ("pulling", 900, 1000),
    ]
    assert ("verifying", 0, 0) in report.told
