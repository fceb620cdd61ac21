"""Faults of PowerSuite's exports and of its instrument, injected by name through the admin link.

A fault of an export hits the next one. Source: potentiostat.md 2.3, PS-2 and PS-3; safety-and-faults.md F20.
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import UserInputError


class ExportFault(StrEnum):
    """What is wrong with the next export."""

    LATE = "late"  # it comes `delay_s` later
    PARTIAL = "partial"  # half of it stands there for `delay_s`, cut inside a number
    NEVER_WHOLE = "never_whole"  # half of it is all that ever comes
    REPLACED = "replaced"  # that of another measurement stands there first, for `delay_s`
    COMMA = "comma"  # decimal commas
    WRONG_COLUMNS = "wrong_columns"  # that of a voltammogram
    OTHER_CELL = "other_cell"  # the leads hang on the dummy D1
    OTHER_SETTINGS = "other_settings"  # the sweep ends a decade early


class DeviceFault(StrEnum):
    """What is wrong with the instrument."""

    WELDED = "welded"  # the cell relay no longer opens
    OPEN_LEAD = "open_lead"
    SHORT_LEAD = "short_lead"
    POWER_CUT = "power_cut"  # it restarts: the measurement is gone, nothing is exported


def known_kind(kind: str) -> ExportFault | DeviceFault:
    """Return the fault of a name. Raises: UserInputError naming the known ones."""
    for group in (ExportFault, DeviceFault):
        if kind in group.__members__.values():
            return group(kind)
    known = ", ".join(sorted([*ExportFault, *DeviceFault, "clear"]))
    raise UserInputError(f"A PowerSuite has no fault {kind!r}; known are {known}.")
