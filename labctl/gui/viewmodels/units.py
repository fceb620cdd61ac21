"""The units that the person has chosen for currents and charges: one choice, read wherever one is shown.

Like the language it belongs to the person before the window, not to a view: ``keeping.settings_of`` sets it from the
settings, and the window lets its views take their words anew when it changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FIELDS: Mapping[str, str] = MappingProxyType({
    "current": "A", "capacity": "Ah", "charge_per_mass": "Ah/g", "charge_per_area": "Ah/cm²",
})  # fmt: skip
"""What a person can choose a unit for, as the settings keep it, with its base unit."""

STEPS: Mapping[str, tuple[tuple[float, str], ...]] = MappingProxyType({
    "V": ((1.0, "V"), (1e-3, "mV"), (1e-6, "µV")),
    "A": ((1.0, "A"), (1e-3, "mA"), (1e-6, "µA"), (1e-9, "nA")),
    "Ah": ((1.0, "Ah"), (1e-3, "mAh"), (1e-6, "µAh"), (1e-9, "nAh")),
    "Wh": ((1.0, "Wh"), (1e-3, "mWh"), (1e-6, "µWh")),
    "A/cm²": ((1.0, "A/cm²"), (1e-3, "mA/cm²"), (1e-6, "µA/cm²")),
    "A/g": ((1.0, "A/g"), (1e-3, "mA/g")),
    "Ah/cm²": ((1.0, "Ah/cm²"), (1e-3, "mAh/cm²"), (1e-6, "µAh/cm²")),
    "Ah/g": ((1.0, "Ah/g"), (1e-3, "mAh/g")),
    "g": ((1.0, "g"), (1e-3, "mg"), (1e-6, "µg")),
    "B": ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
    "Hz": ((1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz"), (1e-3, "mHz")),
})  # fmt: skip
"""Prefixed units of a base unit with their factors, largest first; what is not here has no prefixes."""

USUAL: Mapping[str, str] = MappingProxyType({
    "A": "mA", "A/g": "mA/g", "A/cm²": "mA/cm²", "Ah": "mAh", "Ah/g": "mAh/g", "Ah/cm²": "mAh/cm²",
})  # fmt: skip
"""The unit of columns and axes while nothing is chosen: all numbers of one share it, whatever their size."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit that many numbers share. ``factor`` is what a value in the base unit is multiplied by."""

    name: str
    factor: float

    @property
    def axis(self) -> str:
        """Return the unit as axes write it: ``mAh g⁻¹``."""
        return self.name.replace("/g", " g⁻¹").replace("/cm²", " cm⁻²")

    def decimals(self, resolution: float) -> int:
        """Return how many decimals show a resolution that is given in the base unit."""
        return max(0, math.ceil(-math.log10(resolution * self.factor) - 1e-9))


class ChosenUnits:
    """What is chosen; empty = automatic. A unit that is none of its base is taken as automatic."""

    def __init__(self) -> None:
        self._chosen: dict[str, str] = {}

    def choose(self, units: Mapping[str, str]) -> None:
        """Take the choices of the settings: field of ``FIELDS`` -> prefixed unit."""
        wanted = {base: units.get(field, "") for field, base in FIELDS.items()}
        self._chosen = {
            base: name for base, name in wanted.items() if any(name == known for _, known in STEPS[base])
        }

    def of(self, base: str) -> str:
        """Return the chosen unit of a base unit; empty = automatic."""
        return self._chosen.get(base, "")

    def scale(self, base: str, usual: str = "") -> Scale:
        """Return what the numbers of an axis or column share: what is chosen, else ``usual``, else the usual one."""
        name = self.of(base) or usual or USUAL[base]
        size = next(size for size, known in STEPS[base] if known == name)
        return Scale(name, float(round(1.0 / size)))  # of 1e-9 the plain quotient is 999999999.9999999


units = ChosenUnits()
"""The choice of the person before this window."""
