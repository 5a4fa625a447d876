"""What the lab's site for faults has otherwise, and when it is whole."""

from __future__ import annotations

from pathlib import Path

from lab.faults.site import open_breakers, variables
from tests.roles.templates import load

ROLES = Path(__file__).parents[4] / "roles"


def test_variables_are_public_ones_of_roles() -> None:
    """A renamed one would be without effect, silently."""
    for name in variables("192.0.2.1"):
        role = next(folder for folder in sorted(ROLES.iterdir(), reverse=True) if name.startswith(f"{folder.name}_"))
        options = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
        assert name in options


def test_breakers_that_are_not_closed_are_named() -> None:
    """Open and half-open ones."""
    states = {"ollama": 0.0, "openai": 2.0, "other": 1.0}
    lines = [f'alchemorsel_ai_breaker_state{{provider="{name}"}} {state}' for name, state in states.items()]
    assert open_breakers("\n".join(["# HELP alchemorsel_ai_breaker_state 0 closed", *lines])) == ["openai", "other"]
