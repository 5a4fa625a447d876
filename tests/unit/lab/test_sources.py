"""Hosts reach packages the way this machine does, and are given nothing that only this machine understands."""

from __future__ import annotations

import configparser

from lab.sources import lines_for, pip_configuration

_TARGETS = """
http://mirror.example/debian bookworm
http://mirror.example/debian bookworm-updates
http://mirror.example/security bookworm-security
http://mirror.example/debian bookworm-backports
https://tools.example/apt nodistro
cdrom://disc bookworm
"""


def test_other_release_comes_from_the_same_mirror() -> None:
    """The code name is exchanged; backports, third parties and discs are left out."""
    assert lines_for("trixie", "bookworm", _TARGETS) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/security trixie-security main",
    ]


def test_machine_that_is_not_debian_hands_on_no_repository() -> None:
    """The image builder then falls back to its own default."""
    assert lines_for("trixie", "", _TARGETS) == []


def test_pip_settings_are_handed_on_without_paths_of_this_machine() -> None:
    """A company's index arrives on the host; a file on this machine's disk does not."""
    listed = (
        "global.index-url='https://packages.example/simple'\n"
        "global.extra-index-url='file:///opt/packages https://more.example/simple'\n"
        "global.find-links='/opt/wheels'\n"
        "global.cert='/somewhere/else.pem'\n"
    )
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(pip_configuration(listed))
    assert dict(settings["global"]) == {
        "cert": "/etc/ssl/certs/ca-certificates.crt",
        "index-url": "https://packages.example/simple",
        "extra-index-url": "https://more.example/simple",
    }
