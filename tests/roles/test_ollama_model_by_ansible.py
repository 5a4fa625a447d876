"""The module ollama_model and its action plugin as Ansible itself runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.roles.ansible_module import COLLECTIONS
from tests.roles.fake_ollama_server import digest_of
from tests.roles.ollama_model import NAME

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer

MIB = 2**20


def start(server: FakeOllamaServer, *arguments: str) -> subprocess.Popen[str]:
    """Start Ansible with the module, on this machine."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "alchemorsel.ai.ollama_model"]
    options = f"name={NAME} base_url={server.url}"
    return subprocess.Popen(
        [*command, "-a", options, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(output: str) -> dict[str, Any]:
    """Return the result that Ansible printed."""
    result: dict[str, Any] = json.loads(output[output.index("{") : output.rindex("}") + 1])
    return result


def run(server: FakeOllamaServer, *arguments: str) -> tuple[dict[str, Any], str]:
    """Run the module to its end; returns its result and what Ansible wrote beside it."""
    output, errors = start(server, *arguments).communicate(timeout=60)
    return result_of(output), errors


def first_line_about(model: str, lines: IO[str]) -> str:
    """Return the first line that is about a model."""
    return next(line for line in lines if f"=> {model}" in line).rstrip("\n")


def test_ansible_runs_the_module(ollama_server: FakeOllamaServer) -> None:
    """Options, code and plugin agree when Ansible itself runs them, also in check mode; what is quick is not told."""
    planned, _ = run(ollama_server, "--check")
    assert planned["actions"] == ["pull tiny:1b"]
    assert ollama_server.changes == []
    done, errors = run(ollama_server)
    assert done["model"]["digest"] == digest_of("weights")
    assert NAME not in errors


def test_pull_that_takes_long_is_told_while_it_goes_on(ollama_server: FakeOllamaServer) -> None:
    """The line comes before the pull ends, beside the output, which is the module's result and no more."""
    part = json.dumps({"status": "pulling aa", "digest": "sha256:aa", "total": 200 * MIB, "completed": 50 * MIB})
    ollama_server.pull_parts = [part]
    ollama_server.pull_pause_line = 2
    with start(ollama_server) as ansible:
        assert ansible.stdout is not None
        assert ansible.stderr is not None
        try:
            line = first_line_about(NAME, ansible.stderr)
        finally:
            ollama_server.pull_pause.set()
        result = result_of(ansible.stdout.read())
    assert line.startswith("pulling: [localhost] => tiny:1b 25 %, 50.00 MB of 200.00 MB")
    assert (result["changed"], result["actions"]) == (True, ["pull tiny:1b"])
