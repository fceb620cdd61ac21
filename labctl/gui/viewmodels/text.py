"""Numbers, times and ages as people read them; always with the unit, one look everywhere (R7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from labctl.gui.viewmodels.parsing import Parsed, parse_quantity
from labctl.gui.viewmodels.units import STEPS, units
from labctl.gui.viewmodels.words import tr

MINUS = "\u2212"
THIN = "\u2009"
NONE = "-"
"""Shown where there is no value."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A number and its unit apart, because the unit is painted smaller."""

    number: str
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{THIN}{self.unit}" if self.unit else self.number


def number(value: float, decimals: int, *, sign: bool = False) -> str:
    """Return a number with fixed decimals, U+2212 for minus and no minus before zero; ``-`` for no value."""
    if not math.isfinite(value):
        return NONE
    text = f"{abs(value):.{decimals}f}"
    if value < 0 and text.strip("0.") != "":
        return MINUS + text
    return f"+{text}" if sign else text


def figures(value: float, digits: int, *, sign: bool = False) -> str:
    """Return a number with so many significant figures, never in powers of ten between 1e-4 and 1e7."""
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return number(0.0, max(0, digits - 1), sign=sign)
    exponent = _exponent(value, digits)
    if not -5 < exponent < 8:
        mantissa, _, power = f"{abs(value):.{digits - 1}e}".partition("e")
        head = MINUS if value < 0 else "+" if sign else ""
        return f"{head}{mantissa}e{power}".replace("e-0", "e-").replace("e+0", "e").replace("e-", f"e{MINUS}")
    rounded = round(value, digits - 1 - exponent)
    return number(rounded, max(0, digits - 1 - exponent), sign=sign)


def shorter_forms(shown: str, unit: str) -> Iterator[tuple[str, str]]:
    """Yield a shown number with its unit, then rounded to ever fewer decimals, then in V where it is in mV.

    For places that are too narrow: a figure is never cut in the middle, and never without its unit.
    """
    yield shown, unit
    sign = shown.startswith("+")
    try:
        value = float(shown.replace(MINUS, "-"))
    except ValueError:
        return
    for decimals in reversed(range(len(shown.partition(".")[2]))):
        yield number(value, decimals, sign=sign), unit
    if unit == "mV":
        for decimals in (3, 2, 1):
            yield number(value / 1e3, decimals, sign=sign), "V"


def _exponent(value: float, digits: int) -> int:
    """Return the power of ten of the first figure after rounding: 9.996 at three figures is 1e1."""
    return int(f"{abs(value):.{digits - 1}e}".partition("e")[2])


def shown(
    value: float,
    unit: str,
    *,
    digits: int = 4,
    resolution: float | None = None,
    prefix: str = "",
    sign: bool = False,
) -> Shown:
    """Return a quantity given in its base unit (V, A, Ah, s, °C ...).

    ``prefix`` is the shown unit, where the field keeps it (``FieldUnits``); else the one that the person has chosen;
    else the one with 1 to 999 before the point. ``resolution`` in the base unit fixes the decimals; else ``digits``
    significant figures are shown.
    """
    steps, prefix = STEPS.get(unit), prefix or units.of(unit)
    if not math.isfinite(value):
        return Shown(NONE, prefix or (steps[0][1] if steps else unit))
    factor, name = (1.0, unit) if steps is None else _step(value, steps, digits, prefix)
    scaled = value / factor
    if resolution is not None:
        decimals = max(0, math.ceil(-math.log10(resolution / factor) - 1e-9))
        return Shown(number(scaled, decimals, sign=sign), name)
    return Shown(figures(scaled, digits, sign=sign), name)


def quantity(value: float, unit: str, **how: object) -> str:
    """Return a quantity as one text, ``−78.53 µA``; arguments as of ``shown``."""
    return str(shown(value, unit, **how))  # type: ignore[arg-type]  # the same keywords, handed on


def shared(value: float, unit: str, *, digits: int = 4, resolution: float | None = None) -> Shown:
    """Return a quantity in the unit that a column or axis shares, whatever its size; arguments as of ``shown``."""
    return shown(value, unit, digits=digits, resolution=resolution, prefix=units.scale(unit).name)


def _step(value: float, steps: tuple[tuple[float, str], ...], digits: int, prefix: str) -> tuple[float, str]:
    if prefix:
        for factor, name in steps:
            if name == prefix:
                return factor, name
    if value == 0:
        return next(((factor, name) for factor, name in steps if factor == 1.0), steps[0])
    rounded = float(f"{abs(value):.{digits - 1}e}")
    return next((step for step in steps if rounded >= step[0] * (1 - 1e-12)), steps[-1])


class FieldUnits:
    """Keeps the prefix of each field, so that a value that wanders over 1000 does not change its unit (R7).

    What the person has chosen in the settings goes before it.
    """

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self.chosen: dict[str, str] = dict(chosen or {})

    def show(self, field: str, value: float, unit: str, *, digits: int = 4, sign: bool = False) -> Shown:
        """Return a value of a field in the field's unit; the first value that is not 0 chooses it."""
        prefix = units.of(unit) or self.chosen.get(field, "")
        found = shown(value, unit, digits=digits, prefix=prefix, sign=sign)
        if not prefix and math.isfinite(value) and value != 0.0:
            self.chosen[field] = found.unit
        return found

    def choose(self, field: str, prefix: str) -> None:
        """Set the unit of a field; empty = by the next value."""
        self.chosen.pop(field, None)
        if prefix:
            self.chosen[field] = prefix


def units_of(unit: str) -> tuple[str, ...]:
    """Return the prefixed units that a field of a base unit can be shown in."""
    return tuple(name for _, name in STEPS.get(unit, ((1.0, unit),)))


# -- times -------------------------------------------------------------------------------------------------------------


def age(age_s: float) -> str:
    """Return an age in one unit: ``0.4 s``, ``35 s``, ``4 min``, ``3 h``, ``44 d``; ``never`` for an infinite one."""
    if not math.isfinite(age_s):
        return tr("text", "never")
    age_s = max(0.0, age_s)
    if age_s < 9.95:
        return f"{age_s:.1f}{THIN}s"
    for limit_s, one_s, name in ((99.5, 1.0, "s"), (5970.0, 60.0, "min"), (172_800.0, 3600.0, "h")):
        if age_s < limit_s:
            return f"{age_s / one_s:.0f}{THIN}{name}"
    return f"{age_s / 86_400.0:.0f}{THIN}d"


def duration(time_s: float) -> str:
    """Return a length of time in two units: ``61 h 20 min``, ``21 d 3 h``, ``12 min 30 s``, ``40 s``."""
    if not math.isfinite(time_s):
        return NONE
    whole_s = max(0, round(time_s))
    if whole_s < 60:
        return f"{whole_s}{THIN}s"
    if whole_s < 3600:
        minutes, seconds = divmod(whole_s, 60)
        return f"{minutes}{THIN}min" + (f" {seconds}{THIN}s" if seconds else "")
    minutes_all = round(whole_s / 60)
    hours, minutes = divmod(minutes_all, 60)
    if hours < 100:
        return f"{hours}{THIN}h" + (f" {minutes:02d}{THIN}min" if minutes else "")
    days, hours = divmod(round(whole_s / 3600), 24)
    return f"{days}{THIN}d" + (f" {hours}{THIN}h" if hours else "")


def clock_time(time_s: float) -> str:
    """Return a time of a step as ``hh:mm:ss``; ``00:12`` style comes from ``short_clock``."""
    if not math.isfinite(time_s):
        return NONE
    minutes, seconds = divmod(max(0, int(time_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"


def short_clock(time_s: float) -> str:
    """Return a time in hours and minutes, ``00:12``."""
    return clock_time(time_s + 30.0)[:-3] if math.isfinite(time_s) else NONE


def moment(utc: datetime | None, now: datetime, *, zone: tzinfo | None = None, seconds: bool = False) -> str:
    """Return a moment as short as can be: ``09:38`` today, ``04-20 18:20`` this year, else the ISO date; 24 h."""
    if utc is None:
        return NONE
    local, today = utc.astimezone(zone), now.astimezone(zone)
    hours = local.strftime("%H:%M:%S" if seconds else "%H:%M")
    if local.date() == today.date():
        return hours
    if local.year == today.year or abs(local - today) < timedelta(days=180):
        return f"{local:%m-%d} {hours}"
    return f"{local:%Y-%m-%d}"


def iso_local(utc: datetime, *, zone: tzinfo | None = None) -> str:
    """Return ``2026-04-21 09:42:17 +08:00``."""
    local = utc.astimezone(zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def iso_utc(utc: datetime) -> str:
    """Return ``2026-04-21 01:42:17 UTC``."""
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC"


def count(value: int) -> str:
    """Return a large number short: ``842``, ``199 k``, ``2.6 M``."""
    if value < 10_000:
        return str(value)
    if value < 999_500:
        return f"{value / 1e3:.0f}{THIN}k"
    return f"{value / 1e6:.3g}{THIN}M"


def plural(n: int, one: str, many: str) -> str:
    """Return the form of a text for a number; both are translated by the caller and may hold ``{n}``."""
    return (one if n == 1 else many).format(n=n)


__all__ = [
    "FieldUnits", "Parsed", "Shown", "age", "clock_time", "count", "duration", "figures", "iso_local", "iso_utc",
    "moment", "number", "parse_quantity", "plural", "quantity", "shared", "short_clock", "shown",
    "units_of",
]  # fmt: skip
