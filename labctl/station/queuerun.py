"""The queue at work: hears the engine, decides, starts. One task looks, one short task carries out each start.

A start is written down before the engine is asked; whatever happens in between, it is never asked twice (I09).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from typing import Any, Protocol

from labctl.clock import Clock, ClockMode
from labctl.engine.jobs import Job as EngineJob
from labctl.engine.jobs import Progress, RunResult
from labctl.engine.machines.checks import as_it_is_now
from labctl.engine.machines.dispatch import Start, decide
from labctl.engine.machines.queue import Entry, Kind
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, LabctlError, StoreError
from labctl.model.cell import Cell, CellEvent, HistoryKind
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import JobId, JobState
from labctl.model.person import Actor, Role
from labctl.station.feed import Feed
from labctl.station.planning import OUTLIER, Planner
from labctl.station.queuealarms import QueueAlarms
from labctl.station.queuebook import MARK, QueueBook
from labctl.station.queueshow import QueueShow
from labctl.station.queueview import BenchView, Engine

logger = logging.getLogger(__name__)

AGAIN_S = 10.0
"""Link seconds before the queue is tried again when its ledger could not be written."""
PAUSE_S = 60.0
"""Plant seconds before a start is tried again that failed for something that passes: a full disk, a lost link."""
LOOK_REAL_S = 60.0
"""On hardware the queue looks at the wall clock this often: someone may set it (F15)."""
LONG_LOOK_S, REST_PER_LOOK, REST_MAX_S = 0.02, 8.0, 2.0
"""Behind a look of so many link seconds the queue rests for so many times as long: it takes a ninth of the loop."""
EARLY_MAX = 1_000
"""Results kept of runs that ended before the queue was told their names (I14)."""
SIGNS = {
    "channel": ("state", "cell_id", "ready", "tripped", "run_id"),
    "instrument": ("link",),
    "chamber": ("state", "text"),
}
"""What of a channel, an instrument or a chamber matters to the queue."""

_STATE_OF_PHASE = {
    "prepared": JobState.STARTING,
    "waiting": JobState.STARTING,
    "starting": JobState.STARTING,
    "paused": JobState.PAUSED,
}


class Loads(Protocol):
    """What a start asks of the registry."""

    def history(self, cell_id: CellId) -> Sequence[CellEvent]: ...

    async def load(self, actor: Actor, channel: ChannelId, cell_id: CellId, reason: str = "") -> object: ...


class QueueRunner:
    """Starts what may start and keeps up with what runs. ``lock`` is held around everything that writes the book."""

    def __init__(
        self,
        book: QueueBook,
        bench: BenchView,
        show: QueueShow,
        planner: Planner,
        engine: Engine,
        registry: Loads,
        feed: Feed,
        clock: Clock,
        alarms: QueueAlarms,
    ) -> None:
        self.lock = asyncio.Lock()
        self.wake = Wake()
        self.stopped = ""
        """Why nothing is started at the moment: *Stop all outputs*."""
        self.trouble = ""
        """Why the ledger cannot be written; nothing is started then."""
        self._book = book
        self._bench = bench
        self._show = show
        self._planner = planner
        self._engine = engine
        self._registry = registry
        self._feed = feed
        self._clock = clock
        self._alarms = alarms
        self._phases: dict[RunId, JobState] = {}
        self._told: dict[RunId, JobState] = {}  # what the book has heard of them
        self._early: dict[RunId, RunResult] = {}

    async def serve(self) -> None:
        """Start what may start, for ever; cancelled at the end. Runs that were started go on without us."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            while True:
                self.wake.clear()
                began_s = self._clock.link.now_s()
                next_s = await self._look(group)
                await self._breathe(self._clock.link.now_s() - began_s)
                await until_or_event(self._rest(next_s), self.wake)

    async def _breathe(self, looked_s: float) -> None:
        """Let the others work after a long look: each of a thousand starts asks for a look at a thousand jobs.

        The plant stands still meanwhile, as it does during the look; where time jumps a look takes none.
        """
        if looked_s >= LONG_LOOK_S:
            with self._clock.busy():
                await self._clock.link.sleep(min(REST_PER_LOOK * looked_s, REST_MAX_S))

    async def _rest(self, next_s: float) -> None:
        """Wait for a plant moment; on hardware not longer than until the wall clock is worth another look."""
        plant = self._clock.plant
        if self.trouble:
            await self._clock.link.sleep(AGAIN_S)
        elif self._clock.mode is ClockMode.REAL:
            await plant.sleep(min(max(next_s - plant.now_s(), 0.0), LOOK_REAL_S))
        elif math.isfinite(next_s):
            await plant.sleep_until(next_s)
        else:
            await asyncio.Event().wait()

    async def _watch(self) -> None:
        """Look at the queue when a channel, its cell, an instrument or a chamber has changed in what matters here."""
        number, known = self._feed.number, dict[tuple[str, str], tuple[Any, ...]]()
        while True:
            await self._feed.wait(number)
            deltas = self._feed.since(number)
            number = self._feed.number
            changed = deltas is None
            for delta in deltas or ():
                signs = SIGNS.get(delta.topic)
                if signs is not None and delta.data is not None:
                    data = delta.data
                    sign = tuple(data.get(name) for name in signs)
                    changed |= known.get((delta.topic, delta.key)) != sign
                    known[delta.topic, delta.key] = sign
            if changed:
                self.wake.set()

    # -- deciding ---------------------------------------------------------------------------------------------------

    async def _look(self, group: asyncio.TaskGroup) -> float:
        """Write what was heard, start what may start; return the next plant moment worth a look."""
        next_s = math.inf
        try:
            async with self.lock:
                changed = self._book.behind
                await self._book.settle()
                self._hear_early()
                world = await self._bench.world(self._book.state, self.stopped)
                decision = decide(self._book.state, world)
                if decision.starts:
                    await self._book.write(
                        *(
                            self._book.line(Kind.START, job=start.job_id, channel=start.channel)
                            for start in decision.starts
                        )
                    )
                for start in decision.starts:
                    group.create_task(self._carry_out(start))
                self._show.waits, next_s = decision.waits, decision.next_s
                if changed or decision.starts:
                    self._show.hurry()
            self.trouble = ""
        except StoreError as error:
            self.trouble = f"the queue's ledger cannot be written: {error}"
        except Exception as error:  # a broken invariant or a bug: nothing is started, runs go on (P7)
            logger.exception("queue stands still")
            self.trouble = f"the queue stands still: {type(error).__name__}: {error}"
        self._alarms.look(self._book.state, self._clock.plant.utc().timestamp(), self.trouble)
        await self._show.foresee()
        self._show.publish()
        state = self._book.state
        if state.active() or (state.order and self._clock.mode is not ClockMode.LOCKSTEP):
            return min(next_s, self._show.due_s)
        return next_s  # in lockstep time stands still where nothing runs: expected times stay as they are

    async def _carry_out(self, start: Start) -> None:
        """Ask the engine for one start that is written down; write what came of it."""
        entry = self._book.state.entries[start.job_id]
        try:
            run_id = await self._started(entry, start)
        except Exception as error:
            if not isinstance(error, LabctlError):  # a bug of ours: the lane stops, the others go on
                logger.exception("job=%s channel=%s start failed", start.job_id, start.channel)
            found = await self._left_behind(entry)
            if not found:
                self._not_started(start, error)
                return
            for line in found:  # it has begun, or its folder says that it never will
                self._book.hear(line)
            self.wake.set()
            run_id = RunId(found[0]["run"])
        else:
            self._hear(Kind.STARTED, job=start.job_id, run=run_id)
        early = self._early.pop(run_id, None)
        if early is not None:
            self._hear_end(start.job_id, early)
        elif run_id in self._phases:
            self._hear_phase(start.job_id, run_id, self._phases[run_id])

    async def _started(self, entry: Entry, start: Start) -> RunId:
        """Bind the protocol anew to the cell as it is registered now, and ask the engine. Raises: LabctlError."""
        job, spec = entry.job, entry.job.spec
        if start.load:
            by = Actor(job.submitted_by, Role.OPERATE, "queue")
            await self._registry.load(by, start.channel, spec.cell_id, f"{job.job_id} names this channel")
        text = self._book.state.texts[entry.text]
        program, cell = self._planner.program(spec, text, start.channel)
        overrides = {item: reason for item, reason in spec.overrides.items() if item != OUTLIER}
        wish = EngineJob(
            program, as_it_is_now(cell, has_run=self._has_run(cell)), protocol_text=text,
            operator=job.submitted_by, overrides=overrides, marks={MARK: job.job_id},
        )  # fmt: skip
        if self.stopped:
            raise _StoppedMeanwhile(self.stopped)
        return await self._engine.start(wish)

    def _has_run(self, cell: Cell) -> bool:
        return any(event.kind is HistoryKind.RUN for event in self._registry.history(cell.cell_id))

    async def _left_behind(self, entry: Entry) -> list[dict[str, Any]]:
        """Return what a failed start has left all the same, as lines; nothing also where the disk cannot tell.

        A folder that the disk does not show now is found when the station starts again, where it counts: the engine has
        refused, so it sends nothing for it.
        """
        try:
            return await self._book.left_behind(entry)
        except (StoreError, OSError) as error:
            logger.warning("job=%s its run folders cannot be read: %s", entry.job.job_id, error)
            return []

    def _not_started(self, start: Start, error: Exception) -> None:
        """Write down a start of which nothing was sent: it waits again where the reason will pass by itself."""
        told = {"job": start.job_id, "reason": str(error)}
        passes = isinstance(error, StoreError | InstrumentError | _StoppedMeanwhile)
        if passes or self._bench.why_not(self._book.state, start.channel):
            self._hear(Kind.NOT_STARTED, pause_s=PAUSE_S, **told)
        elif isinstance(error, LabctlError):
            self._hear(Kind.REFUSED, **told)
        else:
            told["reason"] = f"a fault in labctl: {type(error).__name__}: {error}"
            self._hear(Kind.REFUSED, **told)

    def _hear(self, kind: Kind, **fields: Any) -> None:
        self._book.hear(self._book.line(kind, **fields))
        self.wake.set()

    # -- what the engine says ---------------------------------------------------------------------------------------

    def run_progress(self, progress: Progress) -> None:
        """Take how a run stands; cheap, called at every poll."""
        run_id, phase = progress.run_id, progress.phase.value
        if phase == "ended":
            return
        state = _STATE_OF_PHASE.get(phase, JobState.RUNNING)
        entry = self._book.active_run(run_id)
        if entry is not None:
            self._bench.note(progress)
        self._phases[run_id] = state
        if entry is not None and self._told.get(run_id) is not state:
            # also a phase that came before the start was in the book
            self._hear_phase(entry.job.job_id, run_id, state)
        elif (
            entry is not None
            and entry.job.reason
            and phase not in ("held", "starting", "waiting", "prepared")
        ):
            self._hear_phase(entry.job.job_id, run_id, state)  # followed again after it had been left
        if self._clock.plant.now_s() >= self._show.due_s:
            self.wake.set()

    def _hear_early(self) -> None:
        """Take the ends that came before the start of their run was in the book."""
        for run_id in list(self._early):
            entry = self._book.active_run(run_id)
            if entry is not None:
                self._hear_end(entry.job.job_id, self._early.pop(run_id))

    def _hear_phase(self, job_id: JobId, run_id: RunId, state: JobState) -> None:
        self._told[run_id] = state
        self._hear(Kind.PHASE, job=job_id, run=run_id, state=state.value)

    def run_ended(self, result: RunResult) -> None:
        """Take the end of a run, or that nobody follows it any more."""
        self._phases.pop(result.run_id, None)
        self._told.pop(result.run_id, None)
        self._bench.forget(result.run_id)
        entry = self._book.active_run(result.run_id)
        if entry is not None:
            self._hear_end(entry.job.job_id, result)
        elif any(self._book.is_starting(item.job.job_id) for item in self._book.state.active()):
            self._early[result.run_id] = result  # over before we were told its name
            while len(self._early) > EARLY_MAX:
                del self._early[next(iter(self._early))]
        self.wake.set()

    def _hear_end(self, job_id: JobId, result: RunResult) -> None:
        told: dict[str, Any] = {"job": job_id, "run": result.run_id, "reason": result.reason}
        if result.outcome is not None:
            self._hear(Kind.ENDED, outcome=result.outcome.value, **told)
        elif result.reason != "detached":
            self._hear(Kind.LEFT, **told)


class _StoppedMeanwhile(LabctlError):
    """*Stop all outputs* came between the decision and the start; nothing was sent."""
