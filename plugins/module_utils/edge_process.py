"""What the running edge has loaded: its configuration, its certificate and its unit, asked of the process itself.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str]], tuple[int, str, str]]

DEADLINE_SECONDS = 5
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----", re.DOTALL)
UNIT_VARIABLE = b"ALCHEMORSEL_EDGE_UNIT="


def ask(path: str, command: str) -> str:
    """Return what the runtime socket answers to a command; an empty string where nothing listens there.

    Args:
        path: The runtime socket.
        command: One command of HAProxy's runtime API.
    """
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_SECONDS)
        try:
            client.connect(path)
            client.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode(errors="replace")
        except OSError:
            return ""


def field(text: str, name: str) -> str:
    """Return the value of a line `name: value`; an empty string where there is none."""
    match = re.search(rf"^{re.escape(name)}: *(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def fingerprint(pem: str) -> str:
    """Return the SHA-1 of the first certificate in PEM text, upper-case, as HAProxy prints it."""
    match = CERTIFICATE.search(pem)
    return hashlib.sha1(base64.b64decode(match[1]), usedforsecurity=False).hexdigest().upper() if match else ""


def file_fingerprint(path: str) -> str:
    """Return the fingerprint of the first certificate in a file; an empty string where there is none."""
    place = Path(path)
    return fingerprint(place.read_text(errors="replace")) if place.is_file() else ""


def loaded(run: Run, unit: str, path: str, certificate: str) -> dict[str, str]:
    """Return what the running edge has loaded.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        unit: The edge's unit.
        path: The runtime socket.
        certificate: File of the certificate, as the configuration names it.

    Returns:
        ``configuration``, the global section's description; ``certificate``, a fingerprint; ``unit``, the value of the
        unit's variable ALCHEMORSEL_EDGE_UNIT. Each is empty where it is not loaded.
    """
    return {
        "configuration": field(ask(path, "show info"), "description"),
        "certificate": field(ask(path, f"show ssl cert {certificate}"), "SHA1 FingerPrint"),
        "unit": _unit_variable(run(["systemctl", "show", "--property=MainPID", "--value", unit])[1].strip()),
    }


def _unit_variable(pid: str) -> str:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((item[len(UNIT_VARIABLE) :].decode() for item in variables if item.startswith(UNIT_VARIABLE)), "")
