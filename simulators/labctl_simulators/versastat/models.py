"""The models: what they can reach, as data.

Source: potentiostat.md 2.2.1 (range names), 2.2.2 (potential within 10 V), 1.1 (the families). Limits that the kit's
manual does not tell are our choice: 10 uHz to 1 MHz, 0.1 mV to 1 V rms, the two smallest ranges on the PARSTAT class
alone, 2 A at most, which is the largest range's name. A range overloads at twice its name; the largest one at its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labctl_simulators.world.potentiostat import CurrentRange

OVERLOAD_SHARE = 2.0
LOW_SHARE, HIGH_SHARE = 0.15, 0.95
"""The autoranger keeps 15 to 190 % of a range, as that of the 273A does (potentiostat.md 3.3)."""
RANGES_A = {
    "2A": 2.0, "200mA": 0.2, "20mA": 20e-3, "2mA": 2e-3, "200uA": 200e-6, "20uA": 20e-6, "2uA": 2e-6,
    "200nA": 200e-9, "20nA": 20e-9, "4nA": 4e-9,
}  # fmt: skip
"""Largest first: the code in the column of ranges counts from 1 [our choice, as the public file suggests]."""
POTENTIAL_MAX_V = 10.0
EIS_MIN_Hz, EIS_MAX_Hz = 1e-5, 1e6
AMPLITUDE_MIN_V, AMPLITUDE_MAX_V = 1e-4, 1.0


@dataclass(frozen=True, slots=True)
class Model:
    """One model; ``told`` is what ``GetModel`` answers."""

    name: str
    told: str
    options: str
    range_names: tuple[str, ...]
    potential_max_V: float = POTENTIAL_MAX_V
    eis_min_Hz: float = EIS_MIN_Hz
    eis_max_Hz: float = EIS_MAX_Hz

    @property
    def ladder(self) -> tuple[CurrentRange, ...]:
        """Return the ranges, smallest first; nothing drives more than the largest one's name."""
        codes = {name: code for code, name in enumerate(RANGES_A, start=1)}
        largest = self.range_names[0]
        return tuple(
            CurrentRange(codes[name], full_A, full_A / (OVERLOAD_SHARE if name == largest else 1.0))
            for name in reversed(self.range_names)
            for full_A in (RANGES_A[name],)
        )

    @property
    def current_max_A(self) -> float:
        """Return the largest current."""
        return RANGES_A[self.range_names[0]]


_COMMON = tuple(RANGES_A)[:8]
MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model("versastat3", "VersaSTAT 3-400", "FRA", _COMMON),
        Model("versastat3-300", "VersaSTAT 3-300", "", _COMMON),
        Model("versastat4", "VersaSTAT 4-400", "FRA", _COMMON),
        Model("parstat3000a", "PARSTAT 3000A", "FRA", tuple(RANGES_A)),
        Model("parstat4000a", "PARSTAT 4000A", "FRA", tuple(RANGES_A)),
    )
}


def range_name(code: int) -> str:
    """Return the name of a range, as ``GetIRange`` says it."""
    return list(RANGES_A)[code - 1]
