"""What each model can do, as data. Source: potentiostat.md 2.2.2 (potential, ranges, times) and its samples.

The kit's manual gives one table for all models. What it leaves open stands under ``unknown`` with the value that labctl
assumes; the station file may put another in its place. Known limits can only be tightened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from labctl.errors import RefusedError

FAMILIES = ("VersaSTAT 3", "VersaSTAT 4", "PARSTAT 3000", "PARSTAT 4000")
"""Models of the VersaSTAT kind by the beginning of what ``GetModel`` answers, for example VersaSTAT 3-400."""

RANGES: Mapping[str, float] = MappingProxyType(
    {
        "2A": 2.0, "200MA": 0.2, "20MA": 0.02, "2MA": 2e-3, "200UA": 200e-6, "20UA": 20e-6, "2UA": 2e-6,
        "200NA": 200e-9, "20NA": 20e-9, "4NA": 4e-9,
    }
)  # fmt: skip
"""Current ranges by the word that a parameter string has for them. Some models have no 20 nA and 4 nA."""

RANGE_CODES: Mapping[int, float] = MappingProxyType(dict(enumerate(RANGES.values(), start=1)))
"""What ``GetDataCurrentRange`` answers [I]: the public file has 0.38 mA to 16 uA on 5, and 16 to 13 uA on 6 (2.2.4)."""

INTERVAL_MIN_S = 1e-5


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``unknown`` maps the name of a limit to why its value is only assumed."""

    name: str
    potential_max_V: float = 10.0
    current_max_A: float = 2.0
    eis_min_Hz: float = 1e-3
    eis_max_Hz: float = 1e6
    amplitude_min_V: float = 1e-4
    amplitude_max_V: float = 1.0
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def potential_min_V(self) -> float:
        """Return the lowest potential in V."""
        return -self.potential_max_V

    def with_limits(self, wanted: Mapping[str, float]) -> Model:
        """Return the model with limits from the station file.

        Raises: RefusedError for one that loosens what is known of the model.
        """
        for name, value in wanted.items():
            known: float = getattr(self, name)
            looser = value < known if "_min_" in name else value > known
            if looser and name not in self.unknown:
                raise RefusedError(
                    f"option {name}: {value:g} is beyond the {self.name}, which ends at {known:g}; only tighten it"
                )
        return replace(self, **wanted)  # type: ignore[arg-type]  # names of number fields, checked by the options


UNKNOWN: Mapping[str, str] = MappingProxyType(
    {
        "current_max_A": "the kit's manual does not say what a model can drive; labctl assumes the largest range",
        "eis_min_Hz": "the lowest frequency of a public file; the kit's manual names none",
        "eis_max_Hz": "the highest frequency of the vendor's class; the kit's manual names none",
        "amplitude_max_V": "the kit's manual names no largest amplitude; labctl assumes 1 V rms",
    }
)


def model_of(name: str) -> Model:
    """Return the model that an instrument says it is. Raises: RefusedError where it is none of the kit's."""
    if not any(name.upper().startswith(family.upper()) for family in FAMILIES):
        known = ", ".join(FAMILIES)
        raise RefusedError(f"{name!r} is not a model that labctl knows ({known})", vendor_text=name)
    return Model(name, unknown=UNKNOWN)


def range_word(current_A: float | None) -> str:
    """Return the word of the smallest range that holds a current; AUTO for None."""
    if current_A is None:
        return "AUTO"
    holding = [(full_A, word) for word, full_A in RANGES.items() if full_A >= current_A * (1 - 1e-9)]
    return min(holding)[1]


def range_of_code(code: float) -> float:
    """Return the full scale in A that a code of ``GetDataCurrentRange`` means; NaN for an unknown one."""
    return RANGE_CODES.get(round(code), math.nan) if math.isfinite(code) else math.nan


def range_of_text(text: str) -> float:
    """Return the full scale in A of a range as ``GetIRange`` writes it, for example 200uA; NaN for another."""
    return RANGES.get(text.strip().upper().replace(" ", "").replace("µ", "U").replace("Μ", "U"), math.nan)
