"""Keeps a finish-time forecast and the early warnings of every live run, fed by the rows that pass by.

A run that an earlier process began is fed its stored rows once, in the reader's thread, before its live ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

from labctl.clock import Clock
from labctl.engine.machines.early import EarlyWarner
from labctl.engine.machines.findings import Finding
from labctl.engine.machines.forecast import FinishForecaster
from labctl.model.job import Forecast
from labctl.model.program import Program
from labctl.model.record import RecordBlock
from labctl.store.runreader import RunReader

AGAIN_AFTER_S = 2.0
"""Link seconds for which a forecast is shown again before it is made anew."""


@dataclass(slots=True)
class Learned:
    """What the rows of one run have taught; ``findings`` are the early warnings that nobody has taken yet."""

    forecaster: FinishForecaster
    warner: EarlyWarner
    sequence: int = 0
    findings: list[Finding] = field(default_factory=list)
    made_s: float = -math.inf
    made_plant_s: float = 0.0
    expected_s: float = math.nan
    forecast: Forecast | None = None

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Feed rows in order; returns early warnings. Rows that it has seen already are left out."""
        if not len(block):
            return []
        first, last = int(block["sequence"][0]), int(block["sequence"][-1])
        if last <= self.sequence:
            return []
        if first <= self.sequence:
            block = block.rows(self.sequence + 1 - first)
        self.sequence = last
        self.forecaster.feed(block)
        return self.warner.feed(block)


def learned(program: Program, reader: RunReader, so_far: Learned | None = None) -> Learned:
    """Feed what is stored of a run, a file at a time, behind what was fed ``so_far``; for the reader's thread."""
    taught = so_far or Learned(FinishForecaster(program), EarlyWarner(program))
    for block in reader.blocks(first=taught.sequence + 1):
        taught.findings += taught.feed(block)
    return taught


class Forecasts:
    """The forecasts of the runs that go on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[str, Learned] = {}

    def begin(self, run_id: str, program: Program) -> None:
        """Begin to follow a run."""
        if run_id not in self._live:
            self._live[run_id] = Learned(FinishForecaster(program), EarlyWarner(program))

    def take(self, run_id: str, taught: Learned) -> bool:
        """Go on with what was learned from the stored rows; False where more rows have passed by meanwhile."""
        live = self._live.get(run_id)
        if live is not None and live.sequence > taught.sequence:
            return False
        self._live[run_id] = taught
        return True

    def follows(self, run_id: str) -> bool:
        """Tell whether a run is followed."""
        return run_id in self._live

    def feed(self, run_id: str, block: RecordBlock) -> list[Finding]:
        """Feed rows in order; returns early warnings. Rows that it has seen already are left out."""
        live = self._live.get(run_id)
        return [] if live is None else live.feed(block)

    def left_s(self, run_id: str, test_time_s: float) -> float | None:
        """Return how many plant seconds a run is expected to go on, None where nobody can say."""
        live = self._made(run_id, test_time_s)
        if live is None or not math.isfinite(live.expected_s):
            return None
        return max(live.expected_s - (self._clock.plant.now_s() - live.made_plant_s), 0.0)

    def ends(self, run_id: str, test_time_s: float) -> Forecast | None:
        """Return when a run is expected to end, None where nobody can say."""
        live = self._made(run_id, test_time_s)
        return None if live is None else live.forecast

    def _made(self, run_id: str, test_time_s: float) -> Learned | None:
        """Make a run's forecast anew when it is due."""
        live = self._live.get(run_id)
        if live is None or self._clock.link.now_s() - live.made_s < AGAIN_AFTER_S:
            return live
        live.made_s, live.made_plant_s = self._clock.link.now_s(), self._clock.plant.now_s()
        live.expected_s, low_s, high_s = live.forecaster.remaining_s(test_time_s)
        if not math.isfinite(live.expected_s):
            live.forecast = None
            return live
        now = self._clock.plant.utc()
        low_s, high_s = (value if math.isfinite(value) else live.expected_s for value in (low_s, high_s))
        end, low, high = (
            (now + timedelta(seconds=value)).isoformat(timespec="seconds")
            for value in (live.expected_s, low_s, high_s)
        )
        live.forecast = Forecast(end, low, high, live.forecaster.basis)
        return live

    def forget(self, run_id: str) -> None:
        """Follow a run no more."""
        self._live.pop(run_id, None)
