"""Faults of a VersaSTAT, its bridge and its link, injected by name through the admin link.

**Link faults** hit the next ``count`` answers to ``command`` (empty: to any call). **Device faults** change the bridge
or the instrument. Source: safety-and-faults.md F01 to F08, potentiostat.md 2.2 and VD-3 to VD-8.
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import UserInputError
from labctl_simulators.neware.faults import WireFaultKind


class DeviceFault(StrEnum):
    """What is wrong with the bridge or the instrument."""

    STUCK = "stuck"  # the next call of `command` acts, and does not come back for `delay_s` (default: ever)
    LIBRARY_ERROR = "library_error"  # the library throws at the next `count` calls of `command`
    WRONG_TOKEN = "wrong_token"  # the bridge wants another token than before
    WRONG_PEER = "wrong_peer"  # this machine is not on the bridge's list
    FOREIGN_LEASE = "foreign_lease"  # somebody else holds the lease
    LEASE_LAPSE = "lease_lapse"  # the lease runs out now
    SLOW_START = "slow_start"  # a sequence runs only `delay_s` after Start came back
    OVERLOAD = "overload"  # the next `count` points: `value` 1 current, 2 potential
    NOT_A_NUMBER = "not_a_number"  # the next `count` points of spectra have no impedance
    UNPLUGGED = "unplugged"  # the USB cable is out; the instrument goes on
    BRIDGE_RESTART = "bridge_restart"  # the bridge program is new: no lease, no instrument; that one goes on
    WELDED = "welded"  # the cell relay no longer opens
    OPEN_LEAD = "open_lead"
    SHORT_LEAD = "short_lead"
    POWER_CUT = "power_cut"  # the instrument restarts: sequence gone, cell off


def known_kind(kind: str) -> WireFaultKind | DeviceFault:
    """Return the fault of a name. Raises: UserInputError naming the known ones."""
    for group in (WireFaultKind, DeviceFault):
        if kind in group.__members__.values():
            return group(kind)
    known = ", ".join(sorted([*WireFaultKind, *DeviceFault, "clear"]))
    raise UserInputError(f"A VersaSTAT has no fault {kind!r}; known are {known}.")
