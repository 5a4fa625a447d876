"""The API as the command uses it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ai_service.cli.errors import CliError, NotPermittedError
from ai_service.cli.http import Server
from ai_service.cli.question import Question

if TYPE_CHECKING:
    import httpx

    from ai_service.cli.site import Site

LOOK_S = 3.0
ANSWER_S = 130.0
"""Above the API's own deadline for an answer (100 s by default)."""
CACHE = "/api/v1/ai/cache"
SAMPLE_REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "recipe": ("/api/v1/ai/generate-recipe", {"prompt": "quick lentil soup"}),
    "ingredients": ("/api/v1/ai/suggest-ingredients", {"partial": ["tomatoes", "basil"]}),
    "nutrition": ("/api/v1/ai/analyze-nutrition", {"ingredients": ["2 eggs", "100 g spinach"]}),
}
TASKS = (*SAMPLE_REQUESTS, "chat", "embeddings")
"""What has cached answers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Response to one request.

    Attributes:
        seconds: From here and back.
        status: HTTP status.
        cache: The header Cache-Status.
        meta: What the answer says of its making; {} for an error.
        error: In a sentence; "" where there is an answer.
    """

    seconds: float
    status: int
    cache: str
    meta: dict[str, Any]
    error: str

    @property
    def is_hit(self) -> bool:
        """Whether the cache gave it."""
        return "; hit" in self.cache


class Api:
    """The API.

    Args:
        site: Where it is, and the key for it, which is read only when one is needed.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._open = self._server("")

    def health(self) -> dict[str, Any]:
        """Its report; a critical one is a report too."""
        report: dict[str, Any] = self._open.request("GET", "/api/v1/ai/health", timeout_s=LOOK_S).json()
        return report

    def metrics(self) -> str:
        """Its metrics, as Prometheus reads them."""
        return self._open.request("GET", "/metrics", timeout_s=LOOK_S).text

    def ask(self, task: str, *, fresh: bool) -> Asked:
        """Send one of SAMPLE_REQUESTS.

        Args:
            task: Its name.
            fresh: Past the cache.
        """
        path, body = SAMPLE_REQUESTS[task]
        headers = {"Cache-Control": "no-cache"} if fresh else {}
        begun = time.perf_counter()
        response = self._keyed().request("POST", path, body, timeout_s=ANSWER_S, headers=headers)
        seconds = time.perf_counter() - begun
        answer = response.json()
        cache = response.headers.get("Cache-Status", "")
        return Asked(seconds, response.status_code, cache, answer.get("meta", {}), answer.get("error", ""))

    def question(self, path: str, body: dict[str, Any], *, fresh: bool) -> Question:
        """Return a question, not asked yet.

        Args:
            path: The route.
            body: Of the request.
            fresh: Past the cache.
        """
        return Question(self._keyed(), path, body, fresh=fresh)

    def default_model(self) -> str:
        """Return the model that the service answers with where none is named.

        Raises:
            CliError: It serves none, or refuses to tell.
        """
        response = self._keyed().request("GET", "/v1/models", timeout_s=LOOK_S)
        _refuse(response)
        models: list[dict[str, Any]] = response.json()["data"]
        if not models:
            raise CliError("The API serves no model.", hint="`alchemorsel status` shows its providers.")
        return str(models[0]["id"])

    def cache_stats(self) -> dict[str, Any]:
        """Return the cache statistics."""
        return self._administer("GET", f"{CACHE}/stats")

    def purge(self, task: str | None) -> dict[str, Any]:
        """Delete a task's cached answers, or all."""
        return self._administer("DELETE", f"{CACHE}?task={task}" if task else CACHE)

    def warm_up(self) -> dict[str, Any]:
        """Start a warm-up with the configured requests."""
        return self._administer("POST", f"{CACHE}/warmup")

    def _administer(self, method: str, path: str) -> dict[str, Any]:
        response = self._keyed().request(method, path, timeout_s=LOOK_S)
        _refuse(response)
        data: dict[str, Any] = response.json()["data"]
        return data

    def _keyed(self) -> Server:
        return self._server(self._site.key())

    def _server(self, key: str) -> Server:
        hint = "`alchemorsel status` shows its state, `alchemorsel logs api` the reason."
        return Server("The API", self._site.api_url, hint=hint, key=key, ca_file=self._site.ca_file)


def _refuse(response: httpx.Response) -> None:
    if response.is_success:
        return
    error = response.json().get("error", f"status {response.status_code}")
    if response.status_code in {401, 403}:
        raise NotPermittedError(
            f"Refused by the API: {error}",
            hint="This requires the administrator's key: set ALCHEMORSEL_API_KEY_FILE to its path.",
        )
    raise CliError(f"Refused by the API: {error}")
