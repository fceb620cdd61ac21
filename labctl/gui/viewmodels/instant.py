"""The moment of an alarm or an event: the voltage some minutes around it, asked of the station once (U12).

Alarms tell the wall's time. On a virtual bench the rows have another one; so the run's own events are asked when its
finding was, and the mark stands where it happened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.pyramid import Envelope, no_columns
from labctl.gui.viewmodels.text import quantity
from labctl.gui.viewmodels.traces import envelope_of
from labctl.gui.viewmodels.words import mark, tr

COLUMN, AXIS = "voltage_volt", "unix_time_second"
WIDTH_PX = 1200
SPANS_S = (120.0, 600.0, 3600.0, 6 * 3600.0)
"""How far before and behind the moment is drawn."""
SPAN_WORDS = {
    120.0: mark("alarms", "± 2 min"), 600.0: mark("alarms", "± 10 min"), 3600.0: mark("alarms", "± 1 h"),
    21_600.0: mark("alarms", "± 6 h"),
}  # fmt: skip
FEW = 8
"""With fewer points than this the next longer span is tried: slow records show no curve in two minutes."""


@dataclass(frozen=True, slots=True)
class Instant:
    """What is looked at. ``utc`` is ISO text; ``text`` is what was said of it."""

    key: str
    channel: str
    cell: str
    run_id: str
    utc: str
    text: str


class Picture:
    """Columns that were asked for once, as a trace of a plot."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope

    def columns(self, begin: float, end: float, width_px: int) -> Envelope:
        """Return all there are: they were thinned for this plot."""
        return self.envelope


class InstantModel:
    """The curve around an instant. ``watch`` tells when there is something else to draw."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab = lab
        self._asks = asks
        self._watchers: list[Callable[[], None]] = []
        self._number = 0
        self._chosen_span = False
        self.instant: Instant | None = None
        self.half_s = SPANS_S[0]
        self.when_s = math.nan
        self.picture = Picture(no_columns())
        self.waiting = False
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when an answer has come."""
        self._watchers.append(observer)

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- choosing ---------------------------------------------------------------------------------------------------

    def show_alarm(self, key: str) -> None:
        """Look at an alarm's moment."""
        alarm = self._lab.alarms.get(key)
        if alarm is None:
            self.show(None)
            return
        status = self._lab.channels.get(alarm.channel)
        run_id = alarm.run_id or ("" if status is None else status.run_id)
        self.show(Instant(key, alarm.channel, alarm.cell, run_id, alarm.since_utc, alarm.text))

    def show(self, instant: Instant | None) -> None:
        """Look at an instant; the same one again asks nothing."""
        if instant == self.instant:
            return
        self.instant, self.when_s, self.trouble = instant, math.nan, None
        self.picture, self.waiting = Picture(no_columns()), False
        self._number += 1
        if not self._chosen_span:
            self.half_s = SPANS_S[0]
        if instant is not None and instant.run_id:
            self._find(instant)
        self._tell()

    def set_span(self, half_s: float) -> None:
        """Draw so much before and behind the moment, from now on."""
        self._chosen_span, self.half_s = True, half_s
        if self.instant is not None and math.isfinite(self.when_s):
            self._number += 1
            self._ask_curve()
        self._tell()

    def label(self, channel: str) -> str:
        """Return a channel as people of this bench say it."""
        return cabinet(self._lab.channels).label(channel) if channel else ""

    def words(self) -> str:
        """Return what is said where no curve can be drawn; empty where one is."""
        instant = self.instant
        if instant is None:
            return tr("alarms", "Choose an alarm or an event to see the voltage around it.")
        if not instant.channel:
            return tr("alarms", "This is of no channel, so there is no curve.")
        if not instant.run_id:
            return tr("alarms", "Nothing ran on {name} then.").format(name=self.label(instant.channel))
        if self.trouble is not None:
            return str(self.trouble)
        if self.waiting:
            return tr("alarms", "The station is asked for the rows.")
        if not len(self.picture.envelope):
            return tr("alarms", "There are no rows around that moment.")
        return ""

    def value_text(self) -> str:
        """Return the voltage at the moment: that of the last row before it."""
        envelope = self.picture.envelope
        at = int(np.searchsorted(envelope.x, self.when_s, side="right")) - 1 if len(envelope) else -1
        return quantity(float(envelope.last[at]), "V") if at >= 0 and np.isfinite(envelope.last[at]) else ""

    def utc_text(self) -> str:
        """Return the moment as ISO text, in the time of the rows where that is known."""
        if math.isfinite(self.when_s):
            return datetime.fromtimestamp(self.when_s, UTC).isoformat(timespec="milliseconds")
        return "" if self.instant is None else self.instant.utc

    # -- asking -----------------------------------------------------------------------------------------------------

    def _find(self, instant: Instant) -> None:
        """Find out when it was, in the time of the rows."""
        told = next(
            (event.utc for event in reversed(self._lab.events)
             if event.run_id == instant.run_id and event.text == instant.text and event.kind != "act"), "",
        )  # fmt: skip
        self.waiting = True
        if told or not instant.key:
            self._set_when(told or instant.utc)
            return
        number = self._number
        self._asks.ask("runs.events", instant.run_id, then=lambda lines: self._take_events(number, lines),
                       failed=lambda trouble: self._failed(number, trouble))  # fmt: skip

    def _set_when(self, utc: str) -> None:
        when = utc_of(utc)
        self.when_s = math.nan if when is None else when.timestamp()
        self._ask_curve()

    def _take_events(self, number: int, lines: Sequence[Any]) -> None:
        """Take what the run's own file says: its times are those of its rows."""
        instant = self.instant
        if number != self._number or instant is None:
            return
        told = [str(line.get("utc") or "") for line in lines if line.get("text") == instant.text]
        self._set_when(told[-1] if told else instant.utc)

    def _ask_curve(self) -> None:
        instant, number = self.instant, self._number
        if instant is None or not math.isfinite(self.when_s):
            self.waiting = False
            return
        self.waiting = True
        self._asks.ask("runs.series", instant.run_id, [COLUMN], x=AXIS, begin=self.when_s - self.half_s,
                       end=self.when_s + self.half_s, width=WIDTH_PX,
                       then=lambda answer: self._take_curve(number, answer),
                       failed=lambda trouble: self._failed(number, trouble))  # fmt: skip

    def _take_curve(self, number: int, answer: Any) -> None:
        if number != self._number:
            return
        envelope, _ = envelope_of(answer, COLUMN)
        self.picture, self.waiting, self.trouble = Picture(envelope), False, None
        longer = next((span for span in SPANS_S if span > self.half_s), None)
        if len(envelope) < FEW and longer is not None and not self._chosen_span:
            self.half_s = longer
            self._ask_curve()
        self._tell()

    def _failed(self, number: int, trouble: Trouble) -> None:
        if number == self._number:
            self.waiting, self.trouble = False, trouble
            self._tell()
