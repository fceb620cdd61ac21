"""Two hours of voltage for each tile, bounded: least and greatest value of 74 columns, fed by the news themselves."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place

SPAN_S = 7200.0
COLUMNS = 74
COLUMN_S = SPAN_S / COLUMNS
OUTSTANDING_MAX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Spark:
    """A sparkline: ``x`` in columns (0 to 74, now at the right), least and greatest value in V. Shape (n,) each."""

    x: NDArray[np.float64]
    low_V: NDArray[np.float64]
    high_V: NDArray[np.float64]


_NONE = Spark(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(slots=True)
class _Trail:
    """Columns of one run, by number of the column in the run's test time."""

    run_id: str
    columns: OrderedDict[int, list[float]] = field(default_factory=OrderedDict)
    newest: int = -1

    def add(self, time_s: float, low_V: float, high_V: float) -> None:
        if not (math.isfinite(low_V) and math.isfinite(high_V) and math.isfinite(time_s)):
            return
        column = int(time_s // COLUMN_S)
        found = self.columns.get(column)
        if found is None:
            self.columns[column] = [low_V, high_V]
            self.newest = max(self.newest, column)
            for old in [number for number in self.columns if number <= self.newest - COLUMNS - 1]:
                del self.columns[old]
        else:
            found[0], found[1] = min(found[0], low_V), max(found[1], high_V)


class Sparklines:
    """The sparklines of all channels. Memory: at most 75 columns a channel."""

    def __init__(self, lab: Lab, asks: Asks | None = None) -> None:
        self._lab = lab
        self._asks = asks
        self._trails: dict[str, _Trail] = {}
        self._asked: set[str] = set()
        self._wanted: dict[str, None] = {}
        self._outstanding = 0
        self._unwatch = lab.watch({"channel"}, self._changed)
        self._changed(frozenset(("channel", key) for key in lab.channels))

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def _changed(self, places: frozenset[Place]) -> None:
        for _, channel in places:
            status = self._lab.channels.get(channel)
            if status is None or not status.run_id:
                self._trails.pop(channel, None)
                continue
            trail = self._trails.get(channel)
            if trail is None or trail.run_id != status.run_id:
                trail = self._trails[channel] = _Trail(status.run_id)
            trail.add(status.test_time_s, status.voltage_V, status.voltage_V)

    def of(self, channel: str) -> Spark:
        """Return the sparkline of a channel; asks for what was before this window looked, once."""
        trail = self._trails.get(channel)
        if trail is None or not trail.columns:
            return _NONE
        if trail.run_id not in self._asked:
            self._wanted[trail.run_id] = None
            self._pump()
        numbers = sorted(trail.columns)
        values = np.array([trail.columns[number] for number in numbers])
        x = np.array(numbers, dtype=np.float64) - trail.newest + COLUMNS
        return Spark(x, values[:, 0], values[:, 1])

    def _pump(self) -> None:
        while (
            self._asks is not None
            and self._wanted
            and self._outstanding < OUTSTANDING_MAX
            and self._lab.link.live
        ):
            run_id = next(iter(self._wanted))
            del self._wanted[run_id]
            self._asked.add(run_id)
            trail = next((trail for trail in self._trails.values() if trail.run_id == run_id), None)
            if trail is None:
                continue
            end_s = (trail.newest + 1) * COLUMN_S
            self._outstanding += 1
            self._asks.ask(
                "runs.series",
                run_id,
                ["voltage_volt"],
                begin=max(0.0, end_s - SPAN_S),
                end=end_s,
                width=COLUMNS,
                then=partial(self._take, run_id),
                failed=self._failed,
            )

    def _take(self, run_id: str, answer: Any) -> None:
        """Take the series of the last two hours (an Arrow table, or columns)."""
        self._outstanding -= 1
        columns = columns_of(answer, SERIES_COLUMNS)
        for trail in self._trails.values():
            if trail.run_id == run_id and columns:
                for time_s, low_V, high_V in zip(*(columns[name] for name in SERIES_COLUMNS), strict=True):
                    trail.add(float(time_s), float(low_V), float(high_V))
        self._pump()

    def _failed(self, trouble: Trouble) -> None:
        self._outstanding -= 1
        self._pump()

    def forget(self, known: Collection[str]) -> None:
        """Forget runs that are in no channel any more."""
        self._asked &= set(known)


SERIES_COLUMNS = ("x_first", "voltage_volt_min", "voltage_volt_max")


def columns_of(answer: Any, names: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """Return columns of an Arrow table or a mapping as arrays; empty where one is missing."""
    if isinstance(answer, Mapping):
        if any(name not in answer for name in names):
            return {}
        return {name: np.asarray(answer[name], dtype=np.float64) for name in names}
    if any(name not in answer.column_names for name in names):
        return {}
    return {name: np.asarray(answer.column(name).to_numpy(), dtype=np.float64) for name in names}
