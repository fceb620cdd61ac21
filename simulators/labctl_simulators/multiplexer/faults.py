"""Faults of the multiplexer itself, injected by name; those of its link are the ones of every line.

Source: potentiostat.md 2.7 and MX-3.
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import UserInputError
from labctl_simulators.methodscript.faults import LinkFaultKind


class RelayFault(StrEnum):
    """What is wrong with the box."""

    STUCK = "stuck"  # the contact of `path` stays where it is, whatever its coil is told
    READBACK = "readback"  # `path`, or every path, is told the wrong way round
    POWER_CUT = "power_cut"  # the box restarts: every coil lets go, the link ends


def known_kind(kind: str) -> LinkFaultKind | RelayFault:
    """Return the fault of a name. Raises: UserInputError naming the known ones."""
    for group in (LinkFaultKind, RelayFault):
        if kind in group.__members__.values():
            return group(kind)
    known = ", ".join(sorted([*LinkFaultKind, *RelayFault, "clear"]))
    raise UserInputError(f"A multiplexer has no fault {kind!r}; known are {known}.")
