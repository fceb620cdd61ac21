"""Turn quantities of intent into absolute numbers for one cell, and collect what is missing."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from labctl.model.cell import Cell
from labctl.model.protocol import Quantity, QuantityKind
from labctl.protocol.quantities import base_value, format_quantity


def rounded(value: float, resolution: float) -> float:
    """Return the multiple of ``resolution`` nearest to ``value``, as the float that its decimal digits name."""
    step = Decimal(repr(resolution))
    count = (Decimal(repr(value)) / step).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return float(count * step)


class Resolver:
    """Resolves quantities for one cell; ``findings`` grows by one sentence per missing cell field."""

    def __init__(self, cell: Cell, findings: list[str]) -> None:
        self._cell = cell
        self._findings = findings

    def _missing(self, quantity: Quantity, where: str, what: str, fields: str) -> None:
        sentence = (
            f"{where}'{format_quantity(quantity)}' needs the {what} of cell {self._cell.cell_id}, which is "
            "not reported: "
            f"fill in {fields} of the cell."
        )
        if sentence not in self._findings:
            self._findings.append(sentence)

    def _area_cm2(self, quantity: Quantity, where: str) -> float | None:
        area_cm2 = self._cell.effective_area_cm2
        if area_cm2 is None or area_cm2 <= 0:
            self._missing(quantity, where, "electrode area", "'area_cm2' or 'diameter_mm'")
            return None
        return area_cm2

    def _mass_g(self, quantity: Quantity, where: str) -> float | None:
        mass_mg = self._cell.active_mass_mg
        if mass_mg is None or mass_mg <= 0:
            self._missing(quantity, where, "active mass", "'active_mass_mg'")
            return None
        return mass_mg / 1000.0

    def _nominal_Ah(self, quantity: Quantity, where: str) -> float | None:
        nominal_mAh = self._cell.effective_capacity_mAh
        if nominal_mAh is None or nominal_mAh <= 0:
            self._missing(
                quantity,
                where,
                "nominal capacity",
                "'nominal_capacity_mAh', or 'active_mass_mg' and 'one_c_mA_per_g'",
            )
            return None
        return nominal_mAh / 1000.0

    def _factor(self, quantity: Quantity, where: str) -> float | None:
        """Return what the base value is multiplied with; None when the cell does not tell."""
        match quantity.kind:
            case QuantityKind.AREAL_CURRENT | QuantityKind.AREAL_CAPACITY:
                return self._area_cm2(quantity, where)
            case QuantityKind.SPECIFIC_CURRENT | QuantityKind.SPECIFIC_CAPACITY:
                return self._mass_g(quantity, where)
            case QuantityKind.C_RATE | QuantityKind.FRACTION:
                return self._nominal_Ah(quantity, where)
            case _:
                return 1.0

    def current_A(self, quantity: Quantity, where: str) -> float | None:
        """Return the unrounded magnitude in ampere."""
        factor = self._factor(quantity, where)
        return None if factor is None else base_value(quantity) * factor

    def capacity_Ah(self, quantity: Quantity, where: str) -> float | None:
        """Return the unrounded capacity in ampere-hours."""
        factor = self._factor(quantity, where)
        return None if factor is None else base_value(quantity) * factor

    def time_for_s(self, capacity: Quantity, current: Quantity, where: str) -> float | None:
        """Return how long ``current`` needs for ``capacity``.

        Quantities that refer to the same thing (both per area, say) are divided before the cell comes in, so that
        1 mAh/cm^2 at 1 mA/cm^2 is 3600 s exactly.
        """
        pairs = {
            QuantityKind.CAPACITY: QuantityKind.CURRENT,
            QuantityKind.AREAL_CAPACITY: QuantityKind.AREAL_CURRENT,
            QuantityKind.SPECIFIC_CAPACITY: QuantityKind.SPECIFIC_CURRENT,
            QuantityKind.FRACTION: QuantityKind.C_RATE,
        }
        if pairs[capacity.kind] is current.kind:
            return base_value(capacity) / base_value(current) * 3600.0
        capacity_Ah, current_A = self.capacity_Ah(capacity, where), self.current_A(current, where)
        return None if capacity_Ah is None or current_A is None else capacity_Ah / current_A * 3600.0
