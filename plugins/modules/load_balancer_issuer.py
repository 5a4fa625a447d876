#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: give a host an issuer of certificates that the site's authority has signed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: load_balancer_issuer
short_description: Create an issuer of certificates, signed by the site's authority
version_added: 0.1.0
description:
  - V(requested) makes a key on the host and returns a signing request for it; V(signed), on the host that keeps the
    authority, signs it, limited to O(names); V(installed) takes the result into use on the host. No key leaves
    its host.
  - V(signed) makes the authority where there is none, and with O(known) refuses to work with another one.
  - Of its own, because community.crypto has no name-constrained issuer in two steps, and the timer of the host has to
    renew certificates without Ansible with the same code.
options:
  state:
    description: Which of the three steps.
    type: str
    choices: [requested, signed, installed]
    required: true
  settings:
    description: What the program on the host reads, O(state=requested) and O(state=installed).
    type: dict
  folder:
    description: Folder of the authority.
    type: path
    default: /etc/alchemorsel/tls/authority
  names:
    description: Names and addresses that the issuer may sign.
    type: list
    elements: str
    default: []
  request:
    description: The signing request.
    type: str
  days:
    description: Lifetime of the authority, where it is made.
    type: int
    default: 3650
  known:
    description: Certificate of the authority that the host has; empty where it has none.
    type: str
    default: ""
  certificate:
    description: The signed issuer.
    type: str
  authority:
    description: Certificate of the authority.
    type: str
attributes:
  check_mode: {support: none, description: "Makes keys and signs; skipped in check mode."}
  diff_mode: {support: none, description: Shows no keys and no certificates.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Request an issuer
  alchemorsel.ai.load_balancer_issuer:
    state: requested
    settings:
      folder: /etc/alchemorsel/tls
      names: [ai.example.com]
      days: 90
      user: alchemorsel-edge
      unit: alchemorsel-edge.service
"""

RETURN = r"""
request: {description: The signing request., returned: with O(state=requested), type: str}
certificate: {description: The signed issuer., returned: with O(state=signed), type: str}
authority: {description: Certificate of the authority., returned: with O(state=signed), type: str}
"""

import fcntl
import ipaddress
import secrets
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_certificate import (
    CertificateError,
    Issuer,
    fits,
    new_key,
    openssl,
    read,
    sign,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Authority:
    """The authority of a site.

    Args:
        folder: Its folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key_file = folder / "ca.key"
        self._file = folder / "ca.pem"

    def certificate(self, known: str, days: int) -> str:
        """Return its certificate; make the authority where there is none.

        Args:
            known: Certificate of the authority that the asking host has; empty where it has none.
            days: Lifetime of a new one.

        Raises:
            CertificateError: The host has another authority's.
        """
        own = read(self._file)
        if known and own != known:
            kept = "another one is kept" if own else "there is none"
            raise CertificateError(
                f"The authority that signed this host's issuer is not in {self._folder}, where {kept}: "
                "restore that folder from a backup, set load_balancer_authority_host to the host that keeps it, "
                "or remove /etc/alchemorsel/tls from every host of the site to begin with a new authority"
            )
        if not own:
            self._make(days)
        if not fits(read(self._file), read(self._key_file)):
            raise CertificateError(f"{self._key_file} is not the key of {self._file}: restore both from a backup")
        return read(self._file)

    def sign(self, request: str, names: list[str], days: int) -> str:
        """Return an issuer's certificate that may sign these names only."""
        extensions = [
            "basicConstraints=critical,CA:TRUE,pathlen:0",
            "keyUsage=critical,keyCertSign,cRLSign",
            "extendedKeyUsage=serverAuth",
            "nameConstraints=critical," + ",".join(f"permitted;{constraint(name)}" for name in names),
        ]
        return sign(request, read(self._file), read(self._key_file), extensions, days)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the authority, which hosts of a play ask at the same time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, days: int) -> None:
        key = new_key()
        configuration = (
            "[req]\nprompt=no\ndistinguished_name=name\nx509_extensions=ca\n"
            f"[name]\nCN=Alchemorsel AI authority {secrets.token_hex(4)}\n"
            "[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n"
            "subjectKeyIdentifier=hash\n"
        )
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder) / "key", key, 0o600)
            write(Path(folder) / "cnf", configuration, 0o600)
            asked = ["-key", f"{folder}/key", "-config", f"{folder}/cnf", "-days", str(days), "-sha256"]
            certificate = openssl("req", "-x509", "-new", *asked)
        write(self._key_file, key, 0o600)
        write(self._file, certificate, 0o644)


def constraint(name: str) -> str:
    """Return a name as openssl writes it into name constraints."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return f"DNS:{name.removeprefix('*.')}"
    return f"IP:{address}/{ipaddress.ip_network(address).netmask}"


def signed(params: dict[str, Any]) -> dict[str, str]:
    """Sign a request on the host that keeps the authority."""
    authority = Authority(Path(params["folder"]))
    with authority.locked():
        certificate = authority.certificate(params["known"], params["days"])
        return {
            "certificate": authority.sign(params["request"], params["names"], params["days"]),
            "authority": certificate,
        }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["requested", "signed", "installed"], "required": True},
            "settings": {"type": "dict"},
            "folder": {"type": "path", "default": "/etc/alchemorsel/tls/authority"},
            "names": {"type": "list", "elements": "str", "default": []},
            "request": {"type": "str"},
            "days": {"type": "int", "default": 3650},
            "known": {"type": "str", "default": ""},
            "certificate": {"type": "str"},
            "authority": {"type": "str"},
        },
        required_if=[
            ("state", "requested", ["settings"]),
            ("state", "signed", ["request", "names"]),
            ("state", "installed", ["settings", "certificate", "authority"]),
        ],
    )
    params = module.params
    try:
        if params["state"] == "requested":
            result = {"request": Issuer(params["settings"]).request()}
        elif params["state"] == "signed":
            result = signed(params)
        else:
            Issuer(params["settings"]).install(params["certificate"], params["authority"])
            result = {}
    except CertificateError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, **result)


if __name__ == "__main__":
    main()
