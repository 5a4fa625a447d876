"""The list of fields that NVIDIA's exporter is given, by its own rules."""

from __future__ import annotations

import csv

from tests.roles.ansible_module import ROLES

FIELDS = ROLES / "monitoring" / "templates" / "dcgm.csv.j2"


def test_every_line_is_a_field_a_kind_and_words() -> None:
    """The exporter ends at a line with another number of commas."""
    lines = [line for line in FIELDS.read_text().splitlines() if not line.startswith("#")]
    rows = [[value.strip() for value in row] for row in csv.reader(lines)]
    assert {len(row) for row in rows} == {3}
    assert {kind for _, kind, _ in rows} <= {"gauge", "counter", "label"}
    assert all(name.startswith(("DCGM_FI_", "DCGM_EXP_")) and words for name, _, words in rows)
    assert len({name for name, _, _ in rows}) == len(rows)
