"""The limits that bind a channel now, as the station tells them: the tightest layer, what is read, the room left."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.text import clock_time, duration, quantity
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.limitsnow import LimitNow, LimitsNow

NAN = float("nan")
AGAIN_S = 4.0
"""Link seconds between two questions while the view is seen; a new step is asked about at once."""
NAMES: Mapping[str, str] = {
    "voltage_max_V": "V max", "voltage_min_V": "V min", "current_max_A": "|I| max", "temperature_max_degC": "T max",
    "temperature_min_degC": "T min", "capacity_max_Ah": mark("limits", "charge / step"),
    "step_time_max_s": mark("limits", "step time"),
}  # fmt: skip
_LEVELS: Mapping[str, tuple[str, ...]] = {"V": ("voltage_min_V", "voltage_max_V"), "A": ("current_max_A",)}


@dataclass(frozen=True, slots=True)
class LimitRow:
    """A limit, ready to be painted. ``used`` is how much of the way to it is gone, 0 to 1, NaN unknown."""

    name: str
    now: str
    limit: str
    layer: str
    used: float
    told: str
    tightest: bool = False


class LimitLines:
    """The limits of the channel that is shown. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._answer: LimitsNow | None = None
        self._asked: tuple[str, int, float] = ("", 0, -math.inf)
        self._outstanding = False
        self.channel = ""
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"channel"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def show(self, channel: str) -> None:
        """Show a channel."""
        if channel != self.channel:
            self.channel, self._answer, self.trouble, self._outstanding = channel, None, None, False
            self._asked = ("", 0, -math.inf)
            self.refresh()
            self._tell()

    def refresh(self) -> None:
        """Ask again where the step is another, or the answer is old; cheap to call at every tick."""
        status = self._lab.channels.get(self.channel)
        if status is None or self._outstanding or not self._lab.link.live:
            return
        run_id, step, asked_s = self._asked
        same = (run_id, step) == (status.run_id, status.step_number)
        if same and self._lab.now_s - asked_s < AGAIN_S:
            return
        self._asked, self._outstanding = (status.run_id, status.step_number, self._lab.now_s), True
        self._asks.ask("channels.limits", self.channel, then=partial(self._take, self.channel),
                       failed=partial(self._failed, self.channel))  # fmt: skip

    def _take(self, channel: str, answer: LimitsNow) -> None:
        if channel == self.channel:
            self._outstanding, self.trouble = False, None
            if answer != self._answer:
                self._answer = answer
                self._tell()

    def _failed(self, channel: str, trouble: Trouble) -> None:
        if channel == self.channel:
            self._outstanding, self.trouble = False, trouble
            self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        if ("channel", self.channel) in places:
            self.refresh()
            self._tell()

    @property
    def known(self) -> bool:
        """Tell whether the station has answered."""
        return self._answer is not None

    def rows(self) -> tuple[LimitRow, ...]:
        """Return the limits in the station's order; the one with the least room is marked."""
        if self._answer is None:
            return ()
        by_name = {limit.quantity: limit for limit in self._answer.limits}
        found = [self._row(limit, by_name) for limit in self._answer.limits]
        tightest = max((row.used for row in found if math.isfinite(row.used)), default=NAN)
        return tuple(
            LimitRow(row.name, row.now, row.limit, row.layer, row.used, row.told, row.used == tightest)
            for row in found
        )

    def _now(self, limit: LimitNow) -> float:
        """Return what is read now: the channel's newest value where it has one, else what the station said."""
        status = self._lab.channels.get(self.channel)
        if status is None:
            return limit.now
        newest = {"voltage_max_V": status.voltage_V, "voltage_min_V": status.voltage_V,
                  "current_max_A": abs(status.current_A), "step_time_max_s": status.step_time_s}  # fmt: skip
        value = newest.get(limit.quantity, limit.now)
        return value if math.isfinite(value) else limit.now

    def _row(self, limit: LimitNow, known: Mapping[str, LimitNow]) -> LimitRow:
        now = self._now(limit)
        other = known.get(limit.quantity.replace("max", "min") if not limit.is_lower else
                          limit.quantity.replace("min", "max"))  # fmt: skip
        span = abs(limit.limit - other.limit) if other is not None and other is not limit else NAN
        if span > 0 and other is not None:
            used = abs(now - other.limit) / span
        else:
            used = now / limit.limit if limit.limit and not limit.is_lower else NAN
        name = tr("limits", NAMES[limit.quantity]) if limit.quantity in NAMES else limit.quantity
        used = min(1.0, max(0.0, used)) if math.isfinite(used) else NAN
        return LimitRow(name, _text(now, limit.unit, clock=True), _text(limit.limit, limit.unit), limit.layer.value,
                        used, self._told(limit))  # fmt: skip

    @staticmethod
    def _told(limit: LimitNow) -> str:
        """Return all layers in one sentence, for the tooltip."""
        parts = []
        for layer in limit.layers:
            loosened = (
                tr("limits", " (loosened by {name})").format(name=layer.loosened_by)
                if layer.loosened_by
                else ""
            )
            parts.append(
                f"{layer.layer.value} {layer.name} {_text(layer.limit, limit.unit)}{loosened}".replace(
                    "  ", " "
                )
            )
        if math.isfinite(limit.warn):
            parts.append(tr("limits", "warns at {value}").format(value=_text(limit.warn, limit.unit)))
        return " · ".join(parts)

    def levels(self, unit: str) -> tuple[tuple[float, str], ...]:
        """Return where outputs go off, in V or A, each with its layer; a current limit lies on both sides of 0."""
        found = []
        for limit in () if self._answer is None else self._answer.limits:
            if limit.quantity in _LEVELS[unit]:
                found.append((limit.limit, limit.layer.value))
                if unit == "A":
                    found.append((-limit.limit, limit.layer.value))
        return tuple(found)


def _text(value: float, unit: str, *, clock: bool = False) -> str:
    if unit == "s":
        return clock_time(value) if clock else duration(value)
    return quantity(value, "°C" if unit == "degC" else unit)
