"""A supervisor on a virtual bench in this process, in jump mode: start, steer and stop runs as the station does.

Each ``supervise`` is a process of its own on the bench that lives on::

    lab = SupervisedBench(small_bench({}, {}), tmp_path)

    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(3))))
        await lab.over(run_id)
        return run_id

    run_id = lab.supervise(story)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.findings import Finding
from labctl.engine.supervisor import Supervisor
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, LinkState
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.ids import RunId
from labctl.model.record import RecordBlock
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.testing.benchrun import VIRTUAL_FOLDER, BenchRun

T = TypeVar("T")


class Heard:
    """A listener that keeps everything, and lets a test wait for something."""

    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.found: list[tuple[str, Finding]] = []
        self.blocks: dict[str, list[RecordBlock]] = {}
        self.results: dict[str, RunResult] = {}
        self.links: list[InstrumentStatus] = []
        self.idle: dict[str, ChannelStatus] = {}
        self.rooms: dict[str, ChamberStatus] = {}
        self._changed = asyncio.Event()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def progress(self, progress: Progress) -> None:
        """Keep it."""
        self.told.append(progress)
        self._wake()

    def finding(self, run_id: str, channel: str, finding: Finding) -> None:
        """Keep it."""
        self.found.append((run_id, finding))
        self._wake()

    def rows(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Keep them."""
        self.blocks.setdefault(run_id, []).append(block)

    def ended(self, result: RunResult) -> None:
        """Keep it."""
        self.results[result.run_id] = result
        self._wake()

    def instrument(self, status: InstrumentStatus) -> None:
        """Keep it."""
        self.links.append(status)
        self._wake()

    def channels(self, statuses: Sequence[ChannelStatus]) -> None:
        """Keep them."""
        self.idle.update({status.channel: status for status in statuses})
        self._wake()

    def chamber(self, status: ChamberStatus) -> None:
        """Keep it."""
        self.rooms[status.name] = status
        self._wake()

    def potentiostat(self, status: PotentiostatStatus) -> None:
        """Ignore it."""

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Ignore it."""

    def spectrum(self, entry: SpectrumEntry) -> None:
        """Ignore it."""

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as a condition holds; looked at whenever something is heard."""
        while not condition():
            await self._changed.wait()


class SupervisedBench(BenchRun):
    """A bench run by supervisors. ``heard`` is what the present one has told."""

    heard: Heard
    make_heard: Callable[[], Heard] = Heard
    engine: Supervisor
    clock: Clock
    lock_folder: Path | None = None
    data: Path = VIRTUAL_FOLDER
    wrap_clock: Callable[[Clock], Clock] = staticmethod(lambda clock: clock)

    def root(self) -> DataRoot:
        """Return the data root."""
        return DataRoot(self.data, disk=self.disk)

    def supervise(self, story: Callable[[Supervisor], Coroutine[Any, Any, T]], *, ready: bool = True) -> T:
        """Tell a story to a supervisor that serves meanwhile; it is closed behind it. ``ready``: every link is live."""

        async def main(clock: Clock) -> T:
            clock = self.wrap_clock(clock)
            self.heard, self.clock = self.make_heard(), clock
            self.engine = Supervisor(
                self.station, self.root(), clock, self.heard, connect=self._connector(clock),
                keep_frames=self.keep_frames, lock_folder=self.lock_folder,
            )  # fmt: skip
            async with asyncio.TaskGroup() as group:
                group.create_task(self.engine.serve())
                try:
                    if ready:
                        await self.heard.until(self._is_live)
                    return await story(self.engine)
                finally:
                    self.engine.close()

        spec = ClockSpec(mode=ClockMode.JUMP, start_s=self.bench.now_s)
        return run_with_clock(spec, main, bench=self)

    def _is_live(self) -> bool:
        return all(status.link is LinkState.LIVE for status in self.engine.instruments())

    async def over(self, *run_ids: RunId) -> tuple[RunResult, ...]:
        """Wait until runs have ended or were left; return how."""
        await self.heard.until(lambda: all(run_id in self.heard.results for run_id in run_ids))
        return tuple(self.heard.results[run_id] for run_id in run_ids)

    async def rows_of(self, run_id: RunId, rows: int) -> None:
        """Wait until a run has so many rows."""
        await self.heard.until(lambda: self._progress(run_id).rows >= rows)

    async def phase(self, run_id: RunId, *phases: str) -> None:
        """Wait until a run is in one of some phases."""
        await self.heard.until(lambda: self._progress(run_id).phase.value in phases)

    def _progress(self, run_id: RunId) -> Progress:
        return next(item for item in reversed(self.heard.told) if item.run_id == run_id)

    def folder_of(self, run_id: RunId) -> RunReader:
        """Return the folder of a run."""
        return RunReader(self.root().run_folder(run_id), disk=self.disk)

    def events_of(self, run_id: RunId) -> list[str]:
        """Return the kinds of a run's stored events."""
        return [str(event["kind"]) for event in self.folder_of(run_id).events()]
