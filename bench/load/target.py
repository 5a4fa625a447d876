"""The service under test as the harness itself talks to it: ready or not, its counters, single requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import httpx
import msgspec

from bench.errors import TargetError, UsageError
from bench.evidence.counters import Counters, parse_counters
from bench.load.credentials import authorization
from bench.load.http_client import HttpClient
from bench.load.whole_answer import ANSWER_SECONDS, UnfinishedAnswerError
from bench.load.workload import TASKS, request_body
from bench.samples import Answer, Outcome, judge_answer
from bench.tls import SYSTEM

if TYPE_CHECKING:
    from types import TracebackType

    from bench.tls import Trust

QUICK_SECONDS = 5.0
"""Longest silence of a page that needs no model."""
PAGE_SECONDS = 15.0
"""Deadline of the whole page: on a busy machine the first one takes seconds, connection included."""


class _Cache(msgspec.Struct, frozen=True):
    store: str = ""


class _Health(msgspec.Struct, frozen=True):
    """What is read of ``/health``; a service may wrap it in its envelope."""

    version: str = ""
    model_digest: str = ""
    cache: _Cache = _Cache()
    data: _Health | None = None


class Target:
    """A running service.

    Args:
        url: Its base URL, e.g. ``http://127.0.0.1:3010``.
        trust: Whose certificate it may have, where the URL is https://.

    Raises:
        UsageError: The URL is none.
    """

    def __init__(self, url: str, trust: Trust = SYSTEM) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise UsageError(f"--target {url!r} is no URL ({error}); expected e.g. http://127.0.0.1:3010") from error
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise UsageError(f"--target {url!r} is no http:// or https:// URL; expected e.g. http://127.0.0.1:3010")
        if parsed.userinfo:
            raise UsageError("--target carries a password; it would show in every report")
        self.url = str(parsed).rstrip("/")
        self.trust = trust
        self._client = HttpClient(self.url, trust, QUICK_SECONDS, authorization())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def require_ready(self) -> None:
        """Make sure that the service can answer.

        Raises:
            TargetError: It cannot be reached, or says that it is not ready.
        """
        response = self._get("/health/ready")
        if response.status_code != 200:
            text = " ".join(response.text.split())[:200]
            raise TargetError(f"{self.url} is not ready: /health/ready answers {response.status_code} {text}")

    def counters(self) -> Counters:
        """Read the service's counters; none where ``/metrics`` cannot be had or read, which the evidence then says."""
        try:
            return parse_counters(self.metrics())
        except ValueError:
            return Counters()

    def metrics(self) -> str:
        """Return its ``/metrics``; empty where it has none."""
        try:
            response = self._get("/metrics")
        except TargetError:
            return ""
        return response.text if response.status_code == 200 else ""

    def facts(self) -> dict[str, str]:
        """Return what ``/health`` tells of the service, as label and text: version, digest of the model, cache."""
        try:
            page = msgspec.json.decode(self._get("/health").content, type=_Health)
        except (msgspec.MsgspecError, TargetError):
            page = _Health()
        told = page if page.data is None else page.data
        return {
            "service version": told.version or "not told",
            "model digest": told.model_digest or "not told",
            "cache store": told.cache.store or "not told",
        }

    def ask(self, task: str, seed: str, index: int) -> Outcome:
        """Send one request outside of any measurement.

        Returns:
            What `judge_answer` says of it.
        """
        headers, body = {"Content-Type": "application/json"}, request_body(task, seed, index)
        try:
            response = self._client.fetch(
                "POST", TASKS[task].path, ANSWER_SECONDS, content=body, headers=headers, timeout=ANSWER_SECONDS
            )
        except httpx.HTTPError as error:
            return judge_answer(Answer(status=0, error=f"{type(error).__name__}: {error}"))
        except UnfinishedAnswerError as error:
            return judge_answer(Answer(status=0, error=str(error)))
        return judge_answer(Answer(status=response.status_code, headers=response.headers, body=response.content))

    def _get(self, path: str) -> httpx.Response:
        try:
            return self._client.fetch("GET", path, PAGE_SECONDS)
        except UnfinishedAnswerError as error:
            raise TargetError(f"{self.url}{path}: {error}") from error
        except httpx.HTTPError as error:
            if problem := self.trust.explain(error):
                raise TargetError(f"{self.url}: {problem}") from error
            reason = str(error) or type(error).__name__
            raise TargetError(f"{self.url} does not answer ({reason}); is the service running there?") from error
