"""``python -m tools.perf.peers.instance``: one instance on a port, with the HTTP parser of instances behind an edge.

On a port the service itself uses h11, which bounds heads and is slower: what the edge costs would be hidden by that.
"""

from __future__ import annotations

import os

import uvicorn

from ai_service.app import create_app
from ai_service.config.settings import Settings
from ai_service.observability.structured_log import configure
from ai_service.process.server import BACKLOG

if __name__ == "__main__":
    settings = Settings.from_env(os.environ)
    configure(settings.log_level)
    uvicorn.run(
        create_app(settings),
        port=settings.port,
        http="httptools",
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        interface="asgi3",
    )
