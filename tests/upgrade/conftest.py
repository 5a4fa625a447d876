"""What an upgrade from former revisions needs of the tests of a site's life."""

from __future__ import annotations

import os

from tests.hosts.conftest import variables
from tests.lifecycle.conftest import begin, play

__all__ = ["begin", "play", "variables"]

OF_ANOTHER_REVISION = os.environ.get("FORMER_REVISION", "")
"""Set, it has the scenario provision the host from another revision than the last one: one of before the edge."""
