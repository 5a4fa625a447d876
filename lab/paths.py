"""Where the lab keeps its files: what is cached between runs, and what lives only while it runs."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

LAB = ROOT / ".lab"
"""Everything of the lab that belongs to this checkout; safe to delete while the lab is down."""

CACHE = LAB / "cache"
"""Downloads and builds, kept between runs."""

RUN = LAB / "run"
"""Keys, SSH configuration and process ids of the running lab."""

SSH_CONFIG = RUN / "ssh_config"
"""`ssh -F <this> <host>` reaches a lab host."""

HOST_VARS = RUN / "host_vars"
"""Connection variables of the running hosts; the lab inventory and molecule's link to it."""
