"""Registry entries: cells and their electrodes, as a person describes them.

Only numbers that a lab can know are here; nothing of a simulator's truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.model.ids import CellId
from labctl.model.units import cm2_from_disc_mm


class CellKind(StrEnum):
    """How a cell is cycled: decides first sign, CE convention and the plausible OCV window."""

    SYMMETRIC = "symmetric"  # Li|Li: 0 V at rest, first half-cycle positive
    LTO_LI = "lto_li"  # LTO against Li: discharge first, CE = Q_chg / Q_dis
    LFP_LI = "lfp_li"  # LFP against Li: charge first, CE = Q_dis / Q_chg
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as registered.

    ``None`` means "not reported": allowed, until a protocol asks for it. ``area_cm2`` wins over
    ``diameter_mm``.
    ``one_c_mA_per_g`` is the specific current of 1 C (LFP 170, LTO 175 in the reference study), referred to
    the
    active mass. ``nominal_capacity_mAh`` defaults to active mass x one_c (an hour at 1 C) where both are
    known.
    """

    cell_id: CellId
    name: str
    kind: CellKind
    diameter_mm: float | None = None
    area_cm2: float | None = None
    active_mass_mg: float | None = None
    one_c_mA_per_g: float | None = None
    nominal_capacity_mAh: float | None = None
    electrolyte: str = ""
    coating: str = ""
    film_nm: float | None = None
    batch: str = ""
    ocv_V: float | None = None
    voltage_min_V: float | None = None
    voltage_max_V: float | None = None
    current_max_A: float | None = None
    temperature_max_degC: float | None = None
    notes: str = ""

    @property
    def effective_area_cm2(self) -> float | None:
        """Return the electrode area, from ``area_cm2`` or the disc diameter."""
        if self.area_cm2 is not None:
            return self.area_cm2
        return None if self.diameter_mm is None else cm2_from_disc_mm(self.diameter_mm)

    @property
    def effective_capacity_mAh(self) -> float | None:
        """Return the nominal capacity, stated or from active mass and the 1 C specific current."""
        if self.nominal_capacity_mAh is not None:
            return self.nominal_capacity_mAh
        if self.active_mass_mg is None or self.one_c_mA_per_g is None:
            return None
        return self.active_mass_mg * 1e-3 * self.one_c_mA_per_g
