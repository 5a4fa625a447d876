"""An Ollama without a model: one fixed answer in its wire format, at once or late."""

from __future__ import annotations

import json
import time

from tests.http_fake import FakeHandler, HTTPFake

MODEL = "fixed:1b"
DIGEST = "5e1f0000aaaa" + "0" * 52


class _Handler(FakeHandler):
    fake: ModelServer

    def do_GET(self) -> None:
        """List the models that there are (`/api/tags`), or that are loaded (`/api/ps`)."""
        time.sleep(self.fake.delay_s())
        self.fake.listed += 1
        self.answer(200, {"models": [{"name": MODEL, "model": MODEL, "digest": f"sha256:{DIGEST}"}]})

    def do_POST(self) -> None:
        """Describe the model (`/api/show`), or answer a question."""
        self.body()
        if self.path == "/api/show":
            self.answer(200, {"model_info": {}})
            return
        time.sleep(self.fake.answer_s)
        self.fake.asked += 1
        message = {"role": "assistant", "content": json.dumps(self.fake.content)}
        self.answer(200, {"message": message, "done": True, "done_reason": "stop", "eval_count": 9})


class ModelServer(HTTPFake):
    """Answers every question with the same suggestions.

    Args:
        slow_until: Monotonic seconds; until then it takes `slow_s` to list its models.
        slow_s: So long.

    Attributes:
        content: What the model writes.
        answer_s: How long it takes for an answer.
        asked: How many questions it answered.
        listed: How often it listed its models.
    """

    handler = _Handler

    def __init__(self, *, slow_until: float = 0.0, slow_s: float = 0.0) -> None:
        super().__init__()
        self._slow_until = slow_until
        self._slow_s = slow_s
        self.content = {"suggestions": ["basil", "garlic", "olive oil"], "confidence": 80}
        self.answer_s = 0.0
        self.asked = 0
        self.listed = 0

    def delay_s(self) -> float:
        """Tell how late a list of models is now."""
        return self._slow_s if time.monotonic() < self._slow_until else 0.0
