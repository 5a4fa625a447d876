#!/usr/bin/python
"""Ansible module: keep one model of an Ollama server present, loaded or absent."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ollama_model
short_description: Keep a model of an Ollama server present, loaded or absent
version_added: 0.1.0
description:
  - Pulls, loads or deletes one model through the HTTP API of an Ollama server.
  - A pull is answered with status 200 whatever happens; the module treats an error line in the stream, and a stream
    that ends without C(success), as the failure it is.
  - Nothing is done where the server already is as asked for.
options:
  name:
    description: Model, as Ollama names it. V(llama3.2) means V(llama3.2:latest).
    type: str
    required: true
  state:
    description:
      - V(present) pulls the model unless it is there.
      - V(loaded) does the same and then has it resident in memory.
      - V(absent) deletes it.
    type: str
    choices: [present, loaded, absent]
    default: present
  base_url:
    description: Address of the Ollama server as this host reaches it.
    type: str
    default: http://127.0.0.1:11434
  registry:
    description:
      - Registry to pull from, as C(host[:port]); the model then gets its short name and loses the long one.
      - Empty means Ollama's own registry.
    type: str
    default: ""
  insecure:
    description: Accept plain HTTP or an unknown certificate from O(registry).
    type: bool
    default: false
  digest:
    description:
      - SHA-256 of the model's manifest that the model must have, 64 hex digits, with or without C(sha256:).
      - A model that is there with another digest is pulled again; one that arrives with another is refused.
    type: str
  keep_alive:
    description: Keep-alive time of a loaded model, such as V(24h) or V(-1). Empty means the server's.
    type: str
    default: ""
  num_ctx:
    description:
      - Context length in tokens to load the model with.
      - A request with another length makes Ollama load the model again, so give what the clients ask for.
    type: int
  wait:
    description: Seconds to wait for a server that does not answer yet, for example because it was just started.
    type: int
    default: 0
  timeout:
    description: Seconds that everything else together may take, but for the answer.
    type: int
    default: 1800
  answers_within:
    description:
      - Seconds within which a model that is to be V(loaded) must answer a short request, or the module fails. Not asked
        in check mode, nor without a number.
    type: int
  progress_file:
    description:
      - File of the host, created by the module, that holds its progress while it runs.
      - Set by the action plugin of this name, which prints it where the module takes longer than five seconds.
    type: path
attributes:
  action: {support: full, description: Prints how far the module is where that takes long.}
  async: {support: full, description: Without lines about the progress.}
  check_mode:
    support: full
    description: >-
      A server that does not answer in check mode is taken for one that is still to be installed, and what would be
      done on it is reported.
  diff_mode: {support: full, description: State and digest of the model.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Have a model pulled and in memory
  alchemorsel.ai.ollama_model:
    name: llama3.2:3b
    state: loaded
    base_url: http://127.0.0.1:11435

- name: Have a model from a mirror inside the site
  alchemorsel.ai.ollama_model:
    name: llama3.2:1b
    registry: mirror.example.com:5000
"""

RETURN = r"""
model:
  description: The model as the server lists it; all but RV(model.name) are null where it is not there.
  returned: always
  type: dict
  contains:
    name:
      description: Full name, with tag.
      type: str
    digest:
      description: SHA-256 of the manifest, in hex.
      type: str
    size:
      description: Size on disk in bytes.
      type: int
    loaded:
      description: Whether it is resident in memory.
      type: bool
    size_vram:
      description: Bytes of it in GPU memory; 0 means that it runs on the CPU.
      type: int
answer:
  description: What the model answered.
  returned: where it was asked (O(answers_within))
  type: str
actions:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: str
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_client import (
    OllamaClient,
    OllamaError,
    OllamaUnreachableError,
    wait_for_server,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_keeper import ModelKeeper, unknown_model
from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_names import bare_digest, full_name
from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_progress import ProgressFile

if TYPE_CHECKING:
    from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_progress import Report


def _state(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the facts that a diff is about."""
    state = "absent" if facts["digest"] is None else "loaded" if facts["loaded"] else "present"
    return {"name": facts["name"], "state": state, "digest": facts["digest"]}


def apply_state(params: dict[str, Any], *, check_mode: bool, report: Report) -> dict[str, Any]:
    """Bring the server to ``params`` (the module's options) and return the module's result.

    Args:
        params: The options.
        check_mode: Plan only.
        report: Told of what takes long.

    Raises:
        OllamaError: It could not be done.
        ValueError: The digest is none.
    """
    name, wanted = params["name"], params["state"]
    digest = bare_digest(params["digest"])
    report("waiting for the server")
    try:
        wait_for_server(params["base_url"], 0 if check_mode else params["wait"])
    except OllamaUnreachableError as error:
        if not check_mode:
            raise
        return _planned_without_server(params, str(error))
    client = OllamaClient(params["base_url"], params["timeout"])
    keeper = ModelKeeper(client, name, check_mode=check_mode, report=report)
    before = keeper.facts()
    if wanted == "absent":
        keeper.ensure_absent()
    else:
        keeper.ensure_present(registry=params["registry"], insecure=params["insecure"], digest=digest)
        if wanted == "loaded":
            keeper.ensure_loaded(keep_alive=params["keep_alive"], num_ctx=params["num_ctx"])
    changed = bool(keeper.actions)
    answered = {}
    if wanted == "loaded" and params["answers_within"] and not check_mode:
        asking = OllamaClient(params["base_url"], params["answers_within"])
        answered = {"answer": keeper.ensure_answer(asking, num_ctx=params["num_ctx"])}
    after = keeper.facts() if changed and not check_mode else before
    shown = {**_state(after), "state": wanted} if check_mode and changed else _state(after)
    return {
        "changed": changed,
        "actions": keeper.actions,
        "model": after,
        "diff": {"before": _state(before), "after": shown},
        **answered,
    }


def _planned_without_server(params: dict[str, Any], reason: str) -> dict[str, Any]:
    """Return what check mode says of a host where Ollama is still to be installed."""
    facts = unknown_model(full_name(params["name"]))
    wanted = params["state"]
    changed = wanted != "absent"
    return {
        "changed": changed,
        "actions": [f"{'load' if wanted == 'loaded' else 'pull'} {facts['name']}"] if changed else [],
        "model": facts,
        "msg": f"{reason}; in check mode it is taken for a server that is still to be started, without models",
        "diff": {"before": _state(facts), "after": {**_state(facts), "state": wanted}},
    }


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "loaded", "absent"], "default": "present"},
            "base_url": {"type": "str", "default": "http://127.0.0.1:11434"},
            "registry": {"type": "str", "default": ""},
            "insecure": {"type": "bool", "default": False},
            "digest": {"type": "str"},
            "keep_alive": {"type": "str", "default": ""},
            "num_ctx": {"type": "int"},
            "wait": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 1800},
            "answers_within": {"type": "int"},
            "progress_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    try:
        with ProgressFile(module.params["progress_file"]) as progress:
            result = apply_state(module.params, check_mode=module.check_mode, report=progress.report)
    except (OllamaError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
