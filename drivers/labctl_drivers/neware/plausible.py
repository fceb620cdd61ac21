"""Readings that the tester cannot have measured are BAD, not GOOD (F13). Values stay as they came."""

from __future__ import annotations

import numpy as np

from labctl.model.record import QUALITY_BAD, QUALITY_GOOD, DeviceBlock
from labctl.model.units import A_from_mA
from labctl_drivers.neware.profiles import Profile

VOLTAGE_FACTOR = 2.0
CURRENT_FACTOR = 1.5
"""How far beyond the tester's own range a reading may lie; real overshoot is below a percent (section 6)."""


def mark_implausible(block: DeviceBlock, profile: Profile) -> DeviceBlock:
    """Return the block with quality BAD where voltage or current is far outside the tester's range."""
    voltage_bound_V = VOLTAGE_FACTOR * max(abs(profile.voltage_min_V), abs(profile.voltage_max_V))
    current_bound_A = CURRENT_FACTOR * A_from_mA(max(profile.ranges_mA))
    inside = (np.abs(block["voltage_volt"]) <= voltage_bound_V) & (
        np.abs(block["current_ampere"]) <= current_bound_A
    )
    if bool(inside.all()):
        return block
    good = inside & (block["quality"] == QUALITY_GOOD)
    quality = np.where(good, QUALITY_GOOD, QUALITY_BAD).astype(block["quality"].dtype)
    return DeviceBlock({**block.columns, "quality": quality})
