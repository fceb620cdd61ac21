"""What is asked for many at once: the newest cycle of every run, the newest revision of every registered entry."""

from __future__ import annotations

from dataclasses import dataclass

from labctl.model.cell import EntryKind
from labctl.model.ids import CellId, ChannelId, RunId

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class LatestCycle:
    """The newest complete cycle of a run, with the first one's capacity beside it; ``cycle`` 0: none is complete.

    Values are with the cell's mass and area as they are registered now. ``polarisation_V`` is at the half-cycle's end,
    ``overpotential_V`` half the distance between the mean charging and discharging voltage.
    """

    run_id: RunId
    channel: ChannelId
    cell_id: CellId
    cycle: int = 0
    charging_capacity_Ah: float = NAN
    discharging_capacity_Ah: float = NAN
    first_discharging_capacity_Ah: float = NAN
    discharging_capacity_mAh_per_g: float = NAN
    first_discharging_capacity_mAh_per_g: float = NAN
    discharging_capacity_mAh_per_cm2: float = NAN
    coulombic_efficiency: float = NAN
    retention: float = NAN
    charging_end_voltage_V: float = NAN
    discharging_end_voltage_V: float = NAN
    overpotential_V: float = NAN
    polarisation_V: float = NAN
    area_resistance_ohm_cm2: float = NAN


@dataclass(frozen=True, slots=True)
class NewestRevision:
    """Which revision of a registered entry is the newest, who made it and when: what a correction is decided on."""

    kind: EntryKind
    entry_id: str
    revision: int
    by: str
    utc: str
