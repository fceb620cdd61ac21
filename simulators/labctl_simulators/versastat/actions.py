"""The actions of an experiment: one comma-separated string each, read by the kit's tables.

What is wrong with a string - its count, a word, a number that the model cannot reach - makes the library answer
``false``, and nothing else tells why. That limits of a model are judged here is our choice.

Source: potentiostat.md 2.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from labctl_simulators.versastat.models import AMPLITUDE_MAX_V, AMPLITUDE_MIN_V, RANGES_A, Model

_LIMITS = "L1T L1D L1V L2T L2D L2V"
ORDERS: Mapping[str, str] = {
    "OpenCircuit": f"TPP Dur {_LIMITS} IR EM EF IF CTU BW LBW ERS",
    "LinearScanVoltammetry": f"IP Vs FP Vs2 SR {_LIMITS} IR EM EF IF LCO CTU iRC UD UP BW LBW",
    "CyclicVoltammetry": f"IP Vs VP Vs2 VH AH FP Vs3 SR {_LIMITS} IR EM EF IF LCO CTU iRC UD UP BW LBW",
    "MultiCyclicVoltammetry": (
        f"IP Vs VP Vs2 VH AH VP2 Vs3 VH2 AH2 SR C {_LIMITS} IR EM EF IF LCO CTU iRC UD UP BW FP Vs4 LBW"
    ),
    "Chronoamperometry": f"IP Vs TPP Dur {_LIMITS} IR EM EF IF LCO CTU iRC UD UP BW LBW",
    "Chronopotentiometry": f"IC TPP Dur {_LIMITS} EM EF IF LCO CTU BW LBW",
    "EISPotentiostatic": "SF EF_Hz AP PS NP DQ MD IP Vs IR EM LCO CTU BW LBW",
    "EISGalvanostatic": "SF EF_Hz AC PS NP DQ MD IC EM LCO CTU BW LBW",
    "AutoCurrentRangeSetup": "MA MI ICR",
    "Loop": "NB I",
}
"""The tables; a second field of one name has a number behind it, and the end frequency a unit: EF is a filter too."""
MEASURE_OPEN_CIRCUIT = "MeasureOpenCircuit"
IMPEDANCE = ("EISPotentiostatic", "EISGalvanostatic")
POINTS_MAX = 1_000_000
COUNT_MAX = 10_000
RAMP_STEP_V = 1e-3
"""The strings of ramps hold no step: a point each millivolt [our choice]."""
_FILTERS = ("AUTO", "NONE", "200KHZ", "1KHZ", "100HZ", "10HZ", "1HZ")
_YES = ("YES", "NO")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "Vs": ("VS OC", "VS REF", "VS PREVIOUS"),
    "LT": ("NONE", "CURRENT", "POTENTIAL", "CHARGE"),
    "LD": ("<", ">"),
    "EM": ("AUTO", "SINGLE ENDED", "DIFFERENTIAL"),
    "EF": _FILTERS,
    "IF": _FILTERS,
    "AH": _YES,
    "LCO": _YES,
    "UP": _YES,
    "CTU": ("EXTERNAL",),  # no internal dummy is on this bench
    "iRC": ("ENABLED", "DISABLED"),
    "BW": ("AUTO", "HIGH STABILITY", "1MHZ", "100KHZ", "10KHZ", "1KHZ"),
    "LBW": ("AUTO", "NORMAL", "SLOW", "VERY SLOW"),
    "ERS": ("AUTO", "HIGH", "LOW"),
    "PS": ("LOGARITHMIC", "LINEAR"),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its name without "Add", and its fields by the names of the tables (numbers, or words in capitals)."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Return a numeric field."""
        return float(self.fields[name])

    @property
    def leaves_cell_on(self) -> bool:
        """Tell whether the cell stays on after it."""
        return self.fields.get("LCO") == "YES"


def read_action(name: str, text: str, model: Model) -> Action:
    """Return the action of a string. Raises: ValueError for what the library does not take."""
    names, values = ORDERS[name].split(), [part.strip() for part in text.split(",")]
    if len(values) != len(names):
        raise ValueError(f"{name} takes {len(names)} parameters, not {len(values)}")
    fields = {key: _value(key, value, model) for key, value in zip(names, values, strict=True)}
    action = Action(name, fields)
    if name in IMPEDANCE and "FRA" not in model.options:
        raise ValueError("this instrument has no FRA")
    if points_of(action) > POINTS_MAX:
        raise ValueError(f"more than {POINTS_MAX} points")
    return action


def _value(key: str, text: str, model: Model) -> float | str:
    base = key if key in _NUMBERS else key.rstrip("0123456789")
    if base.startswith(("L1", "L2")):
        base = "L" + base[2:]
    if base in ("IR", "MA", "MI", "ICR"):
        return _range(text, model, automatic=base == "IR")
    if base in _WORDS:
        if text.upper() not in _WORDS[base]:
            raise ValueError(f"{key} cannot be {text!r}")
        return text.upper()
    number = float(text)
    if not math.isfinite(number) or not _NUMBERS[base](number, model):
        raise ValueError(f"{key} cannot be {text!r}")
    return number


def _range(text: str, model: Model, *, automatic: bool) -> float | str:
    if automatic and text.upper() == "AUTO":
        return "AUTO"
    for name in model.range_names:
        if name.upper() == text.upper():
            return RANGES_A[name]
    raise ValueError(f"{model.told} has no range {text!r}")


def _potential(value_V: float, model: Model) -> bool:
    return abs(value_V) <= model.potential_max_V


def _frequency(value_Hz: float, model: Model) -> bool:
    return model.eis_min_Hz * (1 - 1e-9) <= value_Hz <= model.eis_max_Hz * (1 + 1e-9)


def _count(value: float, model: Model) -> bool:
    return 1 <= value <= COUNT_MAX and value == int(value)


def _positive(value: float, model: Model) -> bool:
    return value > 0.0


def _any(value: float, model: Model) -> bool:
    return True


def _at_least_zero(value: float, model: Model) -> bool:
    return value >= 0.0


_NUMBERS: Mapping[str, Callable[[float, Model], bool]] = {
    "IP": _potential, "VP": _potential, "FP": _potential,
    "TPP": lambda value_s, model: value_s >= 1e-5,
    "Dur": _positive, "SR": _positive, "VH": _at_least_zero, "C": _count,
    "LV": _any, "UD": _at_least_zero,
    "IC": lambda value_A, model: abs(value_A) <= model.current_max_A,
    "SF": _frequency, "EF_Hz": _frequency,
    "AP": lambda value_V, model: AMPLITUDE_MIN_V * (1 - 1e-9) <= value_V <= AMPLITUDE_MAX_V * (1 + 1e-9),
    "AC": lambda value_A, model: 0.0 < value_A <= model.current_max_A,
    "NP": _count,
    "DQ": lambda value, model: 0 <= value <= 10 and value == int(value),
    "MD": _at_least_zero, "NB": _count, "I": _count,
}  # fmt: skip


def points_of(action: Action) -> float:
    """Return how many points an action measures; of ramps as their potentials are written."""
    if action.name in IMPEDANCE:
        return len(frequencies_Hz(action))
    if "TPP" in action.fields:
        return action.number("Dur") / action.number("TPP")
    if "SR" in action.fields:
        corners_V = corners(action, lambda potential, reference: action.number(potential))
        return sum(abs(b_V - a_V) for a_V, b_V in pairwise(corners_V)) / RAMP_STEP_V + 1.0
    return 0.0


def corners(action: Action, resolve: Callable[[str, str], float]) -> list[float]:
    """Return the potentials between which a ramp goes, in V.

    ``resolve`` takes the names of the fields of a potential and of what it counts from.
    """
    begin_V = resolve("IP", "Vs")
    if action.name == "LinearScanVoltammetry":
        return [begin_V, resolve("FP", "Vs2")]
    if action.name == "CyclicVoltammetry":
        return [begin_V, resolve("VP", "Vs2"), resolve("FP", "Vs3")]
    turn_V = [resolve("VP", "Vs2"), resolve("VP2", "Vs3")]
    return [begin_V, *turn_V * int(action.number("C")), resolve("FP", "Vs4")]


def frequencies_Hz(action: Action) -> list[float]:
    """Return the frequencies of a sweep, both ends included, as near as can be to the points per decade."""
    first_Hz, last_Hz, wanted = action.number("SF"), action.number("EF_Hz"), int(action.number("NP"))
    if action.fields["PS"] == "LINEAR":
        span_Hz = last_Hz - first_Hz
        return [first_Hz + span_Hz * k / max(wanted - 1, 1) for k in range(wanted)]
    decades = math.log10(last_Hz / first_Hz)
    steps = max(round(abs(decades) * wanted), int(first_Hz != last_Hz))
    return [first_Hz * 10.0 ** (decades * k / max(steps, 1)) for k in range(steps)] + [last_Hz]
