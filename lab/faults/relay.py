"""A relay between the service and the real Ollama of a lab host: passes on, or spoils what passes.

    python3 -m lab.faults.relay PORT OLLAMA FOLDER

The file `ollama` of the folder says in one word how it behaves.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path

from lab.faults.commanded_server import HANG_S, CommandedHandler, listen

UPSTREAM_TIMEOUT_S = 120.0
SLOW_S = 4.0
LINES_OF_A_CUT_ANSWER = 3


class Relay(CommandedHandler):
    """Passes on to the real server, unless it is told otherwise.

    `503` refuses everything. What follows spoils questions only, so that the server looks well: `slow` holds each back
    for four seconds, `truncate` breaks its answer off, `hang` never answers it.

    Attributes:
        upstream: The real server, `host:port`.
    """

    name = "ollama"
    upstream = ""

    def serve(self, body: bytes | None) -> None:
        """See above."""
        mode = self.mode
        if mode == "503":
            self.answer(503, {"error": "server busy, please try again"})
            return
        is_question = body is not None and bool(json.loads(body).get("messages"))
        if is_question and mode == "hang":
            time.sleep(HANG_S)
            return
        if is_question and mode == "slow":
            time.sleep(SLOW_S)
        self._pass_on(body, LINES_OF_A_CUT_ANSWER if is_question and mode == "truncate" else None)

    def _pass_on(self, body: bytes | None, most_lines: int | None) -> None:
        upstream = http.client.HTTPConnection(self.upstream, timeout=UPSTREAM_TIMEOUT_S)
        try:
            upstream.request(self.command, self.path, body, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.end_headers()  # HTTP/1.0: the body ends where the connection does.
            for number, line in enumerate(iter(answer.readline, b"")):
                if number == most_lines:
                    return
                self.wfile.write(line)
                self.wfile.flush()
        except OSError:
            pass  # The service sees a connection that ends, as it would without this program.
        finally:
            upstream.close()


def main(port: str, upstream: str, folder: str) -> None:
    """Listen until a signal ends it."""
    Relay.upstream, Relay.folder = upstream, Path(folder)
    listen(int(port), Relay)


if __name__ == "__main__":
    main(*sys.argv[1:])
