"""One run: its machines, its record, and what they decide. Talks to the store, never to an instrument.

Order of a block (P4): follow, limits (a trip goes to the device first), store, commit, then everything else
is believed. Machines are fed before the commit and acted on after it. After a crash the stored rows are fed
to new machines in the same order, so they reach the same decisions at the same rows.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.clock import Clock
from labctl.engine import ending, hooks
from labctl.engine.jobs import Job, Progress, RunResult
from labctl.engine.listening import EngineListener, Silent
from labctl.engine.machinery import Digested, Machinery
from labctl.engine.machines.findings import EndDecision, Finding, Priority
from labctl.engine.machines.follow import Follower, Plausible, Position
from labctl.engine.machines.life import Life, Phase
from labctl.engine.machines.order import OrderWatch
from labctl.engine.machines.walk import Evaluate, Walker, WalkPosition
from labctl.engine.pausing import Pause
from labctl.engine.station import Station
from labctl.engine.storing import Portion, write_portions
from labctl.engine.telling import progress_of, result_of
from labctl.errors import InvariantError, StoreError
from labctl.interfaces.chamber import TemperatureReading
from labctl.interfaces.cycler import ChannelState
from labctl.model.ids import TestId
from labctl.model.program import Program, Segment, Spectroscopy
from labctl.model.record import DeviceBlock, RecordBlock
from labctl.protocol.expressions import evaluate, parse_condition
from labctl.store.receipt import Receipt
from labctl.store.root import DataRoot
from labctl.store.runwriter import RunWriter
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.engine.resume import Pending
    from labctl.engine.visit import EarlierVisit, Visit

SETTLED = frozenset({Phase.DRAINING, Phase.ENDED, Phase.HELD})
"""Phases in which a stop has been confirmed, or has been given up."""
PLAUSIBLE_FACTOR = 2.0
"""Readings beyond twice the channel's rating are sentinels, not readings (F13)."""
SUMMARY_EVERY_S = 2.0
"""Link seconds between two summaries on disk: current for people, cheap when plant time flies."""
FINDINGS_MAX = 1000
"""Findings kept in memory for the result; all of them are in the event file (I14)."""


def condition_holds(expression: str, values: dict[str, float]) -> bool:
    """Evaluate a host expression of the protocol."""
    return bool(evaluate(parse_condition(expression), values))


class Run:
    """State of one run in this process. Used by one instrument's task; chamber tasks only leave notes."""

    def __init__(
        self,
        index: int,
        job: Job,
        station: Station,
        root: DataRoot,
        writer: RunWriter,
        worker: Worker,
        phase: Phase,
        listener: EngineListener | None = None,
    ) -> None:
        program = job.program
        self.index = index
        self.job = job
        self.program = program
        self.instrument, self.place = station.locate(program.channel)
        self.run_id = writer.manifest["run_id"]
        self.writer = writer
        self.life = Life(phase)
        self.test_id: TestId | None = None
        self.test_before: TestId | None = None  # what must still be there at the next start
        self.outages_seen = -1  # outages there had been at the last look at the cell
        self.segment_started_s = 0.0
        self.decision: EndDecision | None = None
        self.ready_s: float | None = None
        self.waiting_for = ""
        self.chamber_reading: TemperatureReading | None = None
        self.leaving = ""  # why this process follows the run no more, though it goes on
        self.settled = asyncio.Event()  # set when nothing drives the cell any more, or nobody can say
        self.logged_test: TestId | None = None  # the device test whose log is stored
        self.wait_for_person = False  # stand still between two segments until a person says go on
        self.pause = Pause()
        self.visit: Visit | None = None  # the way of its cell to a potentiostat and back
        self.earlier_visit: EarlierVisit | None = None  # the same, as an earlier process has left it
        self.wanted: list[Spectroscopy] = []  # spectra that a person wants when the present test is over
        self.spectra = 0  # spectra that have been asked for
        self.on_ending: Callable[[], None] = lambda: None
        self.row_plant_s = math.nan  # plant moment at which the newest row came in this process
        self.listener: EngineListener = listener or Silent()
        self.findings: list[Finding] = []
        self._evaluate: Evaluate = lambda text, values: condition_holds(text, dict(values))
        self.walker = Walker(program, self._evaluate)
        self.position = Position()
        self.follower: Follower | None = None
        self._order: OrderWatch | None = None
        self.pending: Pending | None = None
        self._clock: Clock = station.clock
        self._wires = list(station.wires(program.channel))
        self._worker = worker
        self._disk = root.disk
        self.next_program: Program | None = None  # a revision that waits for the next segment boundary
        self.revisions: deque[tuple[int, Program]] = deque()  # taken over before this process, from a row on
        channel = station.limits.get(program.channel)
        self._loosened = channel is not None and channel.override is not None
        capabilities = station.capabilities(program.channel)
        self.machines = Machinery(
            program, lambda replay: station.layers(self.program, replay=replay), capabilities.ranges,
            self.instrument.poll_s, self.instrument.zone,
        )  # fmt: skip
        self.silent_polls = self.seen_count = 0
        self.told_state: ChannelState | None = None
        self._plausible = Plausible(
            PLAUSIBLE_FACTOR * max(abs(capabilities.voltage_min_V), abs(capabilities.voltage_max_V)),
            PLAUSIBLE_FACTOR * max((item.full_scale_A for item in capabilities.ranges), default=1e3),
        )
        self._summary_s = -math.inf
        self._events: list[dict[str, Any]] = []
        self._ambient: list[tuple[float, float | None, int]] = []
        self._untold: list[tuple[RecordBlock, bool]] = []  # rows the disk has refused so far; were they late?
        self._known: set[tuple[str, int]] = set()  # findings that an earlier process has already noted

    # -- where it stands ------------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """Return the run's phase."""
        return self.life.phase

    @property
    def over(self) -> bool:
        """Tell whether this process has nothing more to do for the run."""
        return self.phase is Phase.ENDED or bool(self.leaving)

    @property
    def on_device(self) -> bool:
        """Tell whether the run has a device test to follow."""
        return self.follower is not None and not self.over

    @property
    def at_boundary(self) -> bool:
        """Tell whether the run stands between two segments: nothing drives the cell, no test is followed."""
        return self.phase is Phase.DECIDING

    @property
    def is_away(self) -> bool:
        """Tell whether the cell is not the cycler's: nothing is asked of its channel, nothing is started there."""
        return self.phase is Phase.AWAY

    def need_cell(self) -> None:
        """Pass where the cell is the cycler's to drive. Raises: InvariantError I07 where a handover holds it."""
        if self.is_away or self.visit is not None:
            raise InvariantError("I07", f"the cell of run {self.run_id} is handed over to a potentiostat")

    @property
    def jumps_untold(self) -> int:
        """Return the host's jumps back since the newest device test: its successor's rows count cycles from there."""
        segments = self.writer.manifest.get("segments") or []
        before = WalkPosition.from_json(segments[-1]["walk"]).jumps if segments else 0
        return self.walker.position.jumps - before

    async def take_revision(self) -> None:
        """Take over a changed program, if there is one, right before the next segment (I11). Raises: StoreError."""
        program = self.next_program
        if program is None:
            return
        revisions = list(self.writer.manifest["revisions"])
        entry = revisions[-1] = {**revisions[-1], "from_sequence": self.position.sequence + 1}
        await self.manifest(revisions=revisions)
        self.walker = self.walker.revised(program)
        self.program = program
        self.machines.take_over(program)
        self.next_program = None
        self.event(
            "revision", revision=entry["revision"], from_sequence=entry["from_sequence"], by=entry["by"]
        )

    @property
    def cursor(self) -> int:
        """Return the last device sequence that the run has taken."""
        return self.position.device_sequence

    @property
    def has_notes(self) -> bool:
        """Tell whether events wait to become durable."""
        return bool(self._events)

    @property
    def label(self) -> str:
        """Return what a person calls the cell."""
        return self.program.cell.name or self.program.cell.cell_id

    def barcode(self) -> str:
        """Return the mark of the present segment on the device: unique per start, so that a start can be
        recognised.
        """
        return f"{self.run_id}.{self.position.segment}"

    def progress(self) -> Progress:
        """Return how the run stands."""
        return progress_of(self, self._clock.plant.now_s())

    def result(self) -> RunResult:
        """Return how the run stands at the end of this process's work."""
        return result_of(self)

    @property
    def full_cycles(self) -> int:
        """Return how many full cycles the rows so far show: the age of a spectrum taken now, 0 for a fresh cell."""
        return self.machines.detector.table.full_cycles

    def values(self) -> dict[str, float]:
        """Return the measured values for host decisions."""
        reading = self.chamber_reading
        temperature_degC = math.nan if reading is None else reading.temperature_degC
        return {**self.machines.detector.values(), "temperature": temperature_degC}

    # -- rows -------------------------------------------------------------------------------------------------------

    def begin_segment(self, step_ids: tuple[int, ...], position: Position) -> None:
        """Get ready for the rows of a device test."""
        self.position = position
        self.follower = Follower(position, step_ids, self._plausible)
        segment = self.walker.segment
        self._order = None if segment is None else OrderWatch(segment, position.device_step)

    def accept_gap(self, first: int) -> int:
        """Agree that the device lost its rows before ``first``; return how many (F10). Raises: InvariantError."""
        if self.follower is None:
            raise InvariantError("I02", f"run {self.run_id} follows no device test")
        lost = self.follower.accept_gap(first)
        if self._order is not None:
            self._order.forget()
        return lost

    def digest(self, device: DeviceBlock, *, backfilled: bool) -> Digested:
        """Feed the machines with the next rows of the device. Sets ``decision`` at once where a limit trips.

        Raises: InvariantError; nothing has then changed.
        """
        hooks.point("block.fetched")
        if self.follower is None:
            raise StoreError(f"run {self.run_id} follows no device test")
        block = self.follower.block(device)
        self.position, self.row_plant_s = self.follower.position, self._clock.plant.now_s()
        resets, self.follower.counter_resets = self.follower.counter_resets, []
        if self._loosened:
            self.machines.look_at_limits()
        digested = self.feed(block)
        digested.backfilled = backfilled
        fell = "the device's cycle counter fell; ours goes on"
        digested.findings.extend(Finding("counter.reset", Priority.EVENT, fell, at) for at in resets)
        digested.findings.extend(self.machines.watch_clock(block))
        if self._order is not None and (jumped := self._order.feed(block)) is not None:
            digested.findings.append(jumped)
        return digested

    def feed(self, block: RecordBlock) -> Digested:
        """Show rows of the run to the machines, live ones or stored ones again; rows behind a decision are
        only kept.
        """
        self.machines.note_last(block)
        if self.decision is not None:
            return Digested(block, [], False, False, False)
        digested, self.decision = self.machines.feed(block)
        return digested

    def portion(self, digested: Digested) -> Portion:
        """Return a digested block with its events, for the store; ``stored`` hears what became of it."""
        receipt = Receipt(
            received_utc=self._clock.link.utc().isoformat(timespec="milliseconds"),
            monotonic_s=self._clock.link.now_s(),
            source=f"{self.program.channel}/test {self.test_id}",
            backfilled=digested.backfilled,
        )
        self.note(*digested.findings)
        self._note_lost_frames()
        portion = self._notes()
        portion.block, portion.receipt = digested.block, receipt
        now_s = self._clock.link.now_s()
        if digested.closed_half and now_s - self._summary_s >= SUMMARY_EVERY_S:
            portion.columns, self._summary_s = self.machines.detector.table.columns(), now_s
        return portion

    def _notes(self) -> Portion:
        events, self._events = self._events, []
        ambient, self._ambient = self._ambient, []
        return Portion(self.writer, events=events, ambient=ambient)

    async def commit(self) -> bool:
        """Make notes durable, and rows that an earlier commit could not. False: the disk still refuses."""
        portion = self._notes()
        await self._worker.call(write_portions, [portion])
        return self.stored(portion)

    def stored(self, portion: Portion) -> bool:
        """Hear what became of a portion. False: not acknowledged, an alarm was raised; call ``commit``.

        Raises: InvariantError, or what else broke while it was written.
        """
        block = portion.block
        if portion.trouble and not isinstance(portion.trouble[0], StoreError):
            raise portion.trouble[0]
        if portion.trouble:
            finding = Finding(
                "store.failed", Priority.CRITICAL, str(portion.trouble[0]), self.position.sequence,
                "Make room on the data disk or repair it; the device keeps the records meanwhile.",
            )  # fmt: skip
            if block is not None:
                self._untold.append((block, _backfilled(portion)))
            if not self.findings or self.findings[-1].text != finding.text:
                self.note(finding)
            return False
        for text in self.writer.take_frozen():
            what_to_do = "Its rows are safe in a new file; look at the disk before it refuses that one too."
            self.note(Finding("store.frozen", Priority.CRITICAL, text, self.position.sequence, what_to_do))
        untold, self._untold = self._untold, []
        for durable, late in untold if block is None else [*untold, (block, _backfilled(portion))]:
            self.listener.rows(self.run_id, durable, backfilled=late)
        return True

    # -- beside the rows --------------------------------------------------------------------------------------------

    def note(self, *findings: Finding) -> None:
        """Keep findings for the result and for the event file (durable with the next commit)."""
        for finding in findings:
            key = (finding.kind, finding.sequence or 0)
            if finding.sequence is not None and key in self._known:
                continue
            if len(self.findings) < FINDINGS_MAX:
                self.findings.append(finding)
            self.listener.finding(self.run_id, self.program.channel, finding)
            self.event(
                finding.kind,
                priority=finding.priority.value,
                text=finding.text,
                sequence=finding.sequence,
                what_to_do=finding.what_to_do,
            )

    def _note_lost_frames(self) -> None:
        """Tell, once for each link, that its raw frames are no longer kept; the run goes on without (S6)."""
        for log in [log for log in self._wires if log.trouble]:
            self._wires.remove(log)
            what_to_do = "Make room on the data disk or repair it; a new process keeps them again."
            self.note(Finding("wire.lost", Priority.LOW, log.trouble, None, what_to_do))

    def event(self, kind: str, **fields: Any) -> None:
        """Note what happened, with its plant time; durable with the next commit."""
        self._events.append({"kind": kind, "utc": self._clock.plant.utc().isoformat(), **fields})

    def ambient(self, reading: TemperatureReading) -> None:
        """Note the temperature around the cell at the present test time."""
        self.chamber_reading = reading
        segments = self.writer.manifest.get("segments") or []
        if self.test_id is None or not segments or segments[-1]["test_id"] != self.test_id:
            return  # no test, or one whose place in the run is being written at this moment
        elapsed_s = self._clock.plant.now_s() - self.segment_started_s
        time_s = segments[-1]["time_offset_s"] + elapsed_s
        good = math.isfinite(reading.temperature_degC)
        self._ambient.append((time_s, reading.temperature_degC if good else None, 0 if good else 1))

    def utc(self) -> str:
        """Return the present plant moment as text."""
        return self._clock.plant.utc().isoformat()

    def skipping(self, of: int, to: int) -> None:
        """Know that a person lets the device jump from a step to another: that is no change from outside."""
        if self._order is not None:
            self._order.skip(of, to)

    async def journal(self, kind: str, **fields: Any) -> None:
        """Write a journal line, durable at once: before a command leaves. Raises: StoreError."""
        utc = self._clock.plant.utc().isoformat()
        await self._worker.call(self.writer.journal, kind, utc=utc, **fields)

    async def to(self, phase: Phase, why: str = "") -> None:
        """Change the phase; noted as an event, and in the manifest where its word for it changes."""
        before = self.life.manifest_state
        changed = self.life.to(phase)
        if changed is None:
            return
        self.event("phase", old=changed[0].value, new=changed[1].value, why=why)
        if phase in SETTLED:
            self.settled.set()
        if self.life.manifest_state != before:
            await self.manifest(state=self.life.manifest_state)

    async def manifest(self, **fields: Any) -> None:
        """Change keys of ``run.json``, durable at once. Raises: StoreError."""
        await self._worker.call(self.writer.update_manifest, **fields)

    # -- the end ----------------------------------------------------------------------------------------------------

    def request_end(self, decision: EndDecision) -> None:
        """Ask the instrument's task to end the run (a person, the chamber); an earlier decision stays."""
        if self.decision is None:
            self.decision = decision
            self.on_ending()

    async def finish(self, decision: EndDecision) -> None:
        """Seal the run: summary, end sequence, Parquet. May be repeated after a crash. Raises: StoreError."""
        hooks.point("finish.begin")
        outcome, reason = decision.outcome.value, decision.reason
        await self.journal("finish.begin", outcome=outcome, reason=reason, end_sequence=decision.sequence)
        await self.commit()
        seal = partial(ending.last_summary, self.writer, self._disk, self.program.cell)
        length = await self._worker.call(seal, self.machines.detector.table, self.position, decision)
        await self.manifest(outcome=outcome, reason=reason, **length)
        await self._worker.call(self.writer.finish, decision.sequence)
        hooks.point("finish.sealed")
        await self.to(Phase.ENDED, decision.reason)
        hooks.point("finish.done")

    # -- after a restart --------------------------------------------------------------------------------------------

    def remember(self, events: Sequence[dict[str, Any]]) -> None:
        """Know what is already in the event file, so that it is not noted again."""
        self._known = {(str(event.get("kind")), int(event.get("sequence") or 0)) for event in events}
        self.pause.remember(events)
        self.logged_test = next(
            (
                TestId(int(event["test_id"]))
                for event in reversed(events)
                if event.get("kind") == "device.log" and "test_id" in event
            ),
            None,
        )

    def replay(self, block: RecordBlock) -> None:
        """Feed stored rows to the machines, in order."""
        if not len(block):
            return
        while self.revisions and self.revisions[0][0] <= int(block["sequence"][-1]):
            rows = int(np.searchsorted(block["sequence"], self.revisions[0][0]))
            if rows:
                self.note(*self.feed(block.rows(0, rows)).findings)
                block = block.rows(rows)
            self.replayed_revision()
        self.note(*self.feed(block).findings)

    def replayed_revision(self) -> None:
        """Take over, once more, the next revision that an earlier process has taken over."""
        self.program = self.revisions.popleft()[1]
        self.machines.take_over(self.program)

    def stand_at(self, position: WalkPosition) -> None:
        """Stand in the flow where an earlier process stood; the program is the newest revision by now."""
        self.walker = Walker(self.program, self._evaluate)
        self.walker.restore(self.walker.padded(position))

    def at(self, position: Position) -> None:
        """Stand behind the last stored row."""
        self.position = position

    def restart(self, position: Position) -> None:
        """Stand where the run stood before a start that was not taken; the ordinary way then starts it."""
        self.position = position
        self.life = Life(Phase.PREPARED if self.test_id is None else Phase.RUNNING)
        if self.test_id is None:
            self.ready_s = self._clock.plant.now_s()

    def put_off(self, by_s: float) -> None:
        """Be ready for the start so many plant seconds from now."""
        self.ready_s = self._clock.plant.now_s() + by_s

    def segment_text(self, segment: Segment) -> str:
        """Return a short description of the present segment for events."""
        return f"segment {segment.index}, pass {self.walker.passes}"


def _backfilled(portion: Portion) -> bool:
    return portion.receipt is not None and portion.receipt.backfilled
