"""A stand-in for an Ollama server: no model, a known service time, and faults on request."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from tests.http_fake import FakeHandler, HTTPFake

MODEL = "stand-in:1b"
DIGEST = "57a4d0000001" + "0" * 52
ANSWER = json.dumps({"suggestions": ["basil", "garlic", "olive oil"], "confidence": 80})


class _Handler(FakeHandler):
    fake: StandInOllama

    def do_GET(self) -> None:
        """List the models that there are (`/api/tags`), or that are loaded (`/api/ps`)."""
        self.fake.wait_while("deaf")
        models = [{"name": name, "model": name, "digest": f"sha256:{digest}"} for name, digest in self.fake.models]
        self.answer(200, {"models": models})

    def do_POST(self) -> None:
        """Describe the model (`/api/show`), load it (no messages), or answer."""
        body = self.body()
        if self.path == "/api/show":
            self.answer(200, {"model_info": {}})
            return
        self.fake.serve(body)
        message = {"role": "assistant", "content": ANSWER}
        try:
            self.answer(200, {"message": message, "done": True, "done_reason": "stop", "eval_count": 9})
        except OSError:
            self.fake.left += 1


class StandInOllama(HTTPFake):
    """Works on as many requests at a time as it has slots, each for the same time, silently to its end.

    Args:
        model: Name of its model.
        digest: The model's digest, 64 digits.
        service_s: Time that a request takes, in seconds.
        slots: Requests at a time; others wait.

    Attributes:
        state: `ok`; `hung` lists its model and is silent when it is asked; `deaf` is silent altogether.
        asked: Prompts that came, without trials.
        trials: Prompts of the pool, which asks for one token whether it is back.
        left: Callers that did not wait.
        models: Name and digest of each model.
    """

    handler = _Handler

    def __init__(
        self, *, model: str = MODEL, digest: str = DIGEST, service_s: float = 0.0, slots: int = 1, state: str = "ok"
    ) -> None:
        super().__init__()
        self.models = [(model, digest)]
        self.service_s = service_s
        self.state = state
        self.asked = 0
        self.trials = 0
        self.left = 0
        self._slots = threading.Semaphore(slots)
        self._ended = threading.Event()

    def __exit__(self, *error: Any) -> None:
        self._ended.set()
        super().__exit__(*error)

    def serve(self, body: dict[str, Any]) -> None:
        """Take the time that a request takes."""
        if body.get("options", {}).get("num_predict") == 1:
            self.trials += 1
        elif body.get("messages"):
            self.asked += 1
        self.wait_while("hung", "deaf")
        with self._slots:
            time.sleep(self.service_s if body.get("messages") else 0.0)

    def wait_while(self, *states: str) -> None:
        """Be silent while it is in one of these states."""
        while self.state in states and not self._ended.wait(0.05):
            pass
