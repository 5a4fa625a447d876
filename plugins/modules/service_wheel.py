#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: the documentation of the action of this name, where ansible-doc reads it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_wheel
short_description: Describe the AI service's wheel, and pack it with its requirements
version_added: 0.1.0
description:
  - An action that runs on the control node, inside of Ansible itself. A checkout's wheel is built there, from
    O(source); nothing is built on hosts.
options:
  source:
    description: Folder of the Python package. With C(pyproject.toml) beside it, the wheel is built from there.
    type: path
    required: true
  prebuilt:
    description: Folder with one wheel, as a collection brings it; read where O(source) has no C(pyproject.toml).
    type: path
  requirements: {description: File with the pinned and hashed requirements., type: path, required: true}
  python_version: {description: Version of the host's Python., type: str, required: true}
  wheelhouse: {description: "Folder with wheels of the requirements, packed too.", type: path}
  dest:
    description:
      - File to write a tar archive to, C(requirements.txt), and in C(wheels) the service's wheel, the wheelhouse's, and
        C(service.txt), which requires the service's wheel by its hash. Left out, nothing is written.
    type: path
attributes:
  action: {support: full, description: Runs nothing on the host.}
  check_mode: {support: full, description: Nothing is written.}
  diff_mode: {support: none, description: An archive is no text.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Describe the wheel of a checkout
  alchemorsel.ai.service_wheel:
    source: ai_service
    requirements: requirements/service.txt
    python_version: "3.11.2"
"""

RETURN = r"""
version: {description: Version of the wheel., returned: success, type: str}
digest:
  description: "SHA-256 over the wheel's RECORD, which has the hash of each of its files, and the requirements, in hex."
  returned: success
  type: str
requires_python: {description: Versions of Python that the wheel requires., returned: success, type: str}
fits_python: {description: Whether the host's Python is one of them., returned: success, type: bool}
"""
