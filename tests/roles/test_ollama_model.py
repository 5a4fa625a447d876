"""The module ollama_model: a model that is there, or is not; against a server that speaks real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.fake_ollama_server import digest_of
from tests.roles.ollama_model import NAME, apply_state

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer


def test_missing_model_is_pulled_and_reported(ollama_server: FakeOllamaServer) -> None:
    """A model that is not there is pulled; digest and size come back."""
    result = apply_state(ollama_server)
    assert result["changed"]
    assert result["actions"] == ["pull tiny:1b"]
    assert result["model"]["digest"] == digest_of("weights")
    assert result["model"]["size"] == len("weights")
    assert result["diff"]["before"]["state"] == "absent"
    assert result["diff"]["after"]["state"] == "present"


def test_second_run_changes_nothing(ollama_server: FakeOllamaServer) -> None:
    """Where the model is as asked for, only reading calls are made."""
    apply_state(ollama_server, state="loaded")
    ollama_server.calls.clear()
    result = apply_state(ollama_server, state="loaded")
    assert not result["changed"]
    assert ollama_server.changes == []
    assert result["diff"]["before"] == result["diff"]["after"]


def test_name_without_tag_means_latest(ollama_server: FakeOllamaServer) -> None:
    """A name without tag is the model that the server lists with the tag latest."""
    ollama_server.models["tiny:latest"] = "weights"
    assert not apply_state(ollama_server, name="tiny")["changed"]


def test_absent_takes_the_model_out_of_memory_first(ollama_server: FakeOllamaServer) -> None:
    """With `keep_alive: -1` a deleted model would stay there for ever."""
    apply_state(ollama_server, state="loaded")
    apply_state(ollama_server, state="absent")
    assert (ollama_server.models, ollama_server.loaded) == ({}, {})


def test_absent_deletes_once(ollama_server: FakeOllamaServer) -> None:
    """A model is deleted where it is there, and nothing happens where it is not."""
    ollama_server.models[NAME] = "weights"
    assert apply_state(ollama_server, state="absent")["changed"]
    assert ollama_server.models == {}
    assert not apply_state(ollama_server, state="absent")["changed"]


@pytest.mark.parametrize(
    ("state", "actions"),
    [("present", ["pull tiny:1b"]), ("loaded", ["pull tiny:1b", "load tiny:1b"])],
)
def test_check_mode_plans_without_touching(ollama_server: FakeOllamaServer, state: str, actions: list[str]) -> None:
    """Check mode says what would be done, makes reading calls only, and shows the goal in its diff."""
    result = apply_state(ollama_server, state=state, check_mode=True)
    assert result["actions"] == actions
    assert result["changed"]
    assert result["diff"]["after"]["state"] == state
    assert ollama_server.changes == []


def test_check_mode_does_not_delete(ollama_server: FakeOllamaServer) -> None:
    """Check mode announces a deletion and leaves the model."""
    ollama_server.models[NAME] = "weights"
    assert apply_state(ollama_server, state="absent", check_mode=True)["diff"]["after"]["state"] == "absent"
    assert NAME in ollama_server.models
