"""Figures of the cells in the channels that the station's news do not carry: capacity kept, efficiency, overpotential.

One question for all runs; from then on the station tells the newest cycle of each as it closes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.model.latest import LatestCycle

NAN = float("nan")
AGAIN_S = 60.0
"""Link seconds before runs of which the station knows nothing are asked for again."""


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
    specific = _closed(columns, "discharging_capacity_mah_per_g")
    return Figures(
        int(cycle[-1]),
        _last(_closed(columns, "discharging_capacity_ah")),
        _last(specific),
        next((value for value in specific if math.isfinite(value)), NAN),
        _last(_closed(columns, "retention")),
        _last(_closed(columns, "coulombic_efficiency")),
        _last(_closed(columns, "polarisation_volt")),
        _last(_closed(columns, "area_resistance_ohm_cm2")),
    )


def _column(columns: Mapping[str, Any], name: str) -> list[float]:
    try:
        found = columns[name]
    except KeyError:
        return []
    return [float(value) if value is not None else NAN for value in found]


def _closed(columns: Mapping[str, Any], name: str) -> list[float]:
    """Return a column with NaN for the cycle that still runs: its figures are not yet those of a cycle."""
    values, complete = _column(columns, name), _column(columns, "complete")
    if len(complete) != len(values):
        return values
    return [value if whole else NAN for value, whole in zip(values, complete, strict=True)]


def _last(values: list[float]) -> float:
    return next((value for value in reversed(values) if math.isfinite(value)), NAN)


def figures_from(latest: LatestCycle) -> Figures:
    """Return the figures of a run's newest complete cycle."""
    return Figures(
        latest.cycle, latest.discharging_capacity_Ah, latest.discharging_capacity_mAh_per_g,
        latest.first_discharging_capacity_mAh_per_g, latest.retention, latest.coulombic_efficiency,
        latest.polarisation_V, latest.area_resistance_ohm_cm2,
    )  # fmt: skip


class CellFigures:
    """The figures of the runs in the channels, kept current. ``watch`` tells for which channels they changed.

    One question for all of them; from then on the station tells each cycle that closes.
    """

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab = lab
        self._asks = asks
        self._of: dict[str, tuple[LatestCycle, Figures]] = {}
        self._wanted: set[str] = set()
        self._asking = False
        self._tried: list[str] = []
        self._tried_s = -math.inf
        self._watchers: list[Callable[[frozenset[str]], None]] = []
        self._unwatch = lab.watch({"channel", "cycle", "link"}, self._changed)

    def close(self) -> None:
        """Ask no more."""
        self._unwatch()

    def watch(self, observer: Callable[[frozenset[str]], None]) -> None:
        """Call ``observer`` with the channels whose figures have changed."""
        self._watchers.append(observer)

    def of(self, channel: str) -> Figures | None:
        """Return the figures of the run in a channel, None before they are known."""
        status = self._lab.channels.get(channel)
        latest = None if status is None else self._lab.latest.get(status.run_id)
        if latest is None:
            return None
        known = self._of.get(latest.run_id)
        if known is None or known[0] is not latest:
            known = self._of[str(latest.run_id)] = (latest, figures_from(latest))
        return known[1]

    def want(self, channels: Collection[str] | None = None) -> None:
        """Ask for what is missing: of some channels, or of all."""
        for channel in self._lab.channels if channels is None else channels:
            status = self._lab.channels.get(channel)
            if status is not None and status.run_id:
                self._wanted.add(status.run_id)
        self._ask()

    def _changed(self, places: frozenset[Place]) -> None:
        told = {key for topic, key in places if topic == "cycle"}
        if told:
            channels = frozenset(str(s.channel) for s in self._lab.channels.values() if s.run_id in told)
            for observer in tuple(self._watchers) if channels else ():
                observer(channels)
        if self._wanted:  # somebody has asked before: keep those current, and runs that have begun since
            known = {status.run_id for status in self._lab.channels.values() if status.run_id}
            for run_id in self._of.keys() - known:
                del self._of[run_id]
            self._wanted = known
            self._ask()

    def _ask(self) -> None:
        missing = sorted(self._wanted - self._lab.latest.keys())
        if not missing or self._asking or not self._lab.link.live:
            return
        if self._lab.now_s - self._tried_s < AGAIN_S and self._tried == missing:
            return  # the station knows nothing of them: it is not asked at each news
        self._asking, self._tried, self._tried_s = True, missing, self._lab.now_s
        self._asks.ask("runs.latest_cycles", missing, then=self._take, failed=self._failed, deadline_s=30.0)

    def _take(self, found: Sequence[LatestCycle]) -> None:
        self._asking = False
        self._lab.take_latest(found)

    def _failed(self, trouble: Trouble) -> None:
        self._asking = False
