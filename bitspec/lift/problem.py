"""What keeps a lifting from being done at all."""

from __future__ import annotations


class Problem(Exception):
    """A prerequisite that is missing or does not fit: the message is one line for the user, the exit status 2."""


class Unliftable(Exception):
    """A helper that cannot be translated: the message names the instruction.  It makes that helper unknown, and no other."""
