"""The contract with users is as it was accepted: interfaces, names, defaults, commands."""

from __future__ import annotations

import pytest

from tests.golden.catalogue import CATALOGUE, UPDATE, difference, orphans


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_contract_is_as_it_was_accepted(name: str) -> None:
    """What a user relies on changes on purpose only, and with a line in the CHANGELOG."""
    changed = difference(name, CATALOGUE[name]())
    if changed:
        pytest.fail(
            f"The contract with users changed:\n{changed}\n\n"
            f"Not meant? Restore the old behaviour. Meant? Accept it with `.venv/bin/{UPDATE} {name}`,\n"
            "commit the golden file, and add a line to CHANGELOG.md.",
            pytrace=False,
        )


def test_no_golden_file_is_left_over() -> None:
    """A file that nothing makes any more would be compared with nothing."""
    assert orphans() == [], f"`.venv/bin/{UPDATE}` removes them; CHANGELOG.md says what users lose"
