"""Writes into `docs/clients.md` what `make test-clients` found: each client and cell, here and with Ollama itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab.artifacts import OLLAMA_VERSION
from lab.paths import LAB, ROOT
from tests.clients.catalogue import CELLS, CLIENTS, TOOL_CELLS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.clients.catalogue import Client

PAGE = ROOT / "docs" / "clients.md"
RESULTS = LAB / "clients.json"
BEGIN = "<!-- matrix: made from a run of `make test-clients` by `python -m tools.docs.client_matrix` -->\n"
END = "<!-- /matrix -->\n"
PASSED, FAILED, ABSENT = "✓", "✗", ""
_SERVICE, _OLLAMA, _STAND_INS = "service", "ollama", ("stand-in ollama", "stand-in openai")

Results = dict[tuple[str, str, str], str]
"""What is wrong, by client, cell and target; empty where nothing is."""


def read_results() -> tuple[Results, dict[str, str]]:
    """Read what the last runs found, and the clients' versions."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))
    versions = {client: version for client, _, _, _, version in rows}
    return {(client, cell, target): fault for client, cell, target, fault, _ in rows}, versions


def tables(results: Results, versions: dict[str, str]) -> str:
    """Return the tables of answers and tools, and what Ollama refused where it was asked directly."""
    clients = [client for client in CLIENTS.values() if client.name in versions]
    answers = [
        [*_head(client, versions), *(_pair(results, client, cell) for cell in CELLS)]
        for client in clients
    ]  # fmt: skip
    tools = [
        [
            *_head(client, versions),
            *(_of_all(results, client, client.tool_cells, target) for target in (*_STAND_INS, _OLLAMA)),
        ]
        for client in clients
    ]
    return "\n".join(
        (
            _table(["Client", "Version", "Format", *CELLS.values()], answers),
            "## Tools\n",
            f"Cells that passed, of {', '.join(TOOL_CELLS.values()).lower()}.\n",
            _table(["Client", "Version", "Format", "In front of Ollama*", "Of OpenAI*", "Ollama, gemma3:270m"], tools),
            "\\* The stand-in.\n",
            "## What failed\n",
            _faults(results),
        )
    )


def with_tables(text: str, results: Results, versions: dict[str, str]) -> str:
    """Return the page's text with these tables between its markers.

    Raises:
        ValueError: A marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lost a marker of its tables: {BEGIN.strip()} ... {END.strip()}")
    return f"{before}{begin}\n{tables(results, versions)}\n{end}{after}"


def _head(client: Client, versions: dict[str, str]) -> list[str]:
    return [client.title, versions[client.name], client.wire_format]


def _pair(results: Results, client: Client, cell: str) -> str:
    """Return the mark of the service, and that of Ollama where it differs."""
    if cell not in client.cells:
        return ABSENT
    here, there = (_mark(results.get((client.name, cell, target))) for target in (_SERVICE, _OLLAMA))
    return here if here == there or not there else f"{here} (Ollama {there})"


def _mark(fault: str | None) -> str:
    if fault is None:
        return ABSENT
    return FAILED if fault else PASSED


def _of_all(results: Results, client: Client, cells: Iterable[str], target: str) -> str:
    ran = [results[client.name, cell, target] for cell in cells if (client.name, cell, target) in results]
    return f"{ran.count('')} of {len(ran)}" if ran else ABSENT


def _faults(results: Results) -> str:
    """Return a row a fault; cells with the same one share a row."""
    cells: dict[tuple[str, str, str], list[str]] = {}
    names = CELLS | TOOL_CELLS
    for (client, cell, target), fault in results.items():
        if fault and client in CLIENTS:
            shown = fault.replace("|", "\\|").replace("\n", " ")[:160]
            cells.setdefault((CLIENTS[client].title, target, shown), []).append(names[cell])
    rows = [[client, target, ", ".join(found), f"`{shown}`"] for (client, target, shown), found in cells.items()]
    rows = [[each[0], f"Ollama {OLLAMA_VERSION}" if each[1] == _OLLAMA else each[1], *each[2:]] for each in rows]
    return _table(["Client", "Server", "Cell", "What came"], rows) if rows else "Nothing.\n"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in line) + "\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), *read_results()), encoding="utf-8")
