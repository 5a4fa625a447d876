"""Which clients run, and the matrix that they run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.catalogue import CLIENTS, QUICK
from tests.clients.matrix import STAND_INS, Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK_RUN = "quick"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses clients."""
    parser.addoption(
        "--clients", default="all", help="client programs, comma-separated; quick: those of `make test`; all"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each client and cell, or of each client, cell and stand-in."""
    chosen = metafunc.config.getoption("clients", QUICK_RUN)
    names = {"all": tuple(CLIENTS), QUICK_RUN: QUICK}.get(chosen, tuple(chosen.split(",")))
    clients = [CLIENTS[name] for name in names]
    if "stand_in" in metafunc.fixturenames:
        cells = [(each, target, cell) for each in clients for target in STAND_INS for cell in each.tool_cells]
        ids = [f"{each.name}-{target.split()[-1]}-{cell}" for each, target, cell in cells]
        metafunc.parametrize(("client", "stand_in", "cell"), cells, ids=ids)
    elif "cell" in metafunc.fixturenames:
        pairs = [(each, cell) for each in clients for cell in each.cells]
        metafunc.parametrize(("client", "cell"), pairs, ids=[f"{each.name}-{cell}" for each, cell in pairs])


@pytest.fixture(scope="session")
def quick(pytestconfig: pytest.Config) -> bool:
    """Tell whether the run is part of `make test`, which keeps it short."""
    return str(pytestconfig.getoption("clients", QUICK_RUN)) == QUICK_RUN


@pytest.fixture(scope="session")
def matrix() -> Iterator[Matrix]:
    """Run cells."""
    with Matrix() as running:
        yield running
