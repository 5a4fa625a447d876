"""The programs that a lab host runs beside its site while faults are tried.

The host's own Python runs them, without a package of this repository: it gets their modules alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.faults import commanded_server, relay, stand_in_fallback, starvation

if TYPE_CHECKING:
    from collections.abc import Iterator

OLLAMA_PORT = 11436
"""Of the relay before the real Ollama."""
FALLBACK_PORT = 11437
"""Of the stand-in for a hosted fallback."""
MODES = "/run/alchemorsel-faults"
"""Folder of the host in which files say how relay and stand-in behave."""
STARVATION = "/run/alchemorsel-starvation"
"""File of the host that tells when its service waited for a processor."""

_FOLDER = "/usr/local/lib/alchemorsel-faults"
_MODULES = {
    f"{module.__name__.replace('.', '/')}.py": Path(str(module.__file__))
    for module in (commanded_server, relay, stand_in_fallback, starvation)
}
_COMMANDS = {
    "relay": f"-m {relay.__name__} {OLLAMA_PORT} 127.0.0.1:11435 {MODES}",
    "stand-in-fallback": f"-m {stand_in_fallback.__name__} {FALLBACK_PORT} {MODES}",
    # By its path, by which it knows itself among the processes.
    "starvation": f"{_FOLDER}/lab/faults/starvation.py {STARVATION} ai_service haproxy",
}
_UNIT = """[Unit]
Description=Part of a trial of faults
[Service]
WorkingDirectory={home}
ExecStartPre=/usr/bin/mkdir --parents {modes}
ExecStart=/usr/bin/python3 {command}
Restart=always
RestartSec=0.2
[Install]
WantedBy=multi-user.target
"""

UNITS = tuple(f"alchemorsel-faults-{name}" for name in _COMMANDS)


def files() -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the modules and units that a host gets."""
    for name, source in _MODULES.items():
        yield f"{_FOLDER}/{name}", source.read_bytes()
    for unit, command in zip(UNITS, _COMMANDS.values(), strict=True):
        text = _UNIT.format(home=_FOLDER, modes=MODES, command=command)
        yield f"/etc/systemd/system/{unit}.service", text.encode()
