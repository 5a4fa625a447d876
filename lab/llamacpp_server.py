"""The program of `LlamaCppProcess`: llama.cpp's server, until a signal ends it.

It runs with the lab's copy of the package `xllamacpp` on its path, and nothing else.
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import xllamacpp


def main(settings: dict[str, Any]) -> None:
    """Serve one model.

    Args:
        settings: Path of the `model`, its `alias`, `port` of loopback, `threads`, `context` in tokens.
    """
    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings["model"]
    parameters.model_alias = {settings["alias"]}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = settings["port"]
    parameters.n_ctx = settings["context"]
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = settings["threads"]
    # It answers chats all the same; OpenAI's format has one vector a text.
    parameters.embedding = True
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(parameters)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del server


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main(json.loads(sys.argv[1]))
