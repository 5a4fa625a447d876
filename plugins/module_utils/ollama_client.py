"""The calls of Ollama's HTTP API that managing models takes.

Standard library only, because it runs on the managed host. Written against the current Ollama API; a server as
old as 0.5.4 is served too (it requires ``name`` where newer ones require ``model``, so both are sent).
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.alchemorsel.ai.plugins.module_utils.ollama_progress import Report

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

    def weights(self, name: str) -> list[str]:
        """Return the weights and adapters of a model on disk, as its Modelfile names them; none where it does not."""
        described = next(self._exchange("POST", "/api/show", {"model": name, "name": name}), {})
        lines = str(described.get("modelfile", "")).splitlines()
        return [line for line in lines if line.startswith(("FROM ", "ADAPTER "))]

    def pull(self, reference: str, *, insecure: bool, report: Report) -> None:
        """Pull ``reference``; return when the server has it whole and verified.

        Args:
            reference: The model, with the registry in front where it is not Ollama's own.
            insecure: Accept plain HTTP or an unknown certificate from the registry.
            report: Told of every line of the server's, with the bytes of all the parts that it has named so far.
        """
        body = {"model": reference, "name": reference, "insecure": insecure, "stream": True}
        last: dict[str, Any] = {}
        parts: dict[str, tuple[int, int]] = {}
        for last in self._exchange("POST", "/api/pull", body):
            if "error" in last:
                message = f"pull of {reference} failed: {last['error']}"
                raise OllamaError(message)
            doing = str(last.get("status")).partition(" ")[0]
            if "digest" in last:
                parts[last["digest"]] = (last.get("completed", 0), last.get("total", 0))
                report(
                    doing, sum(done for done, _total in parts.values()), sum(total for _done, total in parts.values())
                )
            else:
                report(doing)
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

    def unload(self, name: str) -> None:
        """Take a model's weights out of memory, under whichever name they are listed; a moment later they are gone."""
        self._finish("POST", "/api/generate", {"model": name, "stream": False, "keep_alive": 0})

    def answer(self, name: str, prompt: str, *, tokens: int, num_ctx: int | None) -> str:
        """Return what a model writes after a prompt, at most so many tokens."""
        options = {"num_predict": tokens, **({} if num_ctx is None else {"num_ctx": num_ctx})}
        body = {"model": name, "prompt": prompt, "stream": False, "options": options}
        written = ""
        for line in self._exchange("POST", "/api/generate", body):
            if "error" in line:
                message = f"{name} did not answer: {line['error']}"
                raise OllamaError(message)
            written += line.get("response", "")
        return written

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
