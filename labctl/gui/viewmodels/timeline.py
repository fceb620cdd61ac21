"""One run over time: its curve, the window that is looked at, the lines and bands that belong to it. No Qt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks
from labctl.gui.viewmodels.allowed import runs_now
from labctl.gui.viewmodels.channel import ChannelModel
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.limitlines import LimitLines
from labctl.gui.viewmodels.plotchoice import Axis, Chosen, PlotChoice, Tab
from labctl.gui.viewmodels.predicted import Prediction
from labctl.gui.viewmodels.programlines import end_levels, greatest_current_A
from labctl.gui.viewmodels.runcycles import LAST_CYCLES, OPENING_S, AlongCycles, CycleTable, RunCycles
from labctl.gui.viewmodels.text import duration, quantity, shown
from labctl.gui.viewmodels.tiles import is_symmetric
from labctl.gui.viewmodels.traces import RunTrace
from labctl.gui.viewmodels.units import units
from labctl.gui.viewmodels.windowrows import WindowRows
from labctl.gui.viewmodels.words import tr

Floats = NDArray[np.float64]
NEAR_SHARE = 0.25
"""A limit is fitted into the plot when it is no further away than this share of what is drawn."""
BAND_BOXES_MAX = 400
FOLLOW_ROOM = 1.08


@dataclass(frozen=True, slots=True)
class Line:
    """A level in the plot: a trip limit, or where steps end."""

    value: float
    text: str
    trip: bool
    fit: bool


class Timeline:
    """What V-t and I-t show of the channel's run. ``watch`` tells of changes, ``watch_rows`` of more rows alone."""

    def __init__(
        self, lab: Lab, asks: Asks, channel: ChannelModel, cycles: RunCycles, choice: PlotChoice,
        prediction: Prediction, limits: LimitLines,
    ) -> None:  # fmt: skip
        self._lab, self._asks = lab, asks
        self._channel, self._cycles, self._choice, self._prediction = channel, cycles, choice, prediction
        self._limits = limits
        self._rows = WindowRows(lab, asks)
        self._traces: dict[str, RunTrace] = {}
        self._watchers: list[Callable[[], None]] = []
        self._row_watchers: list[Callable[[], None]] = []
        self._window_s = (0.0, 0.0)
        self._run_id = ""
        self.version = 0
        """Changes where places on the axis mean something else (another table of cycles on an axis of cycles)."""
        cycles.watch(self._cycles_changed)
        choice.watch(self._chosen)
        self._rows.watch(self._tell)
        prediction.watch(self._tell)
        limits.watch(self._limits_changed)
        self._levels: tuple[object, ...] = ()

    def close(self) -> None:
        """Watch no more."""
        self._rows.close()
        self._forget()

    def _forget(self) -> None:
        for trace in self._traces.values():
            trace.close()
        self._traces.clear()

    def watch(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` after each change."""
        self._watchers.append(observer)

    def watch_rows(self, observer: Callable[[], None]) -> None:
        """Call ``observer`` when the curve has more to draw."""
        self._row_watchers.append(observer)

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _tell_rows(self) -> None:
        for observer in tuple(self._row_watchers):
            observer()

    def _chosen(self, before: Chosen) -> None:
        if before != self._choice.now:
            self._tell()

    def _cycles_changed(self) -> None:
        if not self.timed:
            self.version += 1
        self._tell()

    def _limits_changed(self) -> None:
        levels = (self._limits.levels("V"), self._limits.levels("A"))
        if levels != self._levels:
            self._levels = levels
            self._tell()

    def show(self, run_id: str) -> None:
        """Show a run; empty = none."""
        if run_id == self._run_id:
            return
        self._forget()
        self._run_id = run_id
        self._rows.show(run_id)
        self.version += 1
        self._tell()

    def refresh(self) -> None:
        """Tell that the program or the cell is known now: its lines and units."""
        self._tell()

    # -- what it is -------------------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """Return the run that is shown."""
        return self._run_id

    @property
    def quantity(self) -> str:
        """Return the column that is drawn."""
        return "current_ampere" if self._choice.now.tab is Tab.CURRENT else "voltage_volt"

    @property
    def base_unit(self) -> str:
        """Return V or A."""
        return "A" if self.quantity == "current_ampere" else "V"

    @property
    def axis(self) -> Axis:
        """Return what stands on x: time or cycle."""
        return self._choice.now.axis if self._choice.now.axis is Axis.CYCLE else Axis.TIME

    @property
    def timed(self) -> bool:
        """Tell whether x is test time in s."""
        return self.axis is Axis.TIME or self._choice.now.tab not in (Tab.VOLTAGE, Tab.CURRENT)

    @property
    def unit(self) -> tuple[str, float]:
        """Return the unit of y and what a number of the data is multiplied by."""
        status = self._channel.status
        if self.base_unit == "V":
            symmetric = status is not None and is_symmetric(self._lab, status)
            return ("mV", 1e3) if symmetric else ("V", 1.0)
        most = greatest_current_A(self._channel.program)  # 0 before the program is known
        scale = units.scale("A", shown(most, "A").unit if most > 0 else "mA")
        return scale.name, scale.factor

    @property
    def live(self) -> bool:
        """Tell whether rows still come."""
        status = self._channel.status
        return status is not None and status.run_id == self._run_id and runs_now(status)

    @property
    def cycles_followed(self) -> int:
        """Return how many cycles the window of following shows, 0 before the first has closed."""
        return min(LAST_CYCLES, len(self._cycles.table))

    def _newest_s(self) -> float:
        status = self._channel.status
        known = status.test_time_s if status is not None and status.run_id == self._run_id else 0.0
        return max(known, self._cycles.table.newest_end_s())

    def live_span(self) -> float:
        """Return how much is shown while following, in units of the axis."""
        if not self.timed:
            return float(max(1, self.cycles_followed))
        span_s = self._cycles.table.span_s() * FOLLOW_ROOM
        newest_s = self._newest_s()
        if not len(self._cycles.table) and newest_s > 0:
            span_s = max(600.0, min(OPENING_S, newest_s * 1.1))
        return span_s

    def live_window(self) -> tuple[float, float]:
        """Return the window of following, before the newest row is known."""
        span, newest = self.live_span(), self.place(self._newest_s())
        return newest - 0.9 * span, newest + 0.1 * span

    def whole(self) -> tuple[float, float]:
        """Return the whole run on the axis: what the strip shows."""
        begin = self.place(0.0)
        return begin, max(self.place(self._newest_s()), begin + (1.0 if not self.timed else 60.0))

    def place(self, time_s: float) -> float:
        """Return where a moment of test time lies on the axis."""
        return time_s if self.timed else float(self._cycles.table.along(np.array([time_s]))[0])

    # -- curves -----------------------------------------------------------------------------------------------------

    def _trace(self, column: str) -> RunTrace:
        found = self._traces.get(column)
        if found is None:
            found = self._traces[column] = RunTrace(self._lab, self._asks, self._run_id, column)
            found.watch(self._tell_rows)
        return found

    def trace(self) -> Any:
        """Return the curve on the chosen axis."""
        if not self._run_id:
            return NoTrace()
        found = self._trace(self.quantity)
        return found if self.timed else AlongCycles(found, self._cycles.table)

    def strip_trace(self) -> Any:
        """Return the curve of the strip: the same quantity."""
        return self.trace()

    def strip_title(self) -> str:
        """Return the words above the strip."""
        newest_s = self._newest_s()
        return tr("channel", "whole run, {time}").format(time=duration(newest_s)) if newest_s > 0 else ""

    def strip_note(self) -> str:
        """Return from when to when the run lies; on a virtual bench in its own time."""
        started = "" if self._channel.detail is None else self._channel.detail.summary.started_utc
        begin, status = utc_of(started), self._channel.status
        end = None if status is None else utc_of(status.seen_utc)
        if begin is None or end is None:
            return ""
        return f"{begin.astimezone():%Y-%m-%d} → {end.astimezone():%Y-%m-%d}"

    def predicted(self) -> tuple[Floats, Floats] | None:
        """Return the predicted curve on the chosen axis; None where there is none, or nobody wants it."""
        if not self._choice.now.predicted or self.base_unit != "V" or self._choice.now.tab is not Tab.VOLTAGE:
            return None
        found = self._prediction.aligned(self._cycles.table)
        if found is None or not len(found[0]):
            return None
        return found if self.timed else (self._cycles.table.along(found[0]), found[1])

    def cycle_ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return begin and end of each cycle on the axis and the voltages between which it lies; empty for currents."""
        table = self._cycles.table if self.base_unit == "V" else CycleTable()
        low = np.fmin(table.charge_end_V, table.discharge_end_V)
        high = np.fmax(table.charge_end_V, table.discharge_end_V)
        if self.timed:
            return table.start_s, table.end_s, low, high
        return table.along(table.start_s), table.along(table.end_s), low, high

    def lines(self) -> tuple[Line, ...]:
        """Return where steps end and where outputs go off."""
        low, high = self._drawn_range()
        near = NEAR_SHARE * (high - low)
        found = []
        for value in end_levels(self._channel.program, self.base_unit):
            found.append(Line(value, "", False, low - near <= value <= high + near))
        for value, layer in self._limits.levels(self.base_unit):
            text = tr("channel", "trip {value} ({layer})").format(value=quantity(value, self.base_unit, digits=3),
                                                                    layer=layer)  # fmt: skip
            found.append(Line(value, text, True, low - near <= value <= high + near))
        return tuple(found)

    def _drawn_range(self) -> tuple[float, float]:
        ends = end_levels(self._channel.program, self.base_unit)
        table = self._cycles.table if self.base_unit == "V" else CycleTable()
        known = np.concatenate((np.array(ends), table.charge_end_V[-3:], table.discharge_end_V[-3:]))
        known = known[np.isfinite(known)]
        return (float(known.min()), float(known.max())) if len(known) else (math.nan, math.nan)

    # -- what lies in the window ------------------------------------------------------------------------------------

    def look_at(self, begin: float, end: float) -> None:
        """Say which window is looked at (units of the axis): its rows are asked for where they are few."""
        if not self._run_id:
            return
        if not self.timed:
            begin, end = self._cycles.table.time_at(begin), self._cycles.table.time_at(end)
        self._window_s = (begin, end)
        status = self._channel.status
        newest = 0 if status is None else status.rows
        self._rows.want(*self._cycles.table.rows_between(begin, end, newest, self._newest_s()))
        self._tell()

    @property
    def banded(self) -> bool:
        """Tell whether room for the step band is kept: always over time, so that nothing jumps."""
        return bool(self._run_id)

    def band(self) -> tuple[tuple[float, float, str, str, str], ...]:
        """Return the steps in the window: begin, end on the axis, glyph, word, token; none where they are too many."""
        spans = self._rows.spans()
        if len(spans) > BAND_BOXES_MAX:
            return ()
        return tuple(
            (self.place(span.begin_s), self.place(span.end_s), span.glyph, span.word, span.token)
            for span in spans
        )

    def bad(self) -> tuple[Floats, Floats]:
        """Return the BAD readings in the window, on the axis."""
        time_s, values = self._rows.bad(self.quantity)
        return (time_s if self.timed else self._cycles.table.along(time_s)), values


class NoTrace:
    """The curve of no run."""

    def columns(self, begin: float, end: float, width_px: int) -> Any:
        """Return no columns."""
        from labctl.gui.viewmodels.pyramid import no_columns

        return no_columns()
