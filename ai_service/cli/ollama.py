"""Ollama as the command uses it: models on disk, models in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ai_service.cli.errors import CliError, UnknownNameError
from ai_service.cli.http import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ai_service.cli.site import Site

LOOK_S = 3.0
LOAD_S = 300.0
SILENCE_S = 120.0
"""Between two lines of a pull: verifying a large model's digest is silent."""


class Ollama:
    """The Ollama server.

    Args:
        site: Where it is.
    """

    def __init__(self, site: Site) -> None:
        hint = "`alchemorsel status` shows its state, `alchemorsel logs ollama` the reason."
        self._server = Server("Ollama", site.ollama_url, hint=hint, ca_file=site.ca_file)

    def version(self) -> str:
        """Its version."""
        version: str = self._json("GET", "/api/version")["version"]
        return version

    def models(self) -> list[dict[str, Any]]:
        """On disk: name, digest, size in bytes, details."""
        models: list[dict[str, Any]] = self._json("GET", "/api/tags")["models"]
        return models

    def loaded(self) -> list[dict[str, Any]]:
        """In memory: name, size and size_vram in bytes, expires_at."""
        models: list[dict[str, Any]] = self._json("GET", "/api/ps")["models"]
        return models

    def show(self, name: str) -> dict[str, Any]:
        """Return what the server tells of a model on disk: details, model_info, parameters, template, license."""
        self.require(name)
        return self._json("POST", "/api/show", {"model": name, "name": name})

    def require(self, name: str) -> None:
        """Require that a model is on disk.

        Raises:
            UnknownNameError: It is not.
        """
        self._known(name, self.models())

    def pull(self, name: str, report: Callable[[str, int, int], None], *, insecure: bool = False) -> None:
        """Pull a model.

        Args:
            name: Of the model.
            report: Called with what is being done, and bytes done and in all (0 where it is not about bytes).
            insecure: Accept plain HTTP from a registry in the name.

        Raises:
            CliError: It cannot be had.
        """
        body = {"model": name, "name": name, "insecure": insecure}
        last = ""
        with self._server.stream("POST", "/api/pull", body, silence_s=SILENCE_S) as lines:
            for line in lines:
                if "error" in line:
                    raise CliError(
                        f"{name} could not be pulled: {line['error']}", hint="Check name, registry and network."
                    )
                last = line["status"]
                report(last, line.get("completed", 0), line.get("total", 0))
        if last != "success":
            raise CliError(f"The pull of {name} was interrupted after {last or 'no response'!r}.", hint="Run it again.")

    def rename(self, name: str, new: str) -> None:
        """Rename a model by copying it and deleting the original."""
        self._json("POST", "/api/copy", {"source": name, "destination": new})
        self._json("DELETE", "/api/delete", {"model": name, "name": name})

    def remove(self, name: str) -> None:
        """Delete a model from the disk."""
        self.require(name)
        self._json("DELETE", "/api/delete", {"model": name, "name": name})

    def load(self, name: str, *, context_length: int | None = None) -> None:
        """Load a model into memory, for as long as its server keeps one.

        Args:
            name: Of the model.
            context_length: In tokens; the server's own where none is given. A request with another loads it again.
        """
        self.require(name)
        options = {} if context_length is None else {"options": {"num_ctx": context_length}}
        self._json("POST", "/api/generate", {"model": name, "stream": False, **options}, timeout_s=LOAD_S)

    def unload(self, name: str) -> None:
        """Unload a model from memory."""
        self._known(name, self.loaded())
        self._json("POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False}, timeout_s=LOAD_S)

    @staticmethod
    def _known(name: str, models: Iterable[dict[str, Any]]) -> None:
        names = [str(model["name"]) for model in models]
        if name not in names and f"{name}:latest" not in names:
            raise UnknownNameError("model", name, names)

    def _json(self, method: str, path: str, body: Any = None, *, timeout_s: float = LOOK_S) -> dict[str, Any]:
        response = self._server.request(method, path, body, timeout_s=timeout_s)
        answer: dict[str, Any] = response.json() if response.content else {}
        if not response.is_success:
            raise CliError(f"Refused by Ollama: {answer.get('error', f'status {response.status_code}')}")
        return answer
