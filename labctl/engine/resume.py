"""Takes up runs that an earlier process left, whatever it was doing when it ended.

What is believed, in this order: rows in the store (they are durable, so they happened), the journal
(written before each command), and the cycler, which is read back before anything is sent:

- *start pending* (intent without confirmation): our mark on a new test = adopted; test number unchanged,
read twice
  = not started, and the ordinary way starts it; anything else = held.
- *stop pending*: stopped again while the channel still runs our test, else confirmed.
- *seal pending*: every row was already here; sealed again.
- otherwise the run goes on where its rows end. The stored rows are fed to new machines first, so a decision
that the
  dead process had not yet carried out is taken again at the same row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labctl.clock import PlantTime
from labctl.engine.commands import Fate
from labctl.engine.jobs import Job
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.follow import US_PER_S, Position, position_after
from labctl.engine.machines.life import Phase
from labctl.engine.machines.revise import sequence_of
from labctl.engine.machines.walk import WalkPosition
from labctl.engine.requesting import still_wanted
from labctl.engine.run import Run
from labctl.engine.station import Station
from labctl.engine.visit import earlier_visit, last_walk
from labctl.errors import StoreError
from labctl.interfaces.cycler import DeviceProgram
from labctl.model.bench import NOBODY, HeldHow, Holding
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, RunId, TestId
from labctl.model.program import program_from_json
from labctl.model.record import RecordBlock
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import RunWriter
from labctl.worker import Worker

if TYPE_CHECKING:
    from labctl.engine.instrument import InstrumentTask

TAIL_ROWS = 1000
"""Rows read to find the position after the last one."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What the journal says was under way."""

    start: Mapping[str, Any] | None = None
    confirmed: TestId | None = None
    stop: EndDecision | None = None
    stopped: bool = False
    finish: EndDecision | None = None
    began: bool = False
    chamber_set: bool = False
    held: str = ""
    """Why the run was held; empty where a person has taken it up since."""
    waits: bool = False
    """A person wants it to stand still behind the present segment."""
    pauses: bool = False
    """A person here has paused the device, or asked it to pause before a step: no stranger did."""
    asked: Holding = NOBODY
    """Who has paused it, or asked for it, and when."""


def pending_of(journal: Sequence[Mapping[str, Any]], segments: int) -> Pending:
    """Read the journal of a run whose manifest knows ``segments`` device tests."""
    start: Mapping[str, Any] | None = None
    confirmed: TestId | None = None
    stop: EndDecision | None = None
    finish: EndDecision | None = None
    stopped = began = chamber_set = waits = pauses = False
    held, asked = "", NOBODY
    for line in journal:
        kind = line.get("kind")
        if kind == "start.intent":
            start, confirmed, began, pauses, asked = line, None, True, False, NOBODY
        elif kind == "eis.queued":
            began = True  # its chamber had been soaked
        elif kind == "start.confirmed":
            confirmed = TestId(int(line["test_id"]))
        elif kind == "start.not_taken":
            start = None
        elif kind == "chamber.set":
            chamber_set = True
        elif kind in ("held", "taken_up"):
            held = str(line.get("reason", "held")) if kind == "held" else ""
        elif kind in ("pause.at_step_end", "pause.released"):
            waits = kind == "pause.at_step_end" and line.get("device_step") is None
            pauses = pauses or (kind == "pause.at_step_end" and not waits)
            asked = _asked(HeldHow.STEP_END, line) if kind == "pause.at_step_end" else NOBODY
        elif kind in ("pause.intent", "resume.intent"):
            pauses = kind == "pause.intent"
            asked = _asked(HeldHow.PERSON, line) if pauses else NOBODY
        elif kind in ("stop.intent", "stop.confirmed"):
            stopped = kind == "stop.confirmed"
            if line.get("outcome"):
                stop = EndDecision(Outcome(line["outcome"]), str(line["reason"]), line.get("end_sequence"))
        elif kind == "finish.begin":
            reason = str(line.get("reason") or ("" if stop is None else stop.reason))
            finish = EndDecision(Outcome(line["outcome"]), reason, line.get("end_sequence"))
    if start is not None and int(start["number"]) <= segments:
        start = None  # the manifest knows that test already
    confirmed = confirmed if start is not None else None
    return Pending(start, confirmed, stop, stopped, finish, began, chamber_set, held, waits, pauses, asked)


def _asked(how: HeldHow, line: Mapping[str, Any]) -> Holding:
    return Holding(how, str(line.get("by", "")), str(line.get("utc", "")))


def cell_from_fields(fields: Mapping[str, Any]) -> Cell:
    """Return the cell that ``shell.cell_fields`` wrote into a manifest."""
    known = {name: value for name, value in fields.items() if name in Cell.__dataclass_fields__}
    return Cell(**{**known, "cell_id": CellId(known["cell_id"]), "kind": CellKind(known["kind"])})


def reopened(station: Station, root: DataRoot, index: int, run_id: RunId, worker: Worker) -> Run:
    """Open a run's folder and feed its rows to new machines; sends nothing. Runs in the store's thread."""
    manifest = RunReader(root.run_folder(run_id), disk=root.disk).manifest
    if manifest.get("run_id") != run_id:
        raise StoreError(f"the run.json in the folder of {run_id} is of run {manifest.get('run_id')!r}")
    writer = RunWriter.reopen(root, run_id)
    program = program_from_json(json.dumps(manifest["program"]))
    reader = RunReader(writer.folder, disk=root.disk)
    journal = reader.journal()
    job = Job(
        program=program,
        cell=cell_from_fields(manifest["cell"]),
        protocol_text=str(manifest["protocol"].get("text", "")),
        operator=str(manifest.get("operator", "")),
        overrides={
            str(line["item"]): str(line["reason"]) for line in journal if line.get("kind") == "check.override"
        },
    )
    if manifest.get("state") == "ended":
        run = Run(index, job, station, root, writer, worker, Phase.ENDED)
        run.at(Position(sequence=writer.last_sequence))
        return run
    pending, visit = pending_of(journal, len(manifest["segments"])), earlier_visit(journal)
    phase = _phase(manifest, pending) if visit is None or pending.finish is not None else Phase.AWAY
    run = Run(index, job, station, root, writer, worker, phase)
    for entry in manifest.get("revisions", []):
        changed = program_from_json(json.dumps(entry["program"]))
        first = sequence_of(entry)
        if first is None:
            run.next_program = changed
        else:
            run.revisions.append((first, changed))
    last = RecordBlock.empty({})
    run.remember(reader.events())
    for block in reader.blocks():  # a records file at a time: a month of rows does not fit into memory
        if pending.finish is None:
            run.replay(block)
        last = block.rows(max(len(block) - TAIL_ROWS, 0))
    while run.revisions:  # taken over right behind the last row
        run.replayed_revision()
    run.at(position_after(last) if len(last) else Position())
    _take_up_segment(run, manifest, station.clock.plant)
    run.earlier_visit = visit if phase is Phase.AWAY else None
    walk, run.spectra = last_walk(journal)
    run.wanted = still_wanted(journal)
    if walk is not None:
        run.stand_at(walk)
    if pending.stop is not None:
        run.decision = pending.stop
    run.pending = pending
    run.wait_for_person = pending.waits
    run.pause = replace(
        run.pause, wanted=pending.pauses, asked=pending.asked, rows=run.position.device_sequence
    )
    return run


def _phase(manifest: Mapping[str, Any], pending: Pending) -> Phase:
    if pending.finish is not None or pending.stopped:
        return Phase.DRAINING
    if pending.stop is not None:
        driven = manifest["segments"] or pending.start is not None
        return Phase.STOPPING if driven else Phase.DRAINING
    if pending.start is not None:
        return Phase.STARTING
    return Phase.RUNNING if manifest["segments"] else Phase.PREPARED


def segment_start_s(manifest: Mapping[str, Any], plant: PlantTime) -> float:
    """Return the plant time of this process at which the last device test was started.

    On hardware plant seconds begin anew in every process, so there the wall clock tells; may be negative.
    """
    entry = manifest["segments"][-1]
    if same_plant(manifest, plant):
        return float(entry["started_plant_s"])
    ago_s = (plant.utc() - datetime.fromisoformat(entry["started_utc"])).total_seconds()
    return plant.now_s() - max(ago_s, 0.0)


def same_plant(manifest: Mapping[str, Any], plant: PlantTime) -> bool:
    """Tell whether plant seconds in a manifest are those of this process: only on one and the same virtual bench."""
    return plant.virtual and bool(manifest["clock"]["epoch_unix_s"] == plant.epoch_unix_s)


def _take_up_segment(run: Run, manifest: Mapping[str, Any], plant: PlantTime) -> None:
    """Stand in the last device test that the manifest knows."""
    segments = manifest["segments"]
    if not segments:
        return
    entry, number = segments[-1], len(segments)
    run.stand_at(WalkPosition.from_json(entry["walk"]))
    position = run.position
    if position.segment != number:  # no row of this test is here yet
        position = offset_position(entry, number)
    run.test_id = run.test_before = TestId(int(entry["test_id"]))
    run.segment_started_s = segment_start_s(manifest, plant)
    run.begin_segment(tuple(entry["step_ids"]), position)


def offset_position(entry: Mapping[str, Any], number: int) -> Position:
    """Return the position before the first row of a device test, from its journal line or manifest entry."""
    cycle_offset = int(entry["cycle_offset"])
    return Position(
        segment=number,
        sequence=int(entry["sequence_offset"]),
        step_count=int(entry["step_offset"]),
        cycle_offset=cycle_offset,
        cycle_count=cycle_offset + 1,
        base_us=round(float(entry["time_offset_s"]) * US_PER_S),
    )


async def reconcile(task: InstrumentTask, runs: Sequence[Run], station: Station) -> None:
    """Agree with the device before the first poll: pending starts, stops and seals; the poll grid."""
    task.resumed()
    for run in runs:
        if not run.over:
            await task.acts.guarded(
                run, _agree(task, run, station.clock.plant), "its data could not be stored"
            )


async def _agree(task: InstrumentTask, run: Run, plant: PlantTime) -> None:
    if run.phase in (Phase.STALE, Phase.UNKNOWN):  # taken up while the instrument was away
        run.life.to(Phase.RUNNING)
    manifest, pending = run.writer.manifest, run.pending
    run.event("resumed", phase=run.phase.value, sequence=run.position.sequence)
    if pending is not None and pending.held:
        await task.acts.guarded(run, run.journal("taken_up"), "its data could not be stored")
    known = manifest["instrument"].get("identity")
    if not run.instrument.cycler.same_device(str(known), run.instrument.identity, run.place):
        text = f"the instrument is {run.instrument.identity!r}, the run began on {known!r}"
        await task.acts.hold(run, text)
        return
    anchor_s = manifest.get("poll_anchor_s")
    if anchor_s is None and manifest["segments"]:
        anchor_s = manifest["segments"][0]["started_plant_s"]
    if not same_plant(manifest, plant) or anchor_s is None or anchor_s > plant.now_s():
        anchor_s = plant.now_s() - run.instrument.poll_s
    if run.test_id is not None or (pending is not None and pending.start is not None):
        task.anchor(float(anchor_s))
    if pending is None:
        return
    if pending.finish is not None:
        await task.acts.finish(run, pending.finish)
    elif pending.start is not None and pending.stop is None:
        await _settle_start(task, run, pending, pending.start)
    elif pending.began and run.test_id is None:
        run.ready_s = plant.now_s()  # its chamber had been soaked


async def _settle_start(task: InstrumentTask, run: Run, pending: Pending, intent: Mapping[str, Any]) -> None:
    """Find out what became of a start whose confirmation is missing (I09)."""
    before = run.position
    number = int(intent["number"])
    run.at(offset_position(intent, number))
    fate, test_id, problem = await task.commands.read_back(
        run, TestId(int(intent["test_id_before"])), "the process ended while starting"
    )
    if fate is Fate.FOREIGN:
        await task.acts.hold(run, problem)
    elif fate is Fate.ADOPTED:
        run.stand_at(WalkPosition.from_json(intent["walk"]))
        segment = run.walker.segment
        if segment is None:
            raise StoreError(f"the journal of {run.run_id} names no segment of its program")
        program = DeviceProgram(str(intent["reference"]), str(intent["sha256"]), tuple(intent["step_ids"]))
        position = run.position
        await task.commands.started(run, segment, program, position, test_id)
        run.note(Finding("start.adopted", Priority.EVENT, f"test {test_id} was found running and taken over"))
    else:
        await run.journal("start.not_taken", problem=problem)
        run.restart(before)
