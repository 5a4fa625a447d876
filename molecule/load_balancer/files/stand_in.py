"""A stand-in for the service behind the edge: answers every request with what came; no part of the project."""

from __future__ import annotations

import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Echoes requests."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with method, path and length of the body."""
        length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        told = {"stand_in": sys.argv[1], "method": self.command, "path": self.path, "length": length}
        body = json.dumps({**told, "headers": dict(self.headers.items())}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def address_string(self) -> str:
        """Return a fixed name, since a Unix socket has no address."""
        return "edge"

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """Listens on a Unix socket, or on a port."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without a look-up of names, and as every server does that is restarted."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "stand-in", 0


class UnixServer(Server):
    """Listens on a Unix socket that everybody who gets into its folder may use."""

    address_family = socket.AF_UNIX


if __name__ == "__main__":
    where = sys.argv[2]
    if where.isdigit():
        server: Server = Server(("127.0.0.1", int(where)), Handler)
    else:
        Path(where).unlink(missing_ok=True)
        server = UnixServer(where, Handler)  # type: ignore[arg-type] # a path is the address of a Unix socket
        Path(where).chmod(0o666)
    server.serve_forever()
