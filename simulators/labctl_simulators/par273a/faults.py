"""Faults of a 273A and of what hangs on its bus, injected by name; those of its links are the ones of every line.

Source: potentiostat.md 2.4.3 (``CS``, ``DUMMY``), 3.3 and section 5 (PA-4, PA-8, SO-1).
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import UserInputError
from labctl_simulators.methodscript.faults import LinkFaultKind


class ParFault(StrEnum):
    """What is wrong with the instruments."""

    DISABLED = "disabled"  # the CELL ENABLE switch at the front is off
    DUMMY = "dummy"  # the electrometer's toggle is on the dummy
    SLOW = "slow"  # the next `count` replies on the bus are ready only after `delay_s`
    STALE = "stale"  # the analyser's next result is that of the point before
    WELDED = "welded"  # the cell relay no longer opens
    OPEN_LEAD = "open_lead"
    SHORT_LEAD = "short_lead"
    POWER_CUT = "power_cut"  # everything restarts: cell off, settings of the 273A kept


def known_kind(kind: str) -> LinkFaultKind | ParFault:
    """Return the fault of a name. Raises: UserInputError naming the known ones."""
    for group in (LinkFaultKind, ParFault):
        if kind in group.__members__.values():
            return group(kind)
    known = ", ".join(sorted([*LinkFaultKind, *ParFault, "clear"]))
    raise UserInputError(f"A 273A has no fault {kind!r}; known are {known}.")
