"""`alchemorsel` as typed, in this process, where no service is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from ai_service.cli.__main__ import app

if TYPE_CHECKING:
    from typer.testing import Result

NOWHERE = "http://127.0.0.1:9"


def run(*arguments: str, **variables: str) -> Result:
    """Run the command without a terminal.

    Args:
        arguments: As typed.
        variables: Its `ALCHEMORSEL_*` variables; the API and Ollama are nowhere otherwise.
    """
    addresses = {"API_URL": NOWHERE, "OLLAMA_HOST": NOWHERE, **variables}
    environment = {f"ALCHEMORSEL_{name}": value for name, value in addresses.items()}
    environment |= {"COLUMNS": "120", "TERMINAL_WIDTH": "120", "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner().invoke(app, list(arguments), prog_name="alchemorsel", env=environment)
