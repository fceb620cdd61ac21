"""Where ticks stand and what they say: four to eight of them, on round numbers, plain Python."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from labctl.gui.plots.fields import Field, FieldKind

TICKS_MAX = 8
TICKS_MIN = 4
MINUS = "\u2212"
THIN = "\u2009"
_SI = {-9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}
_UNIT_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SECOND_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)
_HOUR_STEPS_S = (1, 2, 3, 6, 12, 24, 48, 72, 120, 240, 480, 720, 1200, 2400, 4800)
_MOMENT_STEPS_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10_800, 21_600, 43_200,
    86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 30 * 86_400, 61 * 86_400, 122 * 86_400, 366 * 86_400,
)  # fmt: skip
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of one axis: ``values`` in axis units (log10 of the data on a log axis), ``labels`` beside them."""

    values: tuple[float, ...]
    labels: tuple[str, ...]
    minor: tuple[float, ...]
    title: str


def signed(text: str) -> str:
    """Return a number with the true minus sign in place of the hyphen."""
    return text.replace("-", MINUS)


def nice_step(span: float, most: int) -> float:
    """Return the least step of 1, 2, 2.5 or 5 times a power of ten that gives at most ``most`` ticks in ``span``."""
    if not (math.isfinite(span) and span > 0):
        return 1.0
    least = span / max(1, most)
    power = 10.0 ** math.floor(math.log10(least))
    return next((m * power for m in (1.0, 2.0, 2.5, 5.0) if m * power >= least * (1 - 1e-9)), 10.0 * power)


def decimals(step: float) -> int:
    """Return how many decimals a number needs so that neighbours ``step`` apart differ, and no more."""
    for places in range(13):
        if abs(step * 10**places - round(step * 10**places)) < 1e-6 * max(1.0, step * 10**places):
            return places
    return 12


def number(value: float, places: int) -> str:
    """Return a number with fixed decimals; nought is "0" whatever its decimals."""
    if abs(value) < 0.5 * 10.0**-places * 1e-6 or value == 0:
        return "0"
    if abs(value) >= 1e7 or (places > 7):
        return signed(f"{value:.4g}")
    text = f"{value:.{places}f}"
    return "0" if float(text) == 0 else signed(text)


def _multiples(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of a step from ``low`` to ``high``."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, min(last, first + 200) + 1)]


def ticks_for(field: Field, low: float, high: float, most: int, *, log: bool = False) -> Ticks:
    """Return the ticks of an axis from ``low`` to ``high`` (log10 of the data when ``log``), ``most`` labels."""
    most = max(2, min(TICKS_MAX, most))
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return Ticks((), (), (), field.title())
    if log and field.kind is not FieldKind.MOMENT:
        return _log(field, low, high, most)
    if field.kind is FieldKind.DURATION:
        return _duration(field, low, high, most)
    if field.kind is FieldKind.MOMENT:
        return _moment(field, low, high, most)
    scaled = (low * field.factor, high * field.factor)
    step = nice_step(scaled[1] - scaled[0], most)
    if field.kind is FieldKind.COUNT:
        step = max(1.0, step if step != 2.5 else 5.0)
    return _plain(field, scaled, step, field.factor, field.title())


def _plain(field: Field, shown: tuple[float, float], step: float, factor: float, title: str) -> Ticks:
    """Return ticks at the multiples of a step of the shown numbers."""
    places = decimals(step)
    values = _multiples(*shown, step)
    return Ticks(
        tuple(value / factor for value in values), tuple(number(value, places) for value in values), (), title
    )


MINUTES_MAX = 1000


def duration_unit(span_s: float) -> str:
    """Return in what a span of time is told: s below 3 min, min below 3 h, h below 60 d, then d."""
    return "s" if span_s < 180 else "min" if span_s < 3 * 3600 else "h" if span_s < 60 * DAY_S else "d"


def _duration(field: Field, low: float, high: float, most: int) -> Ticks:
    """Return ticks of a time axis whose data are seconds."""
    span = high - low
    unit = duration_unit(span)
    if unit == "min" and max(abs(low), abs(high)) >= MINUTES_MAX * 60.0:
        unit = "h"  # 158.5 h says more than 9510 min
    unit_s = _UNIT_S[unit]
    shown = (low / unit_s, high / unit_s)
    least = (shown[1] - shown[0]) / most
    if unit == "h" and least > 0.5:
        step = float(next((s for s in _HOUR_STEPS_S if s >= least), nice_step(shown[1] - shown[0], most)))
    elif unit in ("s", "min") and least > 0.5:
        step = float(next((s for s in _SECOND_STEPS if s >= least), nice_step(shown[1] - shown[0], most)))
    else:
        step = nice_step(shown[1] - shown[0], most)
    return _plain(field, shown, step, 1.0 / unit_s, field.title(unit))


def _log(field: Field, low: float, high: float, most: int) -> Ticks:
    """Return ticks of a log axis: decades, or round numbers within one decade or two."""
    shift = math.log10(field.factor)
    low, high = low + shift, high + shift
    first, last = math.floor(low + 1e-9), math.ceil(high - 1e-9)
    decades = [d for d in range(first, last + 1) if low - 1e-9 <= d <= high + 1e-9]
    minor = [
        math.log10(m) + d
        for d in range(first, last + 1)
        for m in range(2, 10)
        if low <= math.log10(m) + d <= high
    ]
    if len(decades) >= 3 or (len(decades) == 2 and most < 4):
        stride = max(1, math.ceil(len(decades) / most))
        labelled = [d for d in decades if d % stride == 0] or decades[:1]
        labels = tuple(si_decade(d) for d in labelled)
        kept = minor if stride == 1 and last - first <= 6 else [float(d) for d in decades]
        return Ticks(
            tuple(d - shift for d in labelled), labels, tuple(m - shift for m in kept), field.title()
        )
    if last - first <= 3 and high - low > 0.7:
        marks = [math.log10(m) + d for d in range(first, last + 1) for m in (1, 2, 5)]
        values = [mark for mark in marks if low - 1e-9 <= mark <= high + 1e-9]
        labels = tuple(signed(f"{10**value:.3g}") for value in values)
        return Ticks(tuple(v - shift for v in values), labels, tuple(m - shift for m in minor), field.title())
    step = nice_step(10**high - 10**low, most)
    numbers = [value for value in _multiples(10**low, 10**high, step) if value > 0]
    places = decimals(step)
    return Ticks(
        tuple(math.log10(value) - shift for value in numbers),
        tuple(number(value, places) for value in numbers),
        (),
        field.title(),
    )


def si_decade(decade: int) -> str:
    """Return 10**decade as people of the field write it: 0.1, 1, 10, 100, 1 k, 10 k, 1 M; 10⁻⁵ beyond."""
    if -3 <= decade <= 3 and decade != 3:
        return f"{10.0**decade:g}"
    prefix = 3 * (decade // 3)
    if prefix in _SI and decade >= 3:
        return f"{10 ** (decade - prefix)}{THIN}{_SI[prefix]}"
    return f"10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(c)] if c.isdigit() else '⁻' for c in str(decade))}"


# -- absolute time ----------------------------------------------------------------------------------------------------


def local(unix_s: float, zone: tzinfo | None) -> datetime:
    """Return a moment in a zone, or in that of this computer."""
    return datetime.fromtimestamp(unix_s, zone) if zone else datetime.fromtimestamp(unix_s).astimezone()


def _moment(field: Field, low: float, high: float, most: int) -> Ticks:
    """Return ticks at round local times; a tick at midnight tells the day."""
    least = (high - low) / min(most, 7)
    step = next((s for s in _MOMENT_STEPS_S if s >= least), None)
    begin = local(low, field.zone)
    offset = begin.strftime("%z")
    title = f"{field.quantity}, {begin:%Y-%m-%d}, UTC{signed(offset[:3])}:{offset[3:5]}"
    if step is None or step >= DAY_S:
        moments = _midnights(begin, high, (step or int(least)) // DAY_S, field.zone)
    else:
        shift = begin.utcoffset() or timedelta(0)
        shift_s = shift.total_seconds()
        moments = [value - shift_s for value in _multiples(low + shift_s, high + shift_s, float(step))]
    labels = tuple(_moment_label(local(value, field.zone), step or DAY_S) for value in moments)
    return Ticks(tuple(moments), labels, (), title)


def _midnights(begin: datetime, end_s: float, every_days: int, zone: tzinfo | None) -> list[float]:
    """Return the local midnights from ``begin`` on, each ``every_days``."""
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    day += timedelta(days=-(day.toordinal() % max(1, every_days)))
    found = []
    for _ in range(400):
        midnight = day.replace(tzinfo=zone) if zone else day.astimezone()
        if midnight.timestamp() > end_s:
            break
        if midnight.timestamp() >= begin.timestamp():
            found.append(midnight.timestamp())
        day += timedelta(days=max(1, every_days))
    return found


def _moment_label(when: datetime, step_s: int) -> str:
    """Return the text of a tick: the day at midnight, else the time of day."""
    if step_s >= 366 * DAY_S:
        return f"{when:%Y-%m}"
    if step_s >= DAY_S or (when.hour, when.minute, when.second) == (0, 0, 0):
        return f"{when:%m-%d}"
    return f"{when:%H:%M:%S}" if step_s < 60 else f"{when:%H:%M}"
