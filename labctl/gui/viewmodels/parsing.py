"""Read quantities as people type them: full-width digits, any minus, ``1e-3``, ``1 mA``, ``C/20``; ask where two
readings are possible, never guess (R7).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from labctl.gui.viewmodels.words import tr

_MINUSES = dict.fromkeys(map(ord, "\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d"), "-")
_OTHERS = {ord("\u03bc"): "\u00b5", ord("\u3002"): ".", ord("\uff61"): ".", ord("\u2126"): "\u03a9"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_WRITTEN = re.compile(r"([+-]?[\d.,]*\d[\d.,]*(?: \d{3})*(?:[eE][+-]?\d+)?)(.*)", re.DOTALL)
_POWER = re.compile(r"\s*[x×*·]\s*10\s*\^?\s*([+-]?\d+)")
_C_PART = re.compile(r"C\s*/\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_CLOCK = re.compile(r"(\d+):([0-5]?\d)(?::([0-5]?\d(?:\.\d+)?))?")
_TIMES = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|h|d)\s*", re.IGNORECASE)


def _prefixed(unit: str, prefixes: str, base: float = 1.0) -> dict[str, float]:
    factors = {"": 1.0, "m": 1e-3, "µ": 1e-6, "n": 1e-9, "k": 1e3, "M": 1e6}
    return {f"{prefix}{unit}": base * factors[prefix] for prefix in ["", *prefixes]}


_DIMENSIONS: tuple[dict[str, float], ...] = (
    _prefixed("A", "mµn"),
    _prefixed("A/cm2", "mµn") | _prefixed("A/m2", "mµ", 1e-4),
    _prefixed("A/g", "mµ") | {"mA/mg": 1.0, "A/kg": 1e-3},
    {"C": 1.0},
    _prefixed("V", "mµ"),
    {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86_400.0},
    _prefixed("Ah", "mµn"),
    _prefixed("Ah/cm2", "mµ"),
    _prefixed("Ah/g", "mµ"),
    _prefixed("Wh", "mµ"),
    {"": 1.0, "%": 1e-2},
    {"°C": 1.0},
    {"K": 1.0},
    _prefixed("Ω cm2", "mk"),
    _prefixed("Ω", "mkM"),
    _prefixed("Hz", "mkM"),
    _prefixed("g", "mµ") | {"kg": 1e3},
    {"cm2": 1.0, "mm2": 1e-2, "m2": 1e4},
    {"nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0},
)
_SPELLINGS: Mapping[str, str] = MappingProxyType({
    "degC": "°C", "oC": "°C", "deg C": "°C", "sec": "s", "secs": "s", "minute": "min", "minutes": "min", "mins": "min",
    "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d", "days": "d", "percent": "%", "ohm": "Ω", "Ohm": "Ω",
    "volt": "V", "volts": "V", "小时": "h", "分": "min", "分钟": "min", "秒": "s", "天": "d",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible reading."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Question:
    """Why the text has no single reading, and the readings to choose from."""

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was typed. Exactly one of ``value``, ``question`` and ``problem`` is given; all empty for an empty text.

    ``value`` is in ``unit``: the one asked for, or the other kind that was allowed and typed (``C``, ``mA/cm²``).
    """

    value: float | None = None
    unit: str = ""
    question: Question | None = None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether there is a value."""
        return self.value is not None


LONGEST = 500
"""A longer text is no quantity: patterns take the square of its length, 0.2 s for a table pasted into a field."""


def plain(text: str) -> str:
    """Return typed text with full-width signs narrowed, one kind of minus, point, micro and blank."""
    narrowed = unicodedata.normalize("NFKC", text.translate(_OTHERS)).translate(_MINUSES).translate(_OTHERS)
    return " ".join(narrowed.split())


def canonical_unit(text: str) -> str:
    """Return the one spelling of a unit: ``mA cm-2``, ``mA/cm^2`` and ``mA/cm²`` are all ``mA/cm2``."""
    unit = plain(text)
    unit = _SPELLINGS.get(unit, unit).replace("^", "").replace("·", " ").replace("**", "")
    unit = re.sub(r"\s*/\s*", "/", unit)
    unit = re.sub(
        r"\s+(cm|m|g)-([12])\b", lambda found: f"/{found[1]}" + ("2" if found[2] == "2" else ""), unit
    )
    unit = re.sub(r"\b[oO]hms?\b", "Ω", unit).replace("*", " ")
    return re.sub(r"^u(?=[AVgm])", "µ", unit)


def parse_quantity(text: str, unit: str, *, also: Sequence[str] = ()) -> Parsed:
    """Read a quantity in ``unit``, which is meant where none is typed; ``also`` names units of other kinds allowed.

    An empty text (or ``-``) gives an empty answer.
    """
    written = plain(text)
    if written in ("", "-", "n/a"):
        return Parsed()
    if len(written) > LONGEST:
        told = tr("parsing", "“{text}” is no number. Use a decimal point and no other signs.")
        return Parsed(problem=told.format(text=f"{written[:40]}…"))
    units = (unit, *also)
    if any(canonical_unit(name) == "C" for name in units) and (part := _C_PART.fullmatch(written)):
        divisor = float(part[1])
        return Parsed(1.0 / divisor, "C") if divisor else Parsed(problem=tr("parsing", "C/0 is no current."))
    if canonical_unit(unit) in _DIMENSIONS[5] and (timed := _time(written, unit)) is not None:
        return timed
    found = _WRITTEN.fullmatch(written)
    if found is None:
        told = tr(
            "parsing", "“{text}” is no number. Write it with a decimal point, for example 0.125 {unit}."
        )
        return Parsed(problem=told.format(text=written, unit=unit).replace(" .", "."))
    numbers, rest = found[1], found[2]
    power = _POWER.match(rest)
    if power is not None and "e" not in numbers.lower():
        numbers, rest = f"{numbers}e{power[1]}", rest[power.end() :]
    values = _readings(numbers)
    if not values:
        told = tr("parsing", "“{text}” is no number. Use a decimal point and no other signs.")
        return Parsed(problem=told.format(text=numbers))
    if not all(math.isfinite(value) for value in values):
        return Parsed(problem=tr("parsing", "“{text}” is too large.").format(text=numbers))
    return _with_unit(written, numbers, values, rest.strip(), units)


def _readings(numbers: str) -> list[float]:
    """Return what a text of figures can mean: one value where it is clear, several where a person must say."""
    if _NUMBER.fullmatch(numbers):
        return [float(numbers)]
    mantissa, mark, power = re.sub(r"[eE]", "e", numbers, count=1).partition("e")
    tail = mark + power
    found: list[str] = []
    grouped = re.fullmatch(r"([+-]?\d{1,3})((?:[ ,]\d{3})+)(\.\d*)?", mantissa)
    if grouped:
        found.append(mantissa.replace(",", "").replace(" ", ""))
    pointed = re.fullmatch(r"([+-]?\d{1,3}(?:\.\d{3})*|[+-]?\d*),(\d+)", mantissa)
    if pointed and mantissa.count(",") == 1:
        found.append(mantissa.replace(".", "").replace(",", "."))
    return [float(text + tail) for text in dict.fromkeys(found)]


def _with_unit(written: str, numbers: str, values: list[float], rest: str, units: Sequence[str]) -> Parsed:
    candidates = _units(rest, units)
    if not candidates:
        told = tr("parsing", "“{rest}” is no unit here; use {units}.")
        names = ", ".join(name for wanted in units for name in _same_kind(wanted))
        return Parsed(problem=told.format(rest=rest, units=names.replace("2", "²")))
    # A comma with a decimal point behind it has one reading only; without one a person must say what it is.
    clear_number = len(values) == 1 and (
        "," not in numbers or re.search(r",\d{3}(\.|,)", numbers) is not None
    )
    clear_number = clear_number and " " not in numbers
    clear_unit = len(candidates) == 1 and not _shouted(rest, candidates[0][0])
    readings = [(value, name, target, factor) for value in values for name, target, factor in candidates]
    if clear_number and clear_unit:
        value, _, target, factor = readings[0]
        return Parsed(_exact(value * factor), target)
    choices = tuple(
        Choice(f"{value:.10g} {name.replace('2', '²')}".strip(), _exact(value * factor))
        for value, name, _, factor in readings
    )
    return Parsed(unit=units[0], question=Question(
        tr("parsing", "“{text}” can be read in more than one way.").format(text=written), choices))  # fmt: skip


def _exact(value: float) -> float:
    """Return the value without the last bits that a factor of ten leaves."""
    return float(f"{value:.15g}")


def _same_kind(unit: str) -> tuple[str, ...]:
    canonical = canonical_unit(unit)
    return next((tuple(names) for names in _DIMENSIONS if canonical in names), (canonical,))


def _units(rest: str, units: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return what a typed unit can be: (its name, the wanted unit of that kind, the factor to it)."""
    if not rest:
        return [(canonical_unit(units[0]), units[0], 1.0)]
    typed = canonical_unit(rest)
    exact: list[tuple[str, str, float]] = []
    loose: list[tuple[str, str, float]] = []
    for wanted in units:
        ours = canonical_unit(wanted)
        names = next((names for names in _DIMENSIONS if ours in names), {ours: 1.0})
        for name, factor in names.items():
            entry = (name, wanted, factor / names[ours])
            if name == typed:
                exact.append(entry)
            elif name.lower() == typed.lower() or (
                len(typed) == 1 and typed in "mµunkM" and _begins(name, typed)
            ):
                loose.append(entry)
    return exact or loose


def _begins(name: str, prefix: str) -> bool:
    return len(name) > 1 and name.startswith("µ" if prefix == "u" else prefix) and name[1:2].isupper()


def _shouted(typed: str, name: str) -> bool:
    """Tell whether a prefix was typed in the other case (``MA``), or alone (``1 m``): then it is asked about."""
    canonical = canonical_unit(typed)
    if canonical == name or not canonical:
        return False
    return canonical[0] != name[0] or len(canonical) == 1


def _time(written: str, unit: str) -> Parsed | None:
    """Read ``2 h 30 min`` and clock times; None where it is neither."""
    one_s = _DIMENSIONS[5][canonical_unit(unit)]
    clock = _CLOCK.fullmatch(written)
    if clock:
        first, second = int(clock[1]), int(clock[2])
        if clock[3] is not None:
            return Parsed((first * 3600 + second * 60 + float(clock[3])) / one_s, unit)
        readings = ((f"{first} h {second} min", 3600 * first + 60 * second),
                    (f"{first} min {second} s", 60 * first + second))  # fmt: skip
        told = tr("parsing", "“{text}” can be read in more than one way.").format(text=written)
        choices = tuple(Choice(label, time_s / one_s) for label, time_s in readings)
        return Parsed(unit=unit, question=Question(told, choices))
    parts = list(_TIMES.finditer(written))
    if len(parts) < 2 or "".join(part[0] for part in parts).strip() != written:
        return None
    total_s = sum(float(part[1]) * _DIMENSIONS[5][part[2].lower()] for part in parts)
    return Parsed(total_s / one_s, unit)
