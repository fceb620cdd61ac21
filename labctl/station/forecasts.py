"""Keeps a finish-time forecast and the early warnings of every live run, fed by the rows that pass by.

A run that an earlier process began is fed its stored rows once, in the reader's thread, before its live ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
class _Live:
    forecaster: FinishForecaster
    warner: EarlyWarner
    sequence: int = 0
    made_s: float = -math.inf
    forecast: Forecast | None = None


class Forecasts:
    """The forecasts of the runs that go on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[str, _Live] = {}

    def begin(self, run_id: str, program: Program) -> None:
        """Begin to follow a run."""
        if run_id not in self._live:
            self._live[run_id] = _Live(FinishForecaster(program), EarlyWarner(program))

    def replay(self, run_id: str, program: Program, reader: RunReader) -> None:
        """Feed what is stored already, a file at a time; called before the run is taken up."""
        self.begin(run_id, program)
        for block in reader.blocks():
            self.feed(run_id, block)

    def feed(self, run_id: str, block: RecordBlock) -> list[Finding]:
        """Feed rows in order; returns early warnings. Rows that it has seen already are left out."""
        live = self._live.get(run_id)
        if live is None or not len(block):
            return []
        first, last = int(block["sequence"][0]), int(block["sequence"][-1])
        if last <= live.sequence:
            return []
        if first <= live.sequence:
            block = block.rows(live.sequence + 1 - first)
        live.sequence = last
        live.forecaster.feed(block)
        return live.warner.feed(block)

    def ends(self, run_id: str, test_time_s: float) -> Forecast | None:
        """Return when a run is expected to end, None where nobody can say."""
        live = self._live.get(run_id)
        if live is None:
            return None
        now_s = self._clock.link.now_s()
        if now_s - live.made_s < AGAIN_AFTER_S:
            return live.forecast
        live.made_s = now_s
        expected_s, low_s, high_s = live.forecaster.remaining_s(test_time_s)
        if not math.isfinite(expected_s):
            live.forecast = None
            return None
        now = self._clock.plant.utc()
        low_s, high_s = (value if math.isfinite(value) else expected_s for value in (low_s, high_s))
        end, low, high = (
            (now + timedelta(seconds=value)).isoformat(timespec="seconds")
            for value in (expected_s, low_s, high_s)
        )
        live.forecast = Forecast(end, low, high, live.forecaster.basis)
        return live.forecast

    def forget(self, run_id: str) -> None:
        """Follow a run no more."""
        self._live.pop(run_id, None)
