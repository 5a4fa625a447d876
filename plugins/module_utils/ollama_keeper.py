"""Brings one model of a server to a wanted state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_client import OllamaClient, OllamaError
from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_names import (
    bare_digest,
    full_name,
    registry_reference,
)

if TYPE_CHECKING:
    from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_progress import Report

PROMPT = "Tomatoes, basil and"
EVICT_S = 5.0
EVICT_POLL_S = 0.1
PROMPT_TOKENS = 4
"""Enough to show that the model computes."""


class ModelKeeper:
    """Brings one model to the wanted state with as few calls as it takes.

    Args:
        client: The server.
        name: Model, with or without a tag.
        check_mode: Plan only.
        report: Told of what takes long.
    """

    def __init__(self, client: OllamaClient, name: str, *, check_mode: bool, report: Report) -> None:
        self._client = client
        self._name = full_name(name)
        self._check_mode = check_mode
        self._report = report
        self.actions: list[str] = []

    def facts(self) -> dict[str, Any]:
        """Return the model as the server has it now (see RETURN)."""
        listed = {model.get("name"): model for model in self._client.models()}
        entry = listed.get(self._name)
        if entry is None:
            return unknown_model(self._name)
        loaded = self._client.loaded()
        running = next((model for model in loaded if _is_same(model, entry)), None) or self._shared(loaded, listed)
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
        self._client.pull(reference, insecure=insecure, report=self._report)
        try:
            self._refuse_wrong_digest(reference, digest, keep=reference == self._name and before["digest"] is not None)
            if reference != self._name:
                self._client.copy(reference, self._name)
                self._client.delete(reference)
        except OllamaError:
            if not self._was_named_meanwhile(reference, digest):
                raise
        if reference != self._name:
            self.actions.append(f"name it {self._name}")

    def ensure_loaded(self, *, keep_alive: str, num_ctx: int | None) -> None:
        """Have the model in memory, and see that it stays there."""
        if self.facts()["loaded"]:
            return
        self.actions.append(f"load {self._name}")
        if self._check_mode:
            return
        self._report("loading into memory")
        self._client.load(self._name, keep_alive=keep_alive, num_ctx=num_ctx)
        if not self.facts()["loaded"] and self._evict_deleted():
            self._client.load(self._name, keep_alive=keep_alive, num_ctx=num_ctx)
        if not self.facts()["loaded"]:
            message = (
                f"{self._name} was loaded but did not stay in memory: keep_alive is 0, or the memory does not hold "
                "this model beside the others"
            )
            raise OllamaError(message)

    def ensure_answer(self, asking: OllamaClient, *, num_ctx: int | None) -> str:
        """Return what the model answers to a short request.

        Args:
            asking: The server, with the time that the answer may take.
            num_ctx: Context length that the model was loaded with; another would load it again.

        Raises:
            OllamaError: It does not answer, or with nothing.
        """
        self._report("having it answer")
        answer = asking.answer(self._name, PROMPT, tokens=PROMPT_TOKENS, num_ctx=num_ctx)
        if not answer.strip():
            message = f"{self._name} is loaded but answers {PROMPT!r} with nothing"
            raise OllamaError(message)
        return answer

    def ensure_absent(self) -> None:
        """Delete the model where it is there; it leaves memory first, where it would stay for its `keep_alive`."""
        before = self.facts()
        if before["digest"] is None:
            return
        self.actions.append(f"delete {self._name}")
        if self._check_mode:
            return
        if before["loaded"]:
            self._client.unload(self._name)
        self._client.delete(self._name)

    def _evict_deleted(self) -> bool:
        """Have the server forget this model's weights where it lists them under a name that is not on disk any more."""
        listed = {model.get("name"): model for model in self._client.models()}
        deleted = {
            model["name"] for model in self._client.loaded() if not _is_same(model, listed.get(model["name"], {}))
        }
        if not deleted:
            return False
        self._client.unload(self._name)
        give_up = time.monotonic() + EVICT_S
        while deleted <= {model["name"] for model in self._client.loaded()}:
            if time.monotonic() > give_up:
                return False
            time.sleep(EVICT_POLL_S)
        return True

    def _shared(self, loaded: list[dict[str, Any]], listed: dict[Any, dict[str, Any]]) -> dict[str, Any] | None:
        """Return what is in memory with this model's weights: a server lists it under the name that was loaded first.

        What a name had before it was pulled again does not count: the server describes only what it has on disk.
        """
        others = [model for model in loaded if _is_same(model, listed.get(model.get("name"), {}))]
        weights = self._client.weights(self._name) if others else []
        return next((model for model in others if weights and self._client.weights(model["name"]) == weights), None)

    def _was_named_meanwhile(self, reference: str, wanted: str | None) -> bool:
        """Tell whether another run of this, cut off from its play, has given the pulled model its name already."""
        names = {model.get("name") for model in self._client.models()}
        return reference not in names and self._name in names and wanted in (None, self.facts()["digest"])

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


def unknown_model(name: str) -> dict[str, Any]:
    """Return the facts of a model that is not on the server."""
    return {"name": name, "digest": None, "size": None, "loaded": False, "size_vram": None}


def _is_same(running: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Tell whether a loaded model is this one; by digest, so that an older pull of the name does not count."""
    if running.get("digest"):
        return bool(running["digest"] == entry.get("digest"))
    return running.get("name") == entry.get("name")
