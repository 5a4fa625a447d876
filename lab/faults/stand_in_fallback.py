"""A stand-in for a hosted fallback, in OpenAI's wire format: no model, and faults by command.

    python3 -m lab.faults.stand_in_fallback PORT FOLDER

The file `fallback` of the folder says in one word how it behaves.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from lab.faults.commanded_server import HANG_S, CommandedHandler, listen

ANSWER = json.dumps({"suggestions": ["thyme", "shallot", "vinegar"]})


class StandInFallback(CommandedHandler):
    """Answers every question with the same ingredients; `401` and `429` refuse it, `hang` never answers."""

    name = "fallback"

    def serve(self, body: bytes | None) -> None:
        """See above."""
        mode = self.mode
        if mode == "hang":
            time.sleep(HANG_S)
        elif mode.isdigit():
            self.answer(int(mode), {"error": {"message": "refused by the stand-in", "type": "refused"}})
        elif body is None:
            self.answer(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})
        else:
            message = {"role": "assistant", "content": ANSWER}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.answer(200, {"choices": [choice], "usage": {"prompt_tokens": 40, "completion_tokens": 20}})


def main(port: str, folder: str) -> None:
    """Listen until a signal ends it."""
    StandInFallback.folder = Path(folder)
    listen(int(port), StandInFallback)


if __name__ == "__main__":
    main(*sys.argv[1:])
