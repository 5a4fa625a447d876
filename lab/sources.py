"""What this machine uses to reach packages, handed on to the lab's hosts: apt sources, pip settings, trusted CAs.

Nothing of it is written down in the project: a machine behind a company mirror gives its hosts that mirror.
"""

from __future__ import annotations

import configparser
import io
import shutil
import sys
from pathlib import Path

from lab.command import run
from lab.errors import CommandFailedError

_LOCAL_CAS = Path("/usr/local/share/ca-certificates")
_CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")


def apt_lines(suite: str) -> list[str]:
    """One-line apt sources of a Debian release, from the repositories this machine itself uses.

    Args:
        suite: the release's code name, such as `bookworm`.

    Returns:
        `deb` lines, or none where this machine has no Debian repository: mmdebstrap then uses its own default.
    """
    targets = run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"], timeout_s=60
    )
    return lines_for(suite, _machine_suite(), targets)


def lines_for(suite: str, own: str, targets: str) -> list[str]:
    """Those of this machine's repositories that a Debian release has too.

    Args:
        suite: code name of the wanted release.
        own: code name of this machine's release; empty where it is not Debian.
        targets: lines of repository address and release.
    """
    repositories = {tuple(line.split()) for line in targets.splitlines() if len(line.split()) == 2}
    wanted = (own, f"{own}-updates", f"{own}-security")
    return sorted(
        f"deb {uri} {release.replace(own, suite)} main"
        for uri, release in repositories
        if own and release in wanted and uri.startswith("http")
    )


def write_trust(folder: Path) -> None:
    """Write `ca/*.crt` and `pip.conf` into a folder: what a host needs to trust what this machine trusts.

    pip settings that name files of this machine are left out: they mean nothing on a host.
    """
    target = folder / "ca"
    target.mkdir(parents=True, exist_ok=True)
    for certificate in sorted(_LOCAL_CAS.glob("*.crt")) if _LOCAL_CAS.is_dir() else []:
        shutil.copy(certificate, target / certificate.name)
    (target / ".keep").touch()
    (folder / "pip.conf").write_text(pip_configuration(_pip_config_list()))


def pip_configuration(listed: str) -> str:
    """Build a host's `pip.conf` from this machine's settings.

    Args:
        listed: what `pip config list` prints here.
    """
    settings = configparser.ConfigParser(interpolation=None)
    settings["global"] = {"cert": _CA_BUNDLE}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        setting = name.rpartition(".")[2]
        words = [word for word in value.strip("'\"").split() if not word.startswith(("file:", "/"))]
        if setting in _PIP_SETTINGS and words:
            settings["global"][setting] = " ".join(words)
    text = io.StringIO()
    settings.write(text)
    return text.getvalue()


def _pip_config_list() -> str:
    # The machine's own pip, because its configuration is what is wanted; this environment has none.
    try:
        return run([str(Path(sys.base_prefix) / "bin" / "python3"), "-m", "pip", "config", "list"], timeout_s=60)
    except CommandFailedError:
        return ""  # a machine without pip has no settings of pip


def _machine_suite() -> str:
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    is_debian = release.get("ID", "").strip('"') == "debian"
    return release.get("VERSION_CODENAME", "").strip('"') if is_debian else ""
