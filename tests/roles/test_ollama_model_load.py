"""The module ollama_model: models in memory, and that they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.roles.ollama_model import NAME, OllamaError, Told, apply_state

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer


def test_loading_asks_for_no_answer_and_passes_the_options(ollama_server: FakeOllamaServer) -> None:
    """A load has no prompt, and carries keep_alive as a number where it is one."""
    result = apply_state(ollama_server, state="loaded", keep_alive="-1", num_ctx=4096)
    body = ollama_server.calls[[path for _, path, _ in ollama_server.calls].index("/api/generate")][2]
    assert body == {"model": NAME, "stream": False, "keep_alive": -1, "options": {"num_ctx": 4096}}
    assert result["model"]["loaded"]
    assert result["model"]["size_vram"] == 0


def test_loaded_model_is_asked_where_wanted(ollama_server: FakeOllamaServer) -> None:
    """With the context length that it was loaded with; the answer comes back, and asking is no change."""
    apply_state(ollama_server, state="loaded")
    ollama_server.calls.clear()
    result = apply_state(ollama_server, state="loaded", answers_within=30, num_ctx=4096)
    assert (result["changed"], result["answer"]) == (False, "garlic")
    assert [body["options"]["num_ctx"] for _, path, body in ollama_server.calls if path == "/api/generate"] == [4096]


def test_model_that_answers_nothing_fails(ollama_server: FakeOllamaServer) -> None:
    """To be in memory is not enough."""
    ollama_server.answer = " "
    with pytest.raises(OllamaError, match=r"answers .* with nothing"):
        apply_state(ollama_server, state="loaded", answers_within=30)


def test_model_that_is_only_to_be_there_is_not_asked(ollama_server: FakeOllamaServer) -> None:
    """That would load it, and push another out of memory."""
    assert "answer" not in apply_state(ollama_server, state="present", answers_within=30)
    assert "/api/generate" not in ollama_server.changes


def test_older_pull_of_the_name_in_memory_does_not_count_as_loaded(ollama_server: FakeOllamaServer) -> None:
    """What is in memory must be the model on disk, not what its name meant before."""
    ollama_server.models[NAME] = "new"
    ollama_server.loaded[NAME] = "old"
    assert apply_state(ollama_server, state="loaded")["actions"] == ["load tiny:1b"]


def test_model_whose_weights_are_in_memory_under_another_name_is_loaded(ollama_server: FakeOllamaServer) -> None:
    """The server lists models of the same weights under the name that was loaded first."""
    ollama_server.models.update({"base:1b": "weights", NAME: "weights+parameters"})
    ollama_server.loaded["base:1b"] = "weights"
    result = apply_state(ollama_server, state="loaded", answers_within=30)
    assert (result["changed"], result["model"]["loaded"], result["answer"]) == (False, True, "garlic")


def test_weights_that_a_name_had_before_do_not_count_as_loaded(ollama_server: FakeOllamaServer) -> None:
    """What is in memory is an older pull of that name, which has the weights of this model on disk."""
    ollama_server.models.update({"base:1b": "weights", NAME: "weights+parameters"})
    ollama_server.loaded["base:1b"] = "older"
    assert apply_state(ollama_server, state="loaded")["actions"] == [f"load {NAME}"]


def test_weights_in_memory_under_a_deleted_name_are_loaded_anew(ollama_server: FakeOllamaServer) -> None:
    """The server would go on listing a name that it does not have: whether the model is in memory could not be seen."""
    ollama_server.models[NAME] = "weights+parameters"
    ollama_server.loaded["deleted:1b"] = "weights"
    result = apply_state(ollama_server, state="loaded")
    assert (result["actions"], result["model"]["loaded"]) == (["load tiny:1b"], True)
    assert list(ollama_server.loaded) == [NAME]


def test_load_that_fails_is_told_in_the_servers_words(ollama_server: FakeOllamaServer) -> None:
    """The reason for a failed load reaches the play."""
    ollama_server.load_error = "model requires more system memory (5.5 GiB) than is available (3.2 GiB)"
    with pytest.raises(OllamaError, match=r"requires more system memory \(5.5 GiB\)"):
        apply_state(ollama_server, state="loaded")


def test_model_that_does_not_stay_in_memory_fails(ollama_server: FakeOllamaServer) -> None:
    """A model that is dropped right after its load is not reported as loaded."""
    ollama_server.forgets_loaded = True
    with pytest.raises(OllamaError, match="did not stay in memory"):
        apply_state(ollama_server, state="loaded")


def test_load_and_answer_are_told_before_they_begin(ollama_server: FakeOllamaServer) -> None:
    """Both may take a minute without a word from the server."""
    report = Told()
    apply_state(ollama_server, state="loaded", answers_within=30, report=report)
    assert report.told[-2:] == [("loading into memory", 0, 0), ("having it answer", 0, 0)]
