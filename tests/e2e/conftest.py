"""Faults are made on real hosts here, so these tests run on throw-away hosts only (`make test-site`)."""

from __future__ import annotations

from tests.hosts.conftest import only_in_group, variables

__all__ = ["only_in_group", "variables"]
