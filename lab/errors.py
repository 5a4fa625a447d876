"""What the lab raises.

LabError
├── MachineUnfitError    this machine cannot carry the lab; the text says what to do
└── CommandFailedError   a program the lab ran ended with an error or ran too long
    └── CommandTimeoutError  it ran too long, and was ended
"""

from __future__ import annotations


class LabError(Exception):
    """Base of all errors whose text is meant for the person at the terminal."""


class MachineUnfitError(LabError):
    """This machine cannot carry the lab."""


class CommandFailedError(LabError):
    """A program ended with an error or exceeded its deadline; the text holds the end of its output."""


class CommandTimeoutError(CommandFailedError):
    """A program exceeded its deadline and was ended."""
