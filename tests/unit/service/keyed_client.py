"""A client of an application that asks for a key, with the key of a caller and that of an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.access.keys import hash_key, new_key
from tests.unit.service.client import Client
from tests.unit.service.fakes import ScriptedProvider

if TYPE_CHECKING:
    from pathlib import Path

WEB, OPERATOR = new_key(), new_key()


def keyed_client(folder: Path, **environ: str) -> Client:
    """Make a client; the keys' file lies in the folder."""
    lines = [hash_key("web", WEB).line(), hash_key("operator", OPERATOR, admin=True).line()]
    (folder / "keys").write_text("\n".join(lines))
    return Client(ScriptedProvider(), ALCHEMORSEL_API_KEYS_FILE=str(folder / "keys"), **environ)
