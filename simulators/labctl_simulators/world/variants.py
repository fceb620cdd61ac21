"""The parameter tables of the eight reference cells, per-cell overrides and the coating-thickness link.

Resistances are per area (Ohm cm2); the model divides by the electrode area. Throughput Q_t, the ageing
clock, is the charge passed since assembly in mAh per cm2 of lithium, charge plus discharge.

Source: cell-models.md section 4 (tables) and 3.3 (thickness link); the marks [P], [L], [M] of that file
tell which numbers are the paper's and which are the model's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from labctl.errors import UserInputError

Number = TypeVar("Number", float, NDArray[np.float64])
"""One cell's number or an array over cells: the laws below are written once for both."""

INFINITE = math.inf
FILM_SCALE_NM = 300.0
"""Film thickness at which the coating works to 63 % (cell-models.md 3.3)."""


class Chemistry(StrEnum):
    """What stands opposite the lithium: decides the open-circuit voltage and the terms of section 2.7."""

    SYMMETRIC = "symmetric"
    LTO = "lto"
    LFP = "lfp"


class Electrolyte(StrEnum):
    """Which conductivity law and activation energy hold (cell-models.md 2.5)."""

    LIQUID = "liquid"
    PEO = "peo"


@dataclass(frozen=True, slots=True)
class Element:
    """One resistive element with its growth law (cell-models.md 3).

    ``terms`` are the pairs (a_i, q_i) of formation (a < 0) and film growth (a > 0). ``n`` is the ZARC
    exponent; the diffusion element ignores it.
    """

    resistance_ohm_cm2: float
    tau_s: float
    n: float = 1.0
    terms: tuple[tuple[float, float], ...] = ()
    slope_per_mAh_cm2: float = 0.0
    depletion_power: float = 0.0

    def growth(self, throughput_mAh_cm2: Number, remaining: Number) -> Number:
        """Return g_e; ``remaining`` is eps = max(1 - Q_t/Q_el, 0.01)."""
        grown = 1.0 + self.slope_per_mAh_cm2 * throughput_mAh_cm2
        for amount, scale_mAh_cm2 in self.terms:
            grown = grown + amount * (1.0 - np.exp(throughput_mAh_cm2 * (-1.0 / scale_mAh_cm2)))
        result: Number = grown * np.power(remaining, -self.depletion_power)
        return result


@dataclass(frozen=True, slots=True)
class Leak:
    """The soft short of a full cell (cell-models.md 3.2); ``fraction`` 0 means none."""

    fraction: float = 0.0
    onset_cycle: float = 0.0
    rise_cycles: float = 1.0
    sigma: float = 0.0


@dataclass(frozen=True, slots=True)
class Positive:
    """The insertion electrode of a full cell (cell-models.md 2.3, 3, 4.2)."""

    loading_mg_per_cm2: float = 0.0
    capacity_mAh_per_g: float = 0.0
    tau_s: float = 1.0
    x_start: float = 0.5
    fade_scale_mAh_cm2: float = INFINITE
    fade_power: float = 1.0
    resistance_power: float = 0.0
    activation: float = 0.0
    activation_scale_mAh_cm2: float = 1.0

    def fade(self, throughput_mAh_cm2: Number) -> Number:
        """Return f(Q_t), the accessible fraction of the capacity."""
        faded = np.exp(-np.power(throughput_mAh_cm2 / self.fade_scale_mAh_cm2, self.fade_power))
        activating = np.exp(throughput_mAh_cm2 * (-1.0 / self.activation_scale_mAh_cm2))
        result: Number = faded * (1.0 - self.activation * activating)
        return result


@dataclass(frozen=True, slots=True)
class Plating:
    """The terms that only symmetric cells have (cell-models.md 2.7), in V and mAh/cm2."""

    nucleation_V: float = 0.0
    nucleation_scale_mAh_cm2: float = 1.0
    rise_V: float = 0.0
    rise_scale_mAh_cm2: float = 1.0
    current_reference_mA_cm2: float = 1.0


@dataclass(frozen=True, slots=True)
class Variant:
    """Everything that one kind of cell is made of; area, seed and film are the cell's own."""

    name: str
    chemistry: Chemistry
    electrolyte: Electrolyte
    reference_degC: float
    bulk_ohm_cm2: float
    sei: Element
    ct: Element
    warburg: Element
    plating: Plating = Plating()
    positive: Positive = Positive()
    leak: Leak = Leak()
    electrolyte_life_mAh_cm2: float = INFINITE
    short_mAh_cm2: float = INFINITE
    short_sigma: float = 0.04
    short_ohm_cm2: float = 5.0
    dead_lithium_fraction: float = 0.03
    inductance_H: float = 0.4e-6
    interfaces: int = 2

    def remaining(self, throughput_mAh_cm2: Number) -> Number:
        """Return eps, what is left of electrolyte and contact, at least 0.01."""
        result: Number = np.maximum(1.0 - throughput_mAh_cm2 / self.electrolyte_life_mAh_cm2, 0.01)
        return result

    def growth(self, throughput_mAh_cm2: Number) -> tuple[Number, Number, Number]:
        """Return the growth factors (sei, ct, w) at a throughput."""
        remaining = self.remaining(throughput_mAh_cm2)
        return (
            self.sei.growth(throughput_mAh_cm2, remaining),
            self.ct.growth(throughput_mAh_cm2, remaining),
            self.warburg.growth(throughput_mAh_cm2, remaining),
        )


def _liquid(name: str, chemistry: Chemistry, **parts: Any) -> Variant:
    return Variant(name, chemistry, Electrolyte.LIQUID, 25.0, 5.0, **parts)


def _peo(name: str, chemistry: Chemistry, **parts: Any) -> Variant:
    return Variant(name, chemistry, Electrolyte.PEO, 60.0, 25.0, **parts)


def _lto(capacity_mAh_per_g: float, fade_scale_mAh_cm2: float, fade_power: float, **more: float) -> Positive:
    return Positive(
        1.50, capacity_mAh_per_g, 108.2, 0.02, fade_scale_mAh_cm2, fade_power,
        activation_scale_mAh_cm2=0.7, **more,
    )  # fmt: skip


def _lfp(capacity_mAh_per_g: float, fade_scale_mAh_cm2: float, fade_power: float) -> Positive:
    return Positive(
        1.17647, capacity_mAh_per_g, 250.0, 0.98, fade_scale_mAh_cm2, fade_power, resistance_power=1.0
    )


_SYM, _LTO, _LFP = Chemistry.SYMMETRIC, Chemistry.LTO, Chemistry.LFP

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        _liquid(
            "LIQ-P", _SYM,
            sei=Element(75.0, 1.6e-3, 0.82, ((-0.45, 4.0),), 0.004, 0.95),
            ct=Element(30.0, 2.5e-2, 0.85, depletion_power=0.3),
            warburg=Element(12.0, 8.0, depletion_power=1.0),
            plating=Plating(0.045, 0.03, 0.012),
            electrolyte_life_mAh_cm2=165.0, short_mAh_cm2=160.0,
        ),
        _liquid(
            "LIQ-Z", _SYM,
            sei=Element(52.0, 0.9e-3, 0.86, ((-0.30, 6.0),), 0.0010, 0.55),
            ct=Element(22.0, 1.5e-2, 0.88, depletion_power=0.2),
            warburg=Element(10.0, 8.0, depletion_power=0.8),
            plating=Plating(0.010, 0.05, 0.003),
            electrolyte_life_mAh_cm2=760.0, short_mAh_cm2=680.0, dead_lithium_fraction=0.005,
        ),
        _peo(
            "PEO-P", _SYM,
            sei=Element(120.0, 4e-3, 0.80, ((12.0, 6.0),)),
            ct=Element(45.0, 5e-2, 0.85, ((1.5, 6.0),)),
            warburg=Element(160.0, 400.0, terms=((0.5, 6.0),)),
            short_mAh_cm2=15.0, short_ohm_cm2=8.0,
        ),
        _peo(
            "PEO-Z", _SYM,
            sei=Element(330.0, 6e-3, 0.85, ((0.182, 0.4),), 0.0002),
            ct=Element(80.0, 6e-2, 0.87),
            warburg=Element(165.0, 400.0),
            short_mAh_cm2=105.0, short_ohm_cm2=8.0, dead_lithium_fraction=0.005,
        ),
        _liquid(
            "LTO-P", _LTO,
            sei=Element(70.0, 1.6e-3, 0.82, (), 0.01),
            ct=Element(35.0, 2.5e-2, 0.85),
            warburg=Element(15.0, 8.0),
            positive=_lto(174.0, 167.05, 1.5, resistance_power=1.3),
        ),
        _liquid(
            "LTO-Z", _LTO,
            sei=Element(110.0, 0.9e-3, 0.86, ((-0.45, 0.7),), 0.0004),
            ct=Element(30.0, 1.5e-2, 0.88),
            warburg=Element(12.0, 8.0),
            positive=_lto(171.78, 1031.3, 1.2, resistance_power=1.0, activation=0.1390),
            dead_lithium_fraction=0.005,
        ),
        _peo(
            "LFP-P", _LFP,
            sei=Element(110.0, 4e-3, 0.80, ((4.0, 10.0),)),
            ct=Element(150.0, 5e-2, 0.85),
            warburg=Element(110.0, 400.0),
            positive=_lfp(167.92, 115.59, 1.2),
            leak=Leak(0.12774, 20.0, 6.0, 0.35), short_ohm_cm2=8.0,
        ),
        _peo(
            "LFP-Z", _LFP,
            sei=Element(180.0, 6e-3, 0.85, ((0.25, 0.4),)),
            ct=Element(150.0, 5e-2, 0.87),
            warburg=Element(110.0, 400.0),
            positive=_lfp(163.10, 510.7, 1.0),
            leak=Leak(0.00125, -1.0, 0.01, 0.25), short_ohm_cm2=8.0, dead_lithium_fraction=0.005,
        ),
    )
}  # fmt: skip
"""The reference cells by name; ``-P`` is pristine lithium, ``-Z`` zinc-coated."""


def variant_named(name: str) -> Variant:
    """Return a reference variant. Raises UserInputError naming the known ones."""
    try:
        return VARIANTS[name]
    except KeyError:
        raise UserInputError(f"There is no cell variant {name!r}; known are {', '.join(VARIANTS)}.") from None


def coated_fraction(film_nm: float) -> float:
    """Return theta(d) = 1 - exp(-(d/300 nm)^2) of a zinc film of geometric thickness d."""
    return 1.0 - math.exp(-((film_nm / FILM_SCALE_NM) ** 2))


def variant_with_film(name: str, film_nm: float) -> Variant:
    """Return the variant family of ``name`` (``LIQ-P``, ``LIQ-Z`` or ``LIQ``) carrying a film of a
    thickness.
    """
    family = name.rsplit("-", 1)[0]
    return blend(variant_named(f"{family}-P"), variant_named(f"{family}-Z"), film_nm)


_GEOMETRIC = frozenset(
    {"resistance_ohm_cm2", "bulk_ohm_cm2", "tau_s", "electrolyte_life_mAh_cm2", "short_mAh_cm2",
     "fade_scale_mAh_cm2", "fraction"}
)  # fmt: skip
_SWITCHED = frozenset({"onset_cycle", "rise_cycles"})


def blend(pristine: Variant, coated: Variant, film_nm: float) -> Variant:
    """Interpolate between a pristine and a coated variant for a film thickness (cell-models.md 3.3).

    Each R0, tau, Q_el, Q_short, f_Q and the leak fraction geometrically, all others linearly; the leak's
    onset, rise and scatter switch at theta = 0.5. A growth term that only one side has starts from 0 and
    keeps its q_i.
    """
    theta = coated_fraction(film_nm)
    mixed = _blend(pristine, coated, theta)
    leak = replace(mixed.leak, sigma=(pristine if theta < 0.5 else coated).leak.sigma)
    family = pristine.name.rsplit("-", 1)[0]
    named: Variant = replace(mixed, name=f"{family} {film_nm:g} nm", leak=leak)
    return named


def _blend(pristine: Any, coated: Any, theta: float) -> Any:
    changes: dict[str, Any] = {}
    for field in fields(pristine):
        first, second = getattr(pristine, field.name), getattr(coated, field.name)
        if is_dataclass(first):
            changes[field.name] = _blend(first, second, theta)
        elif field.name == "terms":
            changes[field.name] = _blend_terms(first, second, theta)
        elif isinstance(first, str) or first == second:
            changes[field.name] = first
        elif field.name in _SWITCHED:
            changes[field.name] = first if theta < 0.5 else second
        elif field.name in _GEOMETRIC:
            changes[field.name] = _geometric(first, second, theta)
        else:
            changes[field.name] = (1.0 - theta) * first + theta * second
    return replace(pristine, **changes)


def _geometric(first: float, second: float, theta: float) -> float:
    if theta in (0.0, 1.0):
        return first if theta == 0.0 else second
    if math.isinf(first) or math.isinf(second):
        return INFINITE
    if first <= 0.0 or second <= 0.0:
        return (1.0 - theta) * first + theta * second
    return math.exp((1.0 - theta) * math.log(first) + theta * math.log(second))


def _blend_terms(
    first: tuple[tuple[float, float], ...], second: tuple[tuple[float, float], ...], theta: float
) -> tuple[tuple[float, float], ...]:
    amounts: dict[float, float] = {}
    for weight, terms in ((1.0 - theta, first), (theta, second)):
        for amount, scale_mAh_cm2 in terms:
            amounts[scale_mAh_cm2] = amounts.get(scale_mAh_cm2, 0.0) + weight * amount
    return tuple((amount, scale_mAh_cm2) for scale_mAh_cm2, amount in amounts.items() if amount != 0.0)


def with_overrides(variant: Variant, overrides: Mapping[str, Any]) -> Variant:
    """Replace parameters by name; nested parts as mappings or dotted names (``sei.resistance_ohm_cm2``).

    Raises UserInputError naming the known parameters of the part in question.
    """
    result = variant
    for key, value in overrides.items():
        result = _replaced(result, key.split("."), value, key)
    return result


def _replaced(part: Any, path: list[str], value: Any, key: str) -> Any:
    names = [field.name for field in fields(part)]
    if path[0] not in names:
        raise UserInputError(f"Cell parameter {key!r} is unknown; here are: {', '.join(names)}.")
    old = getattr(part, path[0])
    if len(path) > 1:
        if not is_dataclass(old):
            raise UserInputError(f"Cell parameter {key!r} has no parts.")
        return replace(part, **{path[0]: _replaced(old, path[1:], value, key)})
    if is_dataclass(old) and isinstance(value, Mapping):
        for name, inner in value.items():
            old = _replaced(old, str(name).split("."), inner, f"{key}.{name}")
        return replace(part, **{path[0]: old})
    return replace(part, **{path[0]: _checked(old, value, key)})


def _checked(old: Any, value: Any, key: str) -> Any:
    try:
        if isinstance(old, StrEnum):
            return type(old)(value)
        if isinstance(old, str):
            return str(value)
        if isinstance(old, tuple):
            return tuple((float(amount), float(scale)) for amount, scale in value)
        if isinstance(old, int) and not isinstance(old, bool):
            return int(value)
        number = float(value)
    except (TypeError, ValueError):
        raise UserInputError(f"Cell parameter {key!r} cannot be {value!r}.") from None
    if math.isnan(number):
        raise UserInputError(f"Cell parameter {key!r} must be a number, not NaN.")
    return number
