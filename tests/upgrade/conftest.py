"""What an upgrade from the revision before the edge needs of the tests of a site's life."""

from __future__ import annotations

from tests.hosts.conftest import variables
from tests.lifecycle.conftest import begin, play

__all__ = ["begin", "play", "variables"]
