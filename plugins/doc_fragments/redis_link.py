# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""The documentation of redis_link's options, for the modules that log in to Redis."""

from __future__ import annotations


class ModuleDocFragment:
    """Read by ansible-doc, where a module extends it."""

    DOCUMENTATION = r"""
options:
  host:
    description: Address of the server.
    type: str
    default: 127.0.0.1
  port:
    description: TCP port of the server.
    type: int
    default: 6379
  tls_name:
    description: Name or address that the server's certificate has to be for. Given, the server is asked over TLS.
    type: str
  ca_file:
    description: Certificates of the authorities that may vouch for it. Left out, those that the system trusts.
    type: path
  user:
    description: The user.
    type: str
    required: true
  password_file:
    description: File that holds the user's password.
    type: path
    required: true
  timeout:
    description: Seconds to wait for a server that is starting, and for each answer.
    type: int
    default: 10
"""
