"""What a comparison assumes where nobody says otherwise; apart from it, since it takes a second to import SciPy."""

from __future__ import annotations

MIN_CHANGE = 0.05
"""Smallest change that matters: two runs of one thing on one quiet machine differ by some percent."""

RUN_NOISE = 0.15
"""Standard deviation of what runs of one and the same code differ by on a shared machine, if nobody knows better."""

NOISE_BY_OTHERS = 2.0
"""Times the share of the machine that other programs use: with half of it theirs, whole phases are slower by times."""

MOST_RUN_NOISE = 1.0
"""Then hardly any change of single runs is named: of six figures, one of 40 times."""

FEWEST_RUNS = 3
"""Of a group: two tell nearly nothing about how much runs differ."""
