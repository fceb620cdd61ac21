"""The newest cycle of every run, for tiles and filters: one question for all, then the feed as cycles close.

Nothing is read before somebody has asked; from then on a run's summary is read again soon after one of its cycles
closed, in the reading thread, and told as topic ``cycle``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from labctl.clock import Clock
from labctl.engine.jobs import Progress, RunResult
from labctl.errors import UserInputError
from labctl.model.cell import Cell
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.latest import NAN, LatestCycle
from labctl.model.plain import to_plain
from labctl.model.run import RunSummary
from labctl.station.corrected import corrected_cycles
from labctl.station.feed import Feed
from labctl.store.readers import Readers
from labctl.store.root import DataRoot
from labctl.worker import Worker

SOON_S = 3.0
"""Link seconds between a cycle's end and the look at its summary, which is written at most every two seconds."""
AT_ONCE = 16
"""Runs read before others may use the reading thread."""
TRIES = 3
"""Looks at a run whose summary does not have the closed cycle yet: the next one finds it."""


class Runs(Protocol):
    """What is asked of the runs."""

    def list(self) -> Sequence[RunSummary]: ...
    def get(self, run_id: str) -> RunSummary: ...


class LatestCycles:
    """The newest cycle of each run. ``serve`` keeps those of live runs current."""

    def __init__(self, root: DataRoot, clock: Clock, feed: Feed, runs: Runs, reader: Worker) -> None:
        self.cell_of: Callable[[str], Cell | None] = lambda cell_id: None
        """Returns a cell as it is registered now."""
        self._clock = clock
        self._feed = feed
        self._runs = runs
        self._reader = reader
        self._readers = Readers(root)
        self._known: dict[str, tuple[Cell | None, LatestCycle]] = {}
        self._cycle: dict[str, int] = {}
        self._in: dict[str, str] = {}  # channel -> the run of it that was told last
        self._stale: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._asked = False

    # -- what the engine says ---------------------------------------------------------------------------------------

    def run_progress(self, progress: Progress) -> None:
        """Take how a run stands; cheap, called at every poll."""
        if self._cycle.get(progress.run_id) == progress.cycle:
            return
        first = progress.run_id not in self._cycle
        self._cycle[progress.run_id] = progress.cycle
        if not first:
            self._look_again(progress.run_id)

    def run_ended(self, result: RunResult) -> None:
        """Take the end of a run: its last cycle is whole now, or never will be."""
        self._cycle.pop(result.run_id, None)
        self._look_again(result.run_id)

    def _look_again(self, run_id: str) -> None:
        if self._asked:
            self._stale[run_id] = TRIES
            self._wake.set()

    async def serve(self) -> None:
        """Read the summaries of runs whose cycles have closed and tell of them, until cancelled."""
        while True:
            await self._wake.wait()
            await self._clock.link.sleep(SOON_S)
            self._wake.clear()
            stale, self._stale = self._stale, {}
            before = {run_id: self._known.get(run_id) for run_id in stale}
            for found in await self._read(list(stale)):
                old = before.get(found.run_id)
                self._publish(found)
                if old is not None and old[1].cycle == found.cycle and stale[found.run_id] > 1:
                    self._stale.setdefault(found.run_id, stale[found.run_id] - 1)
                    self._wake.set()

    def _publish(self, found: LatestCycle) -> None:
        last = self._in.get(found.channel)
        if last is not None and last != found.run_id:
            if last > found.run_id:
                return  # an earlier run of the channel: its successor is what is shown
            self._feed.publish("cycle", last, None)
        self._in[found.channel] = found.run_id
        self._feed.publish("cycle", found.run_id, to_plain(found))

    # -- questions --------------------------------------------------------------------------------------------------

    async def latest(self, *, state: str = "", runs: Collection[str] = ()) -> tuple[LatestCycle, ...]:
        """Return the newest cycle of every run, of those of one state, or of those named; known ones at no cost.

        Raises: UserInputError for a run that there is not, StoreError.
        """
        self._asked = True
        chosen = [self._runs.get(run_id) for run_id in runs] or [
            run for run in self._runs.list() if state in ("", run.state)
        ]
        missing = [str(run.run_id) for run in chosen if self._is_old(run)]
        await self._read(missing)
        return tuple(self._known[run.run_id][1] for run in chosen if run.run_id in self._known)

    def _is_old(self, run: RunSummary) -> bool:
        """Tell whether a run must be read: never read, or its cell was corrected since."""
        known = self._known.get(run.run_id)
        return known is None or run.run_id in self._stale or known[0] != self.cell_of(run.cell_id)

    async def _read(self, run_ids: Sequence[str]) -> list[LatestCycle]:
        """Read the summaries of runs; one that cannot be read has no newest cycle and costs the others nothing."""
        found: list[LatestCycle] = []
        for first in range(0, len(run_ids), AT_ONCE):
            known = [self._run(run_id) for run_id in run_ids[first : first + AT_ONCE]]
            asked = [(run, self.cell_of(run.cell_id)) for run in known if run is not None]
            for cell, latest in await self._reader.call(self._of_runs, asked):
                self._known[latest.run_id] = (cell, latest)
                found.append(latest)
        return found

    def _run(self, run_id: str) -> RunSummary | None:
        try:
            return self._runs.get(run_id)
        except UserInputError:  # its folder could not be used when it ended
            return None

    def _of_runs(
        self, asked: Sequence[tuple[RunSummary, Cell | None]]
    ) -> list[tuple[Cell | None, LatestCycle]]:
        """Read some summaries. Runs in the reader."""
        return [(cell, self._of_run(run, cell)) for run, cell in asked]

    def _of_run(self, run: RunSummary, cell: Cell | None) -> LatestCycle:
        try:
            columns = corrected_cycles(self._readers.of(run.run_id), cell)
        except Exception:  # a damaged folder, however it breaks: the run's own page tells
            columns = {}
        return latest_of(run.run_id, run.channel, CellId(run.cell_id), columns)


def latest_of(
    run_id: RunId, channel: ChannelId, cell_id: CellId, columns: Mapping[str, NDArray[Any]]
) -> LatestCycle:
    """Return the newest complete cycle of a summary by column."""
    complete = columns.get("complete")
    places = [] if complete is None else [int(place) for place in complete.nonzero()[0]]
    if not places:
        return LatestCycle(run_id, channel, cell_id)
    last = places[-1]

    def value(name: str, place: int = last) -> float:
        column = columns.get(name)
        return NAN if column is None else float(column[place])

    def first(name: str) -> float:
        found = (value(name, place) for place in places)
        return next((item for item in found if math.isfinite(item)), NAN)

    means = value("charging_mean_voltage_volt"), value("discharging_mean_voltage_volt")
    return LatestCycle(
        run_id, channel, cell_id, int(value("cycle")),
        value("charging_capacity_ah"), value("discharging_capacity_ah"), first("discharging_capacity_ah"),
        value("discharging_capacity_mah_per_g"), first("discharging_capacity_mah_per_g"),
        value("discharging_capacity_mah_per_cm2"), value("coulombic_efficiency"), value("retention"),
        value("charging_end_voltage_volt"), value("discharging_end_voltage_volt"), (means[0] - means[1]) / 2.0,
        value("polarisation_volt"), value("area_resistance_ohm_cm2"),
    )  # fmt: skip
