# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""What modules do in check mode and show in a diff, where many do the same."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by ansible-doc, where a module extends it."""

    READ = r"""
attributes:
  check_mode: {support: full, description: Reads only; check mode is no different.}
  diff_mode: {support: N/A, description: Changes nothing.}
"""

    TRIAL = r"""
attributes:
  check_mode: {support: full, description: Nothing is tried.}
  diff_mode: {support: N/A, description: Changes nothing.}
"""
