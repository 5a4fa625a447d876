"""The tables of docs/sizing.md are what the program calculates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.sizing.arithmetic import Demand, Host, size

DOCUMENT = (Path(__file__).parents[4] / "docs" / "sizing.md").read_text(encoding="utf-8")
TOKENS = 300
DEMAND = Demand(rate=10.0, hit_ratio=0.9, max_wait_s=5.0)


def rows(columns: int) -> list[list[str]]:
    """Return the rows of tables with so many columns."""
    lines = [line for line in DOCUMENT.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns and re.fullmatch(r"[\d.]+", row[1] if columns == 4 else row[2])]


@pytest.mark.parametrize("row", rows(6), ids=lambda row: f"{row[0]} on {row[1]}")
def test_seconds_and_hosts_follow_from_the_tokens(row: list[str]) -> None:
    """And each figure has its source, or says that it is an estimate."""
    _, _, tokens_per_second, source, seconds, hosts = row
    host = Host(service_s=TOKENS / float(tokens_per_second))
    assert f"{host.service_s:.2f}" == seconds
    assert size(DEMAND, host).hosts == int(hosts)
    assert source.startswith(("measured", "estimate"))


def test_estimates_follow_from_bandwidth() -> None:
    """0.66 of bandwidth over size."""
    sizes = {"`llama3.2:3b`": 2.0, "8B, Q4_0": 4.7}
    estimates = [row for row in rows(6) if row[3].startswith("estimate")]
    assert len(estimates) == 5
    for model, _, tokens_per_second, source, _, _ in estimates:
        (bandwidth,) = re.findall(r"([\d,]+) GB/s", source)
        assert float(tokens_per_second) == pytest.approx(0.66 * float(bandwidth.replace(",", "")) / sizes[model], abs=1)


def test_gains_follow_from_the_measurement() -> None:
    """Throughput over that of one, and what a request takes then."""
    told = rows(4)
    assert [row[0] for row in told] == ["1", "2", "4", "8"]
    alone = float(told[0][1])
    for slots, tokens_per_second, gain, longer in told:
        assert float(gain) == pytest.approx(float(tokens_per_second) / alone, abs=0.06)
        assert float(longer.removesuffix(" x")) == pytest.approx(
            int(slots) * alone / float(tokens_per_second), abs=0.06
        )
