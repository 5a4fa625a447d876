#!/usr/bin/python
"""Ansible module: keep one model of an Ollama server present, loaded or absent.

Standard library only, because it runs on the managed host. Written against the current Ollama API; a server as
old as 0.5.4 is served too (it wants ``name`` where newer ones want ``model``, so both are sent).
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTATION = r"""
module: ollama_model
short_description: Keep a model of an Ollama server present, loaded or absent
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
    description: How long a loaded model stays when idle, for example V(24h) or V(-1). Empty means the server's rule.
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
    description: Seconds that everything else together may take.
    type: int
    default: 1800
attributes:
  check_mode:
    support: full
    description: >-
      A server that does not answer in check mode is taken for one that is still to be installed, and what would be
      done on it is reported.
  diff_mode:
    support: full
author:
  - Alchemorsel
"""

EXAMPLES = r"""
- name: Have a model pulled and in memory
  ollama_model:
    name: llama3.2:3b
    state: loaded
    base_url: http://127.0.0.1:11435

- name: Have a model from a mirror inside the site
  ollama_model:
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
actions:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: str
"""

CONNECT_TIMEOUT = 10.0
"""Seconds for one TCP connection; the server is on the same host or the same network."""


POLL_INTERVAL = 0.5
"""Seconds between two looks at a server that is starting."""


class OllamaError(Exception):
    """The server refused, failed, or answered something that is not its API."""


class OllamaUnreachableError(OllamaError):
    """No Ollama server answers at the address."""


class OllamaClient:
    """The few calls of Ollama's HTTP API that managing models takes.

    Args:
        base_url: Address of the server, ``http`` or ``https``.
        timeout: Seconds for all calls of this object together, counted from here.

    Raises:
        OllamaError: From every method, with a message that can be shown to the user as it is.
    """

    def __init__(self, base_url: str, timeout: float) -> None:
        url = urllib.parse.urlsplit(base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            message = f"base_url must look like http://127.0.0.1:11434, not {base_url!r}"
            raise OllamaError(message)
        self._url = url
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def models(self) -> list[dict[str, Any]]:
        """Return the models on disk."""
        return self._listing("/api/tags")

    def loaded(self) -> list[dict[str, Any]]:
        """Return the models in memory."""
        return self._listing("/api/ps")

    def pull(self, reference: str, *, insecure: bool) -> None:
        """Pull ``reference``; return when the server has it whole and verified."""
        body = {"model": reference, "name": reference, "insecure": insecure, "stream": True}
        last = {}
        for last in self._exchange("POST", "/api/pull", body):
            if "error" in last:
                message = f"pull of {reference} failed: {last['error']}"
                raise OllamaError(message)
        if last.get("status") != "success":
            message = f"pull of {reference} broke off after {last.get('status', 'no answer')!r}"
            raise OllamaError(message)

    def copy(self, source: str, destination: str) -> None:
        """Give a model a second name; its data is shared."""
        self._finish("POST", "/api/copy", {"source": source, "destination": destination})

    def delete(self, name: str) -> None:
        """Remove a name, and the data that no other name uses."""
        self._finish("DELETE", "/api/delete", {"model": name, "name": name})

    def load(self, name: str, *, keep_alive: str, num_ctx: int | None) -> None:
        """Bring a model into memory: a generate request without a prompt does no more than that."""
        body: dict[str, Any] = {"model": name, "stream": False}
        if keep_alive:
            body["keep_alive"] = int(keep_alive) if keep_alive.lstrip("-").isdigit() else keep_alive
        if num_ctx is not None:
            body["options"] = {"num_ctx": num_ctx}
        self._finish("POST", "/api/generate", body)

    def _listing(self, path: str) -> list[dict[str, Any]]:
        answers = list(self._exchange("GET", path))
        models = answers[0].get("models") if answers else None
        if not isinstance(models, list):
            message = f"GET {path} at {self._url.geturl()} did not answer with a list of models; is it Ollama?"
            raise OllamaError(message)
        return models

    def _finish(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Make a call of which only the success matters."""
        for line in self._exchange(method, path, body):
            if "error" in line:
                message = f"{method} {path} for {_subject(body)}: {line['error']}"
                raise OllamaError(message)

    def _remaining(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects of the answer, one a line, within the deadline."""
        secure = self._url.scheme == "https"
        connection_class = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connection_class(self._url.hostname or "", self._url.port)
        where = f"{method} {path} at {self._url.geturl()}"
        response = None
        try:
            connection.timeout = min(self._remaining(), CONNECT_TIMEOUT)
            try:
                connection.connect()
            except OSError as error:
                message = f"no Ollama server answers at {self._url.geturl()}: {error or type(error).__name__}"
                raise OllamaUnreachableError(message) from error
            stream = connection.sock  # kept: the connection drops it when the server announces that it will close
            stream.settimeout(self._remaining())
            payload = None if body is None else json.dumps(body)
            connection.request(
                method, self._url.path.rstrip("/") + path, body=payload, headers={"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                message = f"{where}{_about(body)} answered {response.status}: {_reason(response.read())}"
                raise OllamaError(message)
            while line := response.readline():
                if line.strip():
                    yield _json_object(line, where)
                if not response.isclosed():
                    stream.settimeout(self._remaining())
        except TimeoutError as error:
            message = f"{where}{_about(body)} was not finished within {self._timeout:g} s"
            raise OllamaError(message) from error
        except (OSError, http.client.HTTPException) as error:
            message = f"{where}{_about(body)} broke off: {error or type(error).__name__}"
            # Docker's proxy accepts connections before the server in the container does, and then drops them.
            raise (OllamaError if response else OllamaUnreachableError)(message) from error
        finally:
            connection.close()


class ModelKeeper:
    """Brings one model to the wanted state with as few calls as it takes.

    Args:
        client: The server.
        name: Model, with or without a tag.
        check_mode: Plan only.
    """

    def __init__(self, client: OllamaClient, name: str, *, check_mode: bool) -> None:
        self._client = client
        self._name = full_name(name)
        self._check_mode = check_mode
        self.actions: list[str] = []

    def facts(self) -> dict[str, Any]:
        """Return the model as the server has it now (see RETURN)."""
        entry = next((model for model in self._client.models() if model.get("name") == self._name), None)
        if entry is None:
            return unknown_model(self._name)
        running = next((model for model in self._client.loaded() if _is_same(model, entry)), None)
        return {
            "name": self._name,
            "digest": bare_digest(entry.get("digest")),
            "size": entry.get("size"),
            "loaded": running is not None,
            "size_vram": running.get("size_vram", 0) if running else None,
        }

    def ensure_present(self, *, registry: str, insecure: bool, digest: str | None) -> None:
        """Pull the model unless it is there, with the right digest where one is given."""
        before = self.facts()
        if before["digest"] is not None and digest in (None, before["digest"]):
            return
        reference = registry_reference(registry, self._name)
        self.actions.append(f"pull {reference}")
        if self._check_mode:
            return
        self._client.pull(reference, insecure=insecure)
        self._refuse_wrong_digest(reference, digest, keep=reference == self._name and before["digest"] is not None)
        if reference != self._name:
            self._client.copy(reference, self._name)
            self._client.delete(reference)
            self.actions.append(f"name it {self._name}")

    def ensure_loaded(self, *, keep_alive: str, num_ctx: int | None) -> None:
        """Have the model in memory, and see that it stays there."""
        if self.facts()["loaded"]:
            return
        self.actions.append(f"load {self._name}")
        if self._check_mode:
            return
        self._client.load(self._name, keep_alive=keep_alive, num_ctx=num_ctx)
        if not self.facts()["loaded"]:
            message = (
                f"{self._name} was loaded but did not stay in memory: keep_alive is 0, or the memory does not hold "
                "this model beside the others"
            )
            raise OllamaError(message)

    def ensure_absent(self) -> None:
        """Delete the model where it is there."""
        if self.facts()["digest"] is None:
            return
        self.actions.append(f"delete {self._name}")
        if not self._check_mode:
            self._client.delete(self._name)

    def _refuse_wrong_digest(self, reference: str, wanted: str | None, *, keep: bool) -> None:
        """Fail on a digest that is not the wanted one; what came under a new name is deleted again."""
        if wanted is None:
            return
        pulled = next((model for model in self._client.models() if model.get("name") == reference), {})
        got = bare_digest(pulled.get("digest"))
        if got == wanted:
            return
        if not keep:
            self._client.delete(reference)
        message = f"{reference} has digest {got}, not the {wanted} asked for; " + (
            "it replaced the model of that name" if keep else "it was deleted again"
        )
        raise OllamaError(message)


def wait_for_server(base_url: str, wait: float) -> None:
    """Return once a server answers at ``base_url``.

    Raises:
        OllamaUnreachableError: None does within ``wait`` seconds.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            OllamaClient(base_url, CONNECT_TIMEOUT).loaded()
        except OllamaUnreachableError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(POLL_INTERVAL)
        else:
            return


def full_name(name: str) -> str:
    """Return ``name`` with its tag, as the server lists it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def registry_reference(registry: str, name: str) -> str:
    """Return what to pull to get ``name`` from ``registry`` (itself where no registry is given)."""
    if not registry:
        return name
    return f"{registry}/{name}" if "/" in name else f"{registry}/library/{name}"


def bare_digest(digest: str | None) -> str | None:
    """Return a digest as 64 lower-case hex digits.

    Raises:
        OllamaError: It is none.
    """
    if not digest:
        return None
    bare = digest.lower().removeprefix("sha256:")
    if len(bare) != 64 or not set(bare) <= set("0123456789abcdef"):
        message = f"a digest is 64 hex digits, optionally after sha256:, not {digest!r}"
        raise OllamaError(message)
    return bare


def unknown_model(name: str) -> dict[str, Any]:
    """Return the facts of a model that is not on the server."""
    return {"name": name, "digest": None, "size": None, "loaded": False, "size_vram": None}


def _is_same(running: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Tell whether a loaded model is this one; by digest, so that an older pull of the name does not count."""
    if running.get("digest"):
        return bool(running["digest"] == entry.get("digest"))
    return running.get("name") == entry.get("name")


def _json_object(line: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        message = f"{where} answered {line[:80]!r}, which is not a JSON object; is it Ollama?"
        raise OllamaError(message)
    return value


def _reason(body: bytes) -> str:
    """Return the server's own words for a failure."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip() or "without a reason"


def _subject(body: dict[str, Any]) -> str:
    return str(body.get("model") or body.get("source"))


def _about(body: dict[str, Any] | None) -> str:
    return "" if body is None else f" for {_subject(body)}"


def _state(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the facts that a diff is about."""
    state = "absent" if facts["digest"] is None else "loaded" if facts["loaded"] else "present"
    return {"name": facts["name"], "state": state, "digest": facts["digest"]}


def apply_state(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Bring the server to ``params`` (the module's options) and return the module's result.

    Raises:
        OllamaError: It could not be done.
    """
    name, wanted = params["name"], params["state"]
    digest = bare_digest(params["digest"])
    try:
        wait_for_server(params["base_url"], 0 if check_mode else params["wait"])
    except OllamaUnreachableError as error:
        if not check_mode:
            raise
        return _planned_without_server(params, str(error))
    keeper = ModelKeeper(OllamaClient(params["base_url"], params["timeout"]), name, check_mode=check_mode)
    before = keeper.facts()
    if wanted == "absent":
        keeper.ensure_absent()
    else:
        keeper.ensure_present(registry=params["registry"], insecure=params["insecure"], digest=digest)
        if wanted == "loaded":
            keeper.ensure_loaded(keep_alive=params["keep_alive"], num_ctx=params["num_ctx"])
    changed = bool(keeper.actions)
    after = keeper.facts() if changed and not check_mode else before
    shown = {**_state(after), "state": wanted} if check_mode and changed else _state(after)
    return {
        "changed": changed,
        "actions": keeper.actions,
        "model": after,
        "diff": {"before": _state(before), "after": shown},
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
        },
        supports_check_mode=True,
    )
    try:
        result = apply_state(module.params, check_mode=module.check_mode)
    except OllamaError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
