"""Figures of the cells in the channels that the station's news do not carry: capacity kept, efficiency, overpotential.

They come from the cycle summary of each run, asked for when a cycle has closed; few questions at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place

NAN = float("nan")
OUTSTANDING_MAX = 4
AGAIN_S = 60.0
"""Link seconds before a run's figures are asked for again at the earliest: a fast virtual bench closes many cycles."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run's cycles say. Fractions, volts, Ah and mAh/g; NaN where the run does not say."""

    cycles: int = 0
    capacity_Ah: float = NAN
    capacity_mAh_per_g: float = NAN
    first_mAh_per_g: float = NAN
    retention: float = NAN
    efficiency: float = NAN
    overpotential_V: float = NAN
    area_resistance_ohm_cm2: float = NAN


def figures_of(columns: Mapping[str, Any]) -> Figures:
    """Return the figures of a cycle summary (columns, or a frame): the newest complete cycle of each kind."""
    cycle = _column(columns, "cycle")
    if not cycle:
        return Figures()
    specific = _column(columns, "discharging_capacity_mah_per_g")
    return Figures(
        int(cycle[-1]),
        _last(_column(columns, "discharging_capacity_ah")),
        _last(specific),
        next((value for value in specific if math.isfinite(value)), NAN),
        _last(_column(columns, "retention")),
        _last(_column(columns, "coulombic_efficiency")),
        _last(_column(columns, "polarisation_volt")),
        _last(_column(columns, "area_resistance_ohm_cm2")),
    )


def _column(columns: Mapping[str, Any], name: str) -> list[float]:
    try:
        found = columns[name]
    except KeyError:
        return []
    return [float(value) if value is not None else NAN for value in found]


def _last(values: list[float]) -> float:
    return next((value for value in reversed(values) if math.isfinite(value)), NAN)


class CellFigures:
    """The figures of the runs in the channels, kept current. ``watch`` tells for which channels they changed."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab = lab
        self._asks = asks
        self._of: dict[str, Figures] = {}
        self._asked: dict[str, tuple[int, float]] = {}
        self._wanted: dict[str, None] = {}
        self._outstanding = 0
        self._watchers: list[Callable[[frozenset[str]], None]] = []
        self._unwatch = lab.watch({"channel"}, self._changed)

    def close(self) -> None:
        """Ask no more."""
        self._unwatch()

    def watch(self, observer: Callable[[frozenset[str]], None]) -> None:
        """Call ``observer`` with the channels whose figures have changed."""
        self._watchers.append(observer)

    def of(self, channel: str) -> Figures | None:
        """Return the figures of the run in a channel, None before they are known."""
        status = self._lab.channels.get(channel)
        return None if status is None else self._of.get(status.run_id)

    def want(self, channels: Collection[str] | None = None) -> None:
        """Ask for what is missing or has grown: of some channels, or of all."""
        for channel in self._lab.channels if channels is None else channels:
            status = self._lab.channels.get(channel)
            if status is None or not status.run_id:
                continue
            cycle, asked_s = self._asked.get(status.run_id, (-1, -math.inf))
            grown = cycle < 0 or status.cycle > max(cycle, 1)
            if grown and self._lab.now_s - asked_s >= AGAIN_S:
                self._wanted[status.run_id] = None
        self._pump()

    def _changed(self, places: frozenset[Place]) -> None:
        known = {status.run_id for status in self._lab.channels.values()}
        for run_id in [name for name in self._of if name not in known]:
            del self._of[run_id]
            self._asked.pop(run_id, None)
        if self._asked:  # somebody has asked before: keep those current
            self.want([key for _, key in places if self.of(key) is not None])

    def _pump(self) -> None:
        while self._wanted and self._outstanding < OUTSTANDING_MAX and self._lab.link.live:
            run_id = next(iter(self._wanted))
            del self._wanted[run_id]
            cycle = max((s.cycle for s in self._lab.channels.values() if s.run_id == run_id), default=0)
            self._asked[run_id] = (cycle, self._lab.now_s)
            self._outstanding += 1
            self._asks.ask("runs.cycles", run_id, then=partial(self._take, run_id), failed=self._failed)

    def _take(self, run_id: str, answer: Mapping[str, Any]) -> None:
        self._outstanding -= 1
        found = figures_of(answer)
        if self._of.get(run_id) != found:
            self._of[run_id] = found
            channels = frozenset(str(s.channel) for s in self._lab.channels.values() if s.run_id == run_id)
            for observer in tuple(self._watchers):
                observer(channels)
        self._pump()

    def _failed(self, trouble: Trouble) -> None:
        self._outstanding -= 1
        self._pump()
