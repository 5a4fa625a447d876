"""A stand-in for an Ollama server: no model, a known service time, and faults on request."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from lab.serving import Serving

if TYPE_CHECKING:
    from types import TracebackType

MODEL = "stand-in:1b"
DIGEST = "57a4d0000001" + "0" * 52
ANSWER = json.dumps({"suggestions": ["basil", "garlic", "olive oil"], "confidence": 80})


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandInOllama

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """List the models that there are (`/api/tags`), or that are loaded (`/api/ps`)."""
        self.stand_in.wait_while("deaf")
        models = [{"name": name, "model": name, "digest": f"sha256:{digest}"} for name, digest in self.stand_in.models]
        self._answer({"models": models})

    def do_POST(self) -> None:
        """Describe the model (`/api/show`), load it (no messages), or answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/show":
            self._answer({"model_info": {}})
            return
        self.stand_in.serve(body)
        message = {"role": "assistant", "content": ANSWER}
        self._answer({"message": message, "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 9})

    def _answer(self, value: Any) -> None:
        payload = json.dumps(value).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
        except OSError:
            self.stand_in.left += 1


class StandInOllama(Serving):
    """Works on as many requests at a time as it has slots, each for the same time, silently to its end.

    Listens from its making on, and answers while used as a context manager.

    Args:
        model: Name of its model.
        digest: The model's digest, 64 digits.
        service_s: Time that a request takes, in seconds.
        slots: Requests at a time; others wait.
        state: See below.

    Attributes:
        url: Where it listens.
        state: `ok`; `hung` lists its model and is silent when it is asked; `deaf` is silent altogether.
        asked: Prompts that came, without trials.
        trials: Prompts of the service's pool, which asks for one token whether a server is back.
        left: Callers that did not wait for their answer.
        models: Name and digest of each model.
    """

    def __init__(
        self, *, model: str = MODEL, digest: str = DIGEST, service_s: float = 0.0, slots: int = 1, state: str = "ok"
    ) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stand_in": self}))
        server.daemon_threads = True
        super().__init__(server)
        self._slots = threading.Semaphore(slots)
        self._ended = threading.Event()
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.models = [(model, digest)]
        self.service_s = service_s
        self.state = state
        self.asked = 0
        self.trials = 0
        self.left = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        super().__exit__(kind, error, trace)

    def serve(self, body: dict[str, Any]) -> None:
        """Take the time that a request takes; loading takes none."""
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
