"""Numbers with units, at the rim: text to ``Quantity`` and back, and the value in the base unit of its kind.

The units of a battery bench stand in a table; anything else that has a fitting dimension goes through pint, which is
imported only then (it takes longer to load than all protocols take to read).

Base units: A, A/cm^2, A/g, C, V, s, Ah, Ah/cm^2, Ah/g, 1 (fraction), degC, K, ohm cm^2, Hz. Areas stay per cm^2 and
capacities stay Ah because that is what every number of the field is compared with.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache

from labctl.model.protocol import Quantity, QuantityKind

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"^({NUMBER})\s*(.*)$", re.DOTALL)
_C_DIVIDED = re.compile(rf"^C\s*/\s*({NUMBER})$")
_UNIT_LENGTH_MAX = 40
"""A unit longer than this is not a unit; keeps pint's parser from chewing on prose."""

_PREFIX = {"": "1", "m": "1e-3", "u": "1e-6", "n": "1e-9", "k": "1e3", "M": "1e6"}
BASE_UNIT = {
    QuantityKind.CURRENT: "A",
    QuantityKind.AREAL_CURRENT: "A/cm^2",
    QuantityKind.SPECIFIC_CURRENT: "A/g",
    QuantityKind.C_RATE: "C",
    QuantityKind.VOLTAGE: "V",
    QuantityKind.TIME: "s",
    QuantityKind.CAPACITY: "Ah",
    QuantityKind.AREAL_CAPACITY: "Ah/cm^2",
    QuantityKind.SPECIFIC_CAPACITY: "Ah/g",
    QuantityKind.FRACTION: "",
    QuantityKind.TEMPERATURE: "degC",
    QuantityKind.TEMPERATURE_DIFFERENCE: "K",
    QuantityKind.AREA_RESISTANCE: "ohm cm^2",
    QuantityKind.FREQUENCY: "Hz",
}


def _table() -> dict[str, tuple[QuantityKind, Decimal]]:
    units: dict[str, tuple[QuantityKind, Decimal]] = {}

    def prefixed(unit: str, kind: QuantityKind, prefixes: str, tail: str = "", factor: str = "1") -> None:
        for prefix in ["", *prefixes]:
            units[f"{prefix}{unit}{tail}"] = (kind, Decimal(_PREFIX[prefix]) * Decimal(factor))

    prefixed("A", QuantityKind.CURRENT, "mun")
    prefixed("A", QuantityKind.AREAL_CURRENT, "mun", "/cm^2")
    prefixed("A", QuantityKind.AREAL_CURRENT, "mun", "/m^2", "1e-4")
    prefixed("A", QuantityKind.SPECIFIC_CURRENT, "mun", "/g")
    prefixed("Ah", QuantityKind.CAPACITY, "mun")
    prefixed("Ah", QuantityKind.AREAL_CAPACITY, "mun", "/cm^2")
    prefixed("Ah", QuantityKind.AREAL_CAPACITY, "mun", "/m^2", "1e-4")
    prefixed("Ah", QuantityKind.SPECIFIC_CAPACITY, "mun", "/g")
    prefixed("V", QuantityKind.VOLTAGE, "mu")
    prefixed("Hz", QuantityKind.FREQUENCY, "mukM")
    prefixed("ohm cm^2", QuantityKind.AREA_RESISTANCE, "mkM")
    prefixed("s", QuantityKind.TIME, "m")
    for names, seconds in (("min", "60"), ("h", "3600"), ("d", "86400")):
        units[names] = (QuantityKind.TIME, Decimal(seconds))
    units["C"] = (QuantityKind.C_RATE, Decimal(1))
    units["%"] = (QuantityKind.FRACTION, Decimal("1e-2"))
    units[""] = (QuantityKind.FRACTION, Decimal(1))
    units["degC"] = (QuantityKind.TEMPERATURE, Decimal(1))
    units["K"] = (QuantityKind.TEMPERATURE_DIFFERENCE, Decimal(1))
    return units


UNITS = _table()
_SPELLINGS = {
    "°C": "degC", "oC": "degC", "celsius": "degC", "deg C": "degC", "Celsius": "degC",
    "sec": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "mins": "min",
    "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d", "days": "d", "percent": "%",
    "volt": "V", "volts": "V", "hertz": "Hz",
}  # fmt: skip


def _normal_unit(text: str) -> str:
    """Return the canonical spelling of a unit text: mA/cm2, mA cm-2 and mA/cm² are all mA/cm^2."""
    unit = " ".join(text.split())
    for old, new in (
        ("µ", "u"),
        ("μ", "u"),
        ("²", "^2"),
        ("Ω", "ohm"),
        ("Ω", "ohm"),
        ("·", " "),
        ("**", "^"),
        ("⁻", "-"),
    ):
        unit = unit.replace(old, new)
    unit = _SPELLINGS.get(unit, unit)
    unit = re.sub(r"\s*/\s*", "/", unit)
    unit = re.sub(r"[ *]+(cm|m|g)\^?-([12])\b", lambda m: f"/{m[1]}" + ("^2" if m[2] == "2" else ""), unit)
    unit = re.sub(r"(?<=[a-zA-Z])2\b", "^2", unit)
    unit = re.sub(r"\b[oO]hms?\b", "ohm", unit)
    unit = re.sub(r"\s*\*\s*", " ", unit)
    return re.sub(r"A\s+h\b", "Ah", unit)


_PINT_KINDS = {
    "[current]": QuantityKind.CURRENT,
    "[current] / [length] ** 2": QuantityKind.AREAL_CURRENT,
    "[current] / [mass]": QuantityKind.SPECIFIC_CURRENT,
    "[length] ** 2 * [mass] / [current] / [time] ** 3": QuantityKind.VOLTAGE,
    "[time]": QuantityKind.TIME,
    "[current] * [time]": QuantityKind.CAPACITY,
    "[current] * [time] / [length] ** 2": QuantityKind.AREAL_CAPACITY,
    "[current] * [time] / [mass]": QuantityKind.SPECIFIC_CAPACITY,
    "[length] ** 4 * [mass] / [current] ** 2 / [time] ** 3": QuantityKind.AREA_RESISTANCE,
}
_PINT_BASE = {
    QuantityKind.CURRENT: "ampere",
    QuantityKind.AREAL_CURRENT: "ampere / centimeter ** 2",
    QuantityKind.SPECIFIC_CURRENT: "ampere / gram",
    QuantityKind.VOLTAGE: "volt",
    QuantityKind.TIME: "second",
    QuantityKind.CAPACITY: "ampere * hour",
    QuantityKind.AREAL_CAPACITY: "ampere * hour / centimeter ** 2",
    QuantityKind.SPECIFIC_CAPACITY: "ampere * hour / gram",
    QuantityKind.AREA_RESISTANCE: "ohm * centimeter ** 2",
}


@lru_cache(maxsize=1)
def _registry() -> object:
    import pint

    return pint.UnitRegistry(cache_folder=None)


@lru_cache(maxsize=256)
def _pint_unit(unit: str) -> tuple[QuantityKind, Decimal] | None:
    """Return kind and factor of an unusual unit by way of pint, None when it is none of ours."""
    if (
        len(unit) > _UNIT_LENGTH_MAX
        or not re.fullmatch(r"[A-Za-z][A-Za-z0-9 /^*()-]*", unit)
        or re.search(r"\d{3}", unit)
    ):
        return None
    if re.search(r"\^\s*-?\d\d|\^.*\^.*\^", unit):
        return None
    import pint

    registry = _registry()
    assert isinstance(registry, pint.UnitRegistry)
    try:
        parsed = registry.parse_expression(unit.replace("^", "**"))
        quantity = parsed if isinstance(parsed, registry.Quantity) else None
        if quantity is None or not math.isclose(abs(quantity.magnitude), 1.0):
            return None
        kind = next((kind for dims, kind in _PINT_KINDS.items() if quantity.check(dims)), None)
        if kind is None:
            return None
        factor = quantity.to(_PINT_BASE[kind]).magnitude
    except (
        pint.PintError,
        AttributeError,
        TypeError,
        ValueError,
        SyntaxError,
        ArithmeticError,
        AssertionError,
    ):
        return None  # whatever pint makes of a foreign word, it is not one of our units
    return (kind, Decimal(repr(float(f"{factor:.15g}"))))


@lru_cache(maxsize=4096)
def lookup_unit(text: str) -> tuple[str, QuantityKind, Decimal] | None:
    """Return canonical spelling, kind and factor to the base unit, or None for an unknown unit."""
    unit = _normal_unit(text)
    found = UNITS.get(unit) or (_pint_unit(unit) if unit else None)
    return None if found is None else (unit, *found)


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Quantity | None:
    """Return the quantity that a text like ``1 mA/cm2``, ``C/3`` or ``80 %`` means; None when it is none.

    A bare number is a FRACTION with an empty unit. Infinite values and numbers without digits are none.
    """
    stripped = text.strip()
    divided = _C_DIVIDED.match(stripped)
    if divided:
        divisor = float(divided[1])
        return (
            Quantity(1.0 / divisor, "C", QuantityKind.C_RATE) if divisor and math.isfinite(divisor) else None
        )
    found = _QUANTITY.match(stripped)
    if not found:
        return None
    unit = lookup_unit(found[2])
    value = float(found[1])
    if unit is None or not math.isfinite(value):
        return None
    return Quantity(value, unit[0], unit[1])


def base_value(quantity: Quantity) -> float:
    """Return the value in the base unit of its kind, correctly rounded (5 mV is exactly the float 0.005)."""
    unit = lookup_unit(quantity.unit)
    if unit is None or unit[1] is not quantity.kind:
        raise ValueError(f"unit {quantity.unit!r} is not a {quantity.kind.value}")
    return float(Decimal(repr(quantity.value)) * unit[2])


def quantity(value: float, unit: str) -> Quantity:
    """Build a quantity from a number and a known unit."""
    found = lookup_unit(unit)
    if found is None:
        raise ValueError(f"unknown unit {unit!r}")
    return Quantity(float(value), found[0], found[1])


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same float: 1, 0.1, 1e-07."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


SLOWEST_C = 1e-300
"""Below it the inverse of a rate is no number any more; far below what a cell can be charged with."""


def format_quantity(quantity: Quantity) -> str:
    """Return text that ``parse_quantity`` reads back exactly, as a person would write it."""
    if quantity.unit == "C" and SLOWEST_C < quantity.value < 0.5:
        divisor = round(1.0 / quantity.value)
        if 1.0 / divisor == quantity.value:
            return f"C/{divisor}"
    return f"{number_text(quantity.value)} {quantity.unit}".strip()


def readable(value: float, unit: str) -> str:
    """Return a base-unit value for people, with a prefix that keeps the number between 0.1 and 1000: 0.785398 mA."""
    if unit == "s":
        return readable_time(value)
    if unit not in ("A", "V", "Ah"):
        return f"{value:.7g} {unit}".strip()
    magnitude = abs(value)
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u")):
        if magnitude >= 0.0999999 * factor or (prefix == "u"):
            return f"{value / factor:.7g} {prefix}{unit}"
    return f"{value:.7g} {unit}"


def readable_time(time_s: float) -> str:
    """Return a time as people say it: 90 s, 61 min, 6 h, 1.5 h, 20.8 d."""
    for seconds, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if (
            time_s >= (2 if unit == "d" else 1) * seconds
            and abs(time_s / seconds * 100 - round(time_s / seconds * 100)) < 1e-6
        ):
            return f"{time_s / seconds:.6g} {unit}"
    if time_s >= 3600:
        return f"{time_s / 3600:.4g} h"
    return f"{time_s:.6g} s"
