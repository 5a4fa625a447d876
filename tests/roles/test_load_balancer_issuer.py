"""A site's authority signs an issuer for each host once, and the host renews its certificate by itself."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import edge_certificate
from ansible_collections.alchemorsel.ai.plugins.module_utils.edge_certificate import (
    CertificateError,
    Issuer,
    lifetime,
    names_in,
    openssl,
    verify,
)

from tests.roles.ansible_module import load_plugin, run_module

module = load_plugin("load_balancer_issuer")

NAMES = ["ai.example.com", "*.lab.example.com", "10.0.0.5", "::1"]
DAYS = 30
DAY = 86400.0


class Host:
    """A host of a site.

    Args:
        folder: Its TLS files.
        names: Of its certificate.
    """

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder = folder
        self.settings = {
            "folder": str(folder),
            "names": names,
            "days": DAYS,
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "unit": "alchemorsel-edge-of-no-host.service",
        }

    @property
    def issuer(self) -> Issuer:
        """Its issuer as the role and the program see it."""
        return Issuer(self.settings)

    def signed(self, authority: Path, *, days: int = 3650) -> dict[str, str]:
        """Have the authority sign, as the role does."""
        known = edge_certificate.read(self.issuer.authority_file)
        params = {"folder": str(authority), "known": known, "days": days, "names": self.settings["names"]}
        result: dict[str, str] = module.signed({**params, "request": self.issuer.request()})
        return result

    def enrol(self, authority: Path) -> None:
        """Take the three steps, and issue the certificate."""
        self.issuer.install(**self.signed(authority))
        self.issuer.renew()

    def file(self, name: str) -> str:
        """Return a file of its."""
        return (self.folder / name).read_text()


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enrol a site of one host, to be copied."""
    folder = tmp_path_factory.mktemp("site")
    Host(folder / "host", NAMES).enrol(folder / "authority")
    return folder


@pytest.fixture
def site(tmp_path: Path, enrolled: Path) -> Path:
    """Copy the enrolled site."""
    return Path(shutil.copytree(enrolled, tmp_path / "site"))


@pytest.fixture
def authority(site: Path) -> Path:
    """Give the authority's folder."""
    return site / "authority"


@pytest.fixture
def host(site: Path) -> Host:
    """Give a host with a certificate."""
    return Host(site / "host", NAMES)


def test_new_host_says_what_it_lacks_and_an_enrolled_one_lacks_nothing(tmp_path: Path, host: Host) -> None:
    """So that a second run changes nothing."""
    bare = Host(tmp_path / "bare", NAMES).issuer
    assert bare.problem() == bare.certificate_problem() == "there is none"
    assert host.issuer.problem() == host.issuer.certificate_problem() == ""


def test_certificate_is_for_all_names_and_verified_by_ca_pem(host: Host) -> None:
    """The file holds what HAProxy reads: certificate, issuer and key."""
    text = host.file("edge.pem")
    assert names_in(text, "subjectAltName") == set(NAMES)
    assert (text.count("BEGIN CERTIFICATE"), text.count("BEGIN PRIVATE KEY")) == (2, 1)
    verify(edge_certificate.first_certificate(text), host.file("issuer/issuer.pem"), host.file("ca.pem"))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(host.folder / "edge.pem")
    begin, end = lifetime(text)
    assert end - begin == DAYS * DAY


def test_keys_are_for_their_owner_only(host: Host, authority: Path) -> None:
    """And no key is in a file for others."""
    for path in (host.folder / "edge.pem", host.folder / "issuer" / "issuer.key", authority / "ca.key"):
        assert path.stat().st_mode & 0o777 == 0o600, path
    assert "KEY" not in host.file("ca.pem")
    assert not list(host.folder.rglob("next.key"))


def test_two_hosts_have_one_authority(tmp_path: Path, host: Host, authority: Path) -> None:
    """And each an issuer of its own."""
    second = Host(tmp_path / "second", ["second.example.com"])
    second.enrol(authority)
    assert second.file("ca.pem") == host.file("ca.pem")
    assert second.file("issuer/issuer.pem") != host.file("issuer/issuer.pem")


@pytest.mark.parametrize("name", ["evil.example.org", "10.0.0.6", "2001:db8::1"])
def test_issuer_of_a_host_cannot_speak_for_another(host: Host, name: str) -> None:
    """A host that is broken into stays one host: clients refuse what its issuer signs beyond its names."""
    stolen = Issuer({**host.settings, "names": [name]})
    with pytest.raises(CertificateError, match="permitted subtree violation"):
        stolen.renew()


def test_other_names_need_the_authority_again(host: Host, authority: Path) -> None:
    """Then the host goes on with them."""
    host.settings["names"] = [*NAMES, "other.example.com"]
    assert host.issuer.problem() == host.issuer.certificate_problem() == "the names have changed"
    host.enrol(authority)
    assert host.issuer.problem() == host.issuer.certificate_problem() == ""


@pytest.mark.parametrize(("passed_days", "is_due"), [(0.0, False), (19.9, False), (20.1, True)])
def test_certificate_is_renewed_when_a_third_of_its_lifetime_is_left(
    host: Host, monkeypatch: pytest.MonkeyPatch, passed_days: float, is_due: bool
) -> None:
    """By the host's clock."""
    now = time.time() + passed_days * DAY
    monkeypatch.setattr(time, "time", lambda: now)
    assert (host.issuer.certificate_problem() == "less than a third of its lifetime is left") is is_due


def test_certificate_ends_with_its_issuer_at_the_latest(tmp_path: Path) -> None:
    """A certificate that outlives its issuer is none."""
    short = Host(tmp_path / "short", NAMES)
    short.issuer.install(**short.signed(tmp_path / "other", days=10))
    short.issuer.renew()
    assert lifetime(short.file("edge.pem"))[1] <= lifetime(short.file("ca.pem"))[1]


def test_certificate_of_a_former_choice_is_replaced(host: Host) -> None:
    """Also the CA bundle, which clients would trust in vain."""
    (host.folder / "ca.pem").write_text("of somebody else\n")
    assert host.issuer.certificate_problem() == f"{host.folder / 'ca.pem'} is another authority's"
    (host.folder / "edge.pem").write_text(
        openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-noenc",
            "-keyout",
            os.devnull,
            "-subj",
            "/CN=given",
        )
    )
    assert host.issuer.certificate_problem()
    host.issuer.renew()
    assert host.issuer.certificate_problem() == ""


def test_key_that_does_not_fit_is_found(host: Host) -> None:
    """As after a restore of half the files."""
    (host.folder / "issuer" / "issuer.key").write_text(edge_certificate.new_key())
    assert host.issuer.problem() == "its key does not fit"


def test_authority_that_is_gone_is_not_replaced(tmp_path: Path, host: Host, authority: Path) -> None:
    """Clients would have to trust another one; nobody decides that in passing."""
    authority.rename(tmp_path / "lost")
    for folder, kept in ((authority, "there is none"), (tmp_path / "foreign", "another one is kept")):
        if kept != "there is none":
            Host(tmp_path / "stranger", ["stranger.example.com"]).enrol(folder)
        with pytest.raises(CertificateError, match=f"{kept}.*load_balancer_authority_host"):
            host.signed(folder)
    assert not (authority / "ca.key").exists()


def test_signed_issuer_for_another_key_is_not_installed(host: Host, authority: Path) -> None:
    """Two plays at once: the later request is the one that counts."""
    early = host.signed(authority)
    host.signed(authority)
    with pytest.raises(CertificateError, match="another key"):
        host.issuer.install(**early)


def test_module_tells_what_stands_in_the_way_and_takes_its_steps(tmp_path: Path, host: Host) -> None:
    """As Ansible runs it."""
    name = "load_balancer_issuer"
    asked = run_module(name, state="requested", settings=host.settings)
    assert asked["request"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    signing = {"state": "signed", "names": NAMES, "request": asked["request"], "folder": str(tmp_path / "new")}
    refused = run_module(name, **signing, known="of another authority")
    assert "there is none" in refused["msg"]
    signed = run_module(name, **signing)
    step = {key: signed[key] for key in ("certificate", "authority")}
    assert run_module(name, state="installed", settings=host.settings, **step)["changed"]
    host.issuer.renew()
    assert host.issuer.problem() == host.issuer.certificate_problem() == ""


def run_program(host: Host) -> subprocess.CompletedProcess[str]:
    """Run the program as the host's timer does, with settings in a file."""
    settings = host.folder / "issuer" / "settings.json"
    settings.write_text(json.dumps(host.settings))
    return subprocess.run(
        [sys.executable, edge_certificate.__file__, str(settings)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": f"{host.folder}:{os.environ['PATH']}"},
    )


def test_program_of_the_host_renews_where_it_is_due_and_reloads_the_edge(host: Host) -> None:
    """And is content with what is fit."""
    log = host.folder / "systemctl.log"
    (host.folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    (host.folder / "systemctl").chmod(0o755)
    assert run_program(host).stdout.startswith("valid until ")
    assert not log.exists()
    before = host.file("edge.pem")
    (host.folder / "edge.pem").unlink()
    assert run_program(host).stdout.startswith("renewed (there is none); valid until ")
    assert host.file("edge.pem") != before
    assert log.read_text().splitlines()[-1] == f"reload {host.settings['unit']}"


def test_program_of_the_host_tells_why_it_cannot_renew(host: Host) -> None:
    """The unit fails with one sentence, and the certificate that is served stays."""
    (host.folder / "issuer" / "issuer.key").unlink()
    (host.folder / "ca.pem").unlink()
    before = host.file("edge.pem")
    done = run_program(host)
    assert done.returncode == 1
    assert done.stderr.startswith("The certificate was not renewed: ")
    assert "Traceback" not in done.stderr
    assert host.file("edge.pem") == before
