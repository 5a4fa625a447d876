"""The module ollama_model, against a server that speaks real HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import ROLES, load_module
from tests.roles.fake_ollama_server import FakeOllamaServer, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = ROLES / "ollama"
ollama_model = load_module("ollama", "ollama_model")

NAME = "tiny:1b"


@pytest.fixture
def server() -> Iterator[FakeOllamaServer]:
    """Give a running server with nothing on it and one model to pull."""
    with FakeOllamaServer() as fake:
        fake.registry[NAME] = "weights"
        yield fake


def apply_state(server: FakeOllamaServer, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Run the module's work with its default options, some replaced."""
    params = {
        "name": NAME,
        "state": "present",
        "base_url": server.url,
        "registry": "",
        "insecure": False,
        "digest": None,
        "keep_alive": "",
        "num_ctx": None,
        "wait": 0,
        "timeout": 30,
        "answers_within": None,
        **options,
    }
    result: dict[str, Any] = ollama_model.apply_state(params, check_mode=check_mode)
    return result


def test_missing_model_is_pulled_and_reported(server: FakeOllamaServer) -> None:
    """A model that is not there is pulled; digest and size come back."""
    result = apply_state(server)
    assert result["changed"]
    assert result["actions"] == ["pull tiny:1b"]
    assert result["model"]["digest"] == digest_of("weights")
    assert result["model"]["size"] == len("weights")
    assert result["diff"]["before"]["state"] == "absent"
    assert result["diff"]["after"]["state"] == "present"


def test_second_run_changes_nothing(server: FakeOllamaServer) -> None:
    """Where the model is as asked for, only reading calls are made."""
    apply_state(server, state="loaded")
    server.calls.clear()
    result = apply_state(server, state="loaded")
    assert not result["changed"]
    assert server.changes == []
    assert result["diff"]["before"] == result["diff"]["after"]


def test_name_without_tag_means_latest(server: FakeOllamaServer) -> None:
    """A name without tag is the model that the server lists with the tag latest."""
    server.models["tiny:latest"] = "weights"
    assert not apply_state(server, name="tiny")["changed"]


def test_error_line_inside_a_successful_answer_fails(server: FakeOllamaServer) -> None:
    """Status 200 with an error line is a failure, told in the server's words."""
    with pytest.raises(ollama_model.OllamaError, match=r"pull of nosuch:1b failed: .*file does not exist"):
        apply_state(server, name="nosuch:1b")


def test_pull_that_ends_without_success_fails(server: FakeOllamaServer) -> None:
    """A stream that just ends is not taken for a whole model."""
    server.pull_lines = ['{"status":"pulling manifest"}', '{"status":"pulling 5f3d","total":9,"completed":4}']
    with pytest.raises(ollama_model.OllamaError, match="broke off after 'pulling 5f3d'"):
        apply_state(server)


def test_answer_that_is_not_json_is_named(server: FakeOllamaServer) -> None:
    """Another program on Ollama's port is recognised as such."""
    server.pull_lines = ["<html>"]
    with pytest.raises(ollama_model.OllamaError, match="is it Ollama"):
        apply_state(server)


@pytest.mark.parametrize("line", [0, 1])
def test_pull_over_the_deadline_fails(server: FakeOllamaServer, line: int) -> None:
    """A pull that makes no progress ends at the deadline, naming the model and the seconds."""
    server.pull_pause_line = line
    try:
        with pytest.raises(ollama_model.OllamaError, match=r"for tiny:1b was not finished within 1 s"):
            apply_state(server, timeout=1)
    finally:
        server.pull_pause.set()


def test_model_from_a_registry_gets_its_short_name_only(server: FakeOllamaServer) -> None:
    """What a mirror delivers ends under the short name, and the long one is gone."""
    server.registry["mirror.lab:5000/library/tiny:1b"] = "mirrored"
    result = apply_state(server, registry="mirror.lab:5000", insecure=True)
    assert server.models == {NAME: "mirrored"}
    assert result["actions"] == ["pull mirror.lab:5000/library/tiny:1b", "name it tiny:1b"]
    assert [body["insecure"] for _, path, body in server.calls if path == "/api/pull"] == [True]


def test_namespace_of_a_model_is_kept_in_the_registry(server: FakeOllamaServer) -> None:
    """A model with a namespace is not looked for among the library's."""
    server.registry["mirror.lab:5000/team/tiny:1b"] = "mirrored"
    apply_state(server, name="team/tiny:1b", registry="mirror.lab:5000")
    assert server.models == {"team/tiny:1b": "mirrored"}


def test_right_digest_is_accepted_in_both_spellings(server: FakeOllamaServer) -> None:
    """A digest may carry the name of its algorithm."""
    assert apply_state(server, digest=digest_of("weights"))["changed"]
    assert not apply_state(server, digest="sha256:" + digest_of("weights").upper())["changed"]


def test_new_model_with_wrong_digest_is_not_left_behind(server: FakeOllamaServer) -> None:
    """A model that is not what was asked for is deleted, and the play told both digests."""
    with pytest.raises(ollama_model.OllamaError, match=digest_of("weights")):
        apply_state(server, digest=digest_of("else"))
    assert server.models == {}


def test_registry_model_with_wrong_digest_never_gets_the_short_name(server: FakeOllamaServer) -> None:
    """The model in service stays in service when the mirror holds another than asked for."""
    server.models[NAME] = "old"
    server.registry["mirror.lab:5000/library/tiny:1b"] = "tampered"
    with pytest.raises(ollama_model.OllamaError, match="deleted again"):
        apply_state(server, registry="mirror.lab:5000", digest=digest_of("new"))
    assert server.models == {NAME: "old"}


def test_model_with_another_digest_is_pulled_again(server: FakeOllamaServer) -> None:
    """A moved tag is followed to the digest that is asked for."""
    server.models[NAME] = "old"
    result = apply_state(server, digest=digest_of("weights"))
    assert result["diff"]["before"]["digest"] == digest_of("old")
    assert result["diff"]["after"]["digest"] == digest_of("weights")


def test_digest_that_is_none_is_refused_before_any_change(server: FakeOllamaServer) -> None:
    """A truncated digest is bad input, not a reason to pull."""
    with pytest.raises(ValueError, match="64 hex digits"):
        apply_state(server, digest="sha256:abc")
    assert server.changes == []


def test_loading_asks_for_no_answer_and_passes_the_options(server: FakeOllamaServer) -> None:
    """A load has no prompt, and carries keep_alive as a number where it is one."""
    result = apply_state(server, state="loaded", keep_alive="-1", num_ctx=4096)
    body = server.calls[[path for _, path, _ in server.calls].index("/api/generate")][2]
    assert body == {"model": NAME, "stream": False, "keep_alive": -1, "options": {"num_ctx": 4096}}
    assert result["model"]["loaded"]
    assert result["model"]["size_vram"] == 0


def test_loaded_model_is_asked_where_wanted(server: FakeOllamaServer) -> None:
    """With the context length that it was loaded with; the answer comes back, and asking is no change."""
    apply_state(server, state="loaded")
    server.calls.clear()
    result = apply_state(server, state="loaded", answers_within=30, num_ctx=4096)
    assert (result["changed"], result["answer"]) == (False, "garlic")
    assert [body["options"]["num_ctx"] for _, path, body in server.calls if path == "/api/generate"] == [4096]


def test_model_that_answers_nothing_fails(server: FakeOllamaServer) -> None:
    """To be in memory is not enough."""
    server.answer = " "
    with pytest.raises(ollama_model.OllamaError, match=r"answers .* with nothing"):
        apply_state(server, state="loaded", answers_within=30)


def test_model_that_is_only_to_be_there_is_not_asked(server: FakeOllamaServer) -> None:
    """That would load it, and push another out of memory."""
    assert "answer" not in apply_state(server, state="present", answers_within=30)
    assert "/api/generate" not in server.changes


def test_older_pull_of_the_name_in_memory_does_not_count_as_loaded(server: FakeOllamaServer) -> None:
    """What is in memory must be the model on disk, not what its name meant before."""
    server.models[NAME] = "new"
    server.loaded[NAME] = "old"
    assert apply_state(server, state="loaded")["actions"] == ["load tiny:1b"]


def test_load_that_fails_is_told_in_the_servers_words(server: FakeOllamaServer) -> None:
    """The reason for a failed load reaches the play."""
    server.load_error = "model requires more system memory (5.5 GiB) than is available (3.2 GiB)"
    with pytest.raises(ollama_model.OllamaError, match=r"requires more system memory \(5.5 GiB\)"):
        apply_state(server, state="loaded")


def test_model_that_does_not_stay_in_memory_fails(server: FakeOllamaServer) -> None:
    """A model that is dropped right after its load is not reported as loaded."""
    server.forgets_loaded = True
    with pytest.raises(ollama_model.OllamaError, match="did not stay in memory"):
        apply_state(server, state="loaded")


def test_absent_deletes_once(server: FakeOllamaServer) -> None:
    """A model is deleted where it is there, and nothing happens where it is not."""
    server.models[NAME] = "weights"
    assert apply_state(server, state="absent")["changed"]
    assert server.models == {}
    assert not apply_state(server, state="absent")["changed"]


@pytest.mark.parametrize(
    ("state", "actions"),
    [("present", ["pull tiny:1b"]), ("loaded", ["pull tiny:1b", "load tiny:1b"])],
)
def test_check_mode_plans_without_touching(server: FakeOllamaServer, state: str, actions: list[str]) -> None:
    """Check mode says what would be done, makes reading calls only, and shows the goal in its diff."""
    result = apply_state(server, state=state, check_mode=True)
    assert result["actions"] == actions
    assert result["changed"]
    assert result["diff"]["after"]["state"] == state
    assert server.changes == []


def test_check_mode_does_not_delete(server: FakeOllamaServer) -> None:
    """Check mode announces a deletion and leaves the model."""
    server.models[NAME] = "weights"
    assert apply_state(server, state="absent", check_mode=True)["diff"]["after"]["state"] == "absent"
    assert NAME in server.models


def unused_url() -> str:
    """Return an address where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_check_mode_before_ollama_is_installed_says_what_would_be_done(server: FakeOllamaServer) -> None:
    """On a host without Ollama check mode passes: changed, with the reason it could not look."""
    result = apply_state(server, base_url=unused_url(), check_mode=True)
    assert result["changed"]
    assert result["actions"] == ["pull tiny:1b"]
    assert "no Ollama server answers" in result["msg"]


def test_unreachable_server_fails_outside_check_mode(server: FakeOllamaServer) -> None:
    """A server that should be there and is not is an error."""
    with pytest.raises(ollama_model.OllamaUnreachableError, match="no Ollama server answers"):
        apply_state(server, base_url=unused_url())


def test_starting_server_is_waited_for(server: FakeOllamaServer) -> None:
    """A server whose port is open before it answers gets its time."""
    server.drops = 1
    assert apply_state(server, wait=30)["actions"] == ["pull tiny:1b"]


def test_server_that_never_starts_fails_after_the_wait(server: FakeOllamaServer) -> None:
    """A connection that is only ever dropped is no server."""
    server.drops = 1000
    with pytest.raises(ollama_model.OllamaUnreachableError, match="broke off"):
        apply_state(server, wait=1)


def test_address_without_scheme_is_explained(server: FakeOllamaServer) -> None:
    """A base_url that is none is refused with an example."""
    with pytest.raises(ollama_model.OllamaError, match="must look like http://"):
        apply_state(server, base_url="127.0.0.1:11434")


def run_by_ansible(server: FakeOllamaServer, *arguments: str) -> dict[str, Any]:
    """Run the module as Ansible does and return its result."""
    environment = {
        **os.environ,
        "ANSIBLE_LIBRARY": str(ROLE / "library"),
        "ANSIBLE_MODULE_UTILS": str(ROLE / "module_utils"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    ansible = Path(sys.executable).with_name("ansible")
    options = f"name={NAME} base_url={server.url}"
    done = subprocess.run(
        [ansible, "localhost", "-m", "ollama_model", "-a", options, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    text = done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1]
    result: dict[str, Any] = json.loads(text)
    return result


def test_ansible_runs_the_module(server: FakeOllamaServer) -> None:
    """The options of the module and its code agree when Ansible itself runs it, also in check mode."""
    planned = run_by_ansible(server, "--check")
    assert planned["actions"] == ["pull tiny:1b"]
    assert server.changes == []
    assert run_by_ansible(server)["model"]["digest"] == digest_of("weights")
