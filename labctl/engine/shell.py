"""The engine's front door: run jobs, resume runs, stop a run. Thin: it makes runs and tasks and waits for
them.
"""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from labctl.engine import hooks
from labctl.engine.climate import ClimateTask, wanted_of
from labctl.engine.commands import check_program
from labctl.engine.instrument import InstrumentTask
from labctl.engine.jobs import Job, Observer, RunResult, StopSignal
from labctl.engine.link import Detached
from labctl.engine.machines.chamber import room_serves
from labctl.engine.machines.checks import STATE, Refusal, state_refusal
from labctl.engine.machines.life import Phase
from labctl.engine.resume import reconcile, reopened
from labctl.engine.run import Run
from labctl.engine.station import Chamber, Instrument, Station
from labctl.engine.stoprequest import request_stop
from labctl.errors import InstrumentError, StoreError, UserInputError
from labctl.interfaces.cycler import OVER
from labctl.model.cell import Cell
from labctl.model.ids import RunId
from labctl.model.program import program_to_json
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import RunWriter
from labctl.worker import Worker

VERSIONS = ("labctl", "numpy", "pyarrow")


def ignore_progress(progress: object) -> None:
    """Observe nothing."""


async def run_jobs(
    station: Station,
    root: DataRoot,
    jobs: Sequence[Job],
    *,
    observer: Observer = ignore_progress,
    stop: StopSignal | None = None,
) -> list[RunResult]:
    """Run every job to its end, concurrently, starts in job order; returns results in the same order.

    Returns early when ``stop.detach()`` is called: device-driven cells go on, their runs stay ``running``.
    The data root must be locked by the caller. Raises: UserInputError for jobs that cannot be together or whose
    channel is not free, StoreError where a run folder cannot be made; nothing has been energised then.
    """
    _check_jobs(station, jobs)
    await _check_channels(station, jobs)
    worker = Worker("labctl-store", station.clock)
    runs: list[Run] = []
    try:
        for index, job in enumerate(jobs):
            runs.append(await _prepare(station, root, index, job, worker))
        return await _serve(station, root, runs, observer, stop or StopSignal(), resumed=False)
    finally:
        await _close(worker, runs)


async def resume_runs(
    station: Station,
    root: DataRoot,
    run_ids: Iterable[RunId | str],
    *,
    observer: Observer = ignore_progress,
    stop: StopSignal | None = None,
) -> list[RunResult]:
    """Go on with runs that an earlier process left, from what their journals, their rows and the cycler say.

    Runs that have ended are reported as they are. Raises: StoreError, UserInputError.
    """
    worker = Worker("labctl-store", station.clock)
    runs: list[Run] = []
    try:
        for index, run_id in enumerate(run_ids):
            runs.append(await worker.call(reopened, station, root, index, RunId(run_id), worker))
        return await _serve(station, root, runs, observer, stop or StopSignal(), resumed=True)
    finally:
        await _close(worker, runs)


async def stop_run(station: Station, root: DataRoot, run_id: RunId | str, *, reason: str) -> bool:
    """Stop a run's device test and confirm; True when the channel is over.

    Works whether or not another process follows the run: a note in the run folder tells that one, or a later
    ``resume_runs``, that a person wanted it. Needs no lock and writes no journal. Raises: InstrumentError,
    UserInputError where the run has no test on its channel.
    """
    folder = root.run_folder(run_id)
    manifest = RunReader(folder, disk=root.disk).manifest
    if manifest.get("state") == "ended":
        raise UserInputError(f"Run {run_id} has ended already ({manifest.get('outcome')}).")
    request_stop(folder, reason, station.clock.plant.utc().isoformat())
    instrument, place = station.locate(manifest["channel"])
    segments = manifest.get("segments") or []
    progress = (await instrument.cycler.progress([place]))[0]
    if not segments or progress.test_id != segments[-1]["test_id"]:
        raise UserInputError(
            f"Channel {manifest['channel']} does not hold the test of run {run_id}, so nothing was stopped there; the "
            "run itself ends when it is next followed or resumed."
        )
    if not progress.complete:
        await instrument.cycler.stop(place)
    return (await instrument.cycler.live([place]))[0].state in OVER


# -- making runs ----------------------------------------------------------------------------------------------------


def _check_jobs(station: Station, jobs: Sequence[Job]) -> None:
    """Refuse what cannot be run together before anything is written."""
    seen: set[str] = set()
    for job in jobs:
        check_program(job.program)
        channel, demand = job.program.channel, job.program.temperature
        station.locate(channel)
        if channel in seen:
            raise UserInputError(f"Channel {channel} is asked for twice. Give each job a channel of its own.")
        seen.add(channel)
        if demand is not None and station.chamber_of(channel) is None and not room_serves(demand):
            raise UserInputError(
                f"{job.program.protocol_name!r} asks for {demand.setpoint_degC:g} degC, but channel {channel} "
                "stands in no chamber. Name its chamber in station.yaml or choose another channel."
            )


async def _check_channels(station: Station, jobs: Sequence[Job]) -> None:
    """Refuse channels that are in use or absent before a folder is made or a chamber is told anything.

    What cannot be read now is left to the check right before the start, which reads the state again in any case.
    """
    found: list[Refusal] = []
    for name, instrument in station.instruments.items():
        mine = [job for job in jobs if station.locate(job.program.channel)[0].name == name]
        mine = [job for job in mine if STATE not in job.overrides]
        if not mine:
            continue
        places = [station.locate(job.program.channel)[1] for job in mine]
        try:
            readings = await instrument.cycler.live(places)
        except InstrumentError:
            continue
        refusals = [state_refusal(job.program, live.state) for job, live in zip(mine, readings, strict=True)]
        found.extend(refusal for refusal in refusals if refusal is not None)
    if found:
        raise UserInputError(" ".join(map(str, found)))


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def cell_fields(cell: Cell) -> dict[str, Any]:
    """Return a cell as plain data for the manifest."""
    return {name: getattr(cell, name) for name in Cell.__dataclass_fields__}


def _device(device: Instrument | Chamber) -> dict[str, Any]:
    """Return which driver served a run, and where in the data root its raw frames lie (S6)."""
    return {
        "name": device.name,
        "driver": device.driver,
        "driver_version": device.driver_version,
        "wire": None if device.wire is None else device.wire.place,
    }


def _manifest(station: Station, job: Job) -> dict[str, Any]:
    program, plant = job.program, station.clock.plant
    instrument, _ = station.locate(program.channel)
    chamber = station.chamber_of(program.channel)
    return {
        "cell": cell_fields(job.cell),
        "protocol": {
            "name": program.protocol_name,
            "text": job.protocol_text,
            "hash": program.protocol_hash,
        },
        "program": json.loads(program_to_json(program)),
        "channel": program.channel,
        "instrument": {**_device(instrument), "identity": instrument.identity},
        "chamber": None if chamber is None else _device(chamber),
        "clock": {
            "kind": "virtual" if plant.virtual else "real",
            "mode": station.clock.mode.value,
            "epoch_unix_s": plant.epoch_unix_s,
        },
        "operator": job.operator,
        "marks": dict(job.marks),
        "poll_s": instrument.poll_s,
        "started_utc": plant.utc().isoformat(),
        "segments": [],
        "state": "prepared",
        "outcome": None,
        "reason": "",
        "end_sequence": None,
        "versions": _versions(),
    }


async def _prepare(station: Station, root: DataRoot, index: int, job: Job, worker: Worker) -> Run:
    """Make a run's folder; nothing is sent."""
    utc = station.clock.plant.utc()
    run_id = await worker.call(root.new_run_id, job.program.cell.cell_id, utc)
    writer = await worker.call(RunWriter.create, root, run_id, _manifest(station, job), utc)
    hooks.point("run.prepared")
    return Run(index, job, station, root, writer, worker, Phase.PREPARED)


# -- serving them ---------------------------------------------------------------------------------------------------


async def _serve(
    station: Station,
    root: DataRoot,
    runs: list[Run],
    observer: Observer,
    stop: StopSignal,
    *,
    resumed: bool,
) -> list[RunResult]:
    tasks: dict[str, InstrumentTask] = {}
    climates: dict[str, ClimateTask] = {}

    def free_bytes() -> int:
        return root.space().free_bytes

    def ready(run: Run) -> None:
        tasks[run.instrument.name].wake.set()

    def over(run: Run) -> None:
        for climate in climates.values():
            climate.wake.set()

    for name in sorted({run.instrument.name for run in runs}):
        mine = [run for run in runs if run.instrument.name == name]
        instrument = station.instruments[name]
        tasks[name] = InstrumentTask(station, instrument, mine, stop, observer, free_bytes, over)
    for chamber in station.chambers.values():
        inside = [run for run in runs if station.chamber_of(run.program.channel) is chamber]
        if inside:
            climates[chamber.name] = ClimateTask(chamber, inside, station.clock, stop, ready, observer)
    now_s = station.clock.plant.now_s()
    for run in runs:
        if run.test_id is None and not _waits_for_chamber(run, station.chamber_of(run.program.channel)):
            run.ready_s = now_s
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for name, task in tasks.items():
                mine = [run for run in runs if run.instrument.name == name]
                group.create_task(_serve_instrument(task, mine, station, resumed))
            for climate in climates.values():
                group.create_task(climate.serve())
    except BaseExceptionGroup as error_group:
        failure = error_group.exceptions[0]
    if failure is not None:
        raise failure
    return [run.result() for run in runs]


def _waits_for_chamber(run: Run, chamber: Chamber | None) -> bool:
    return chamber is not None and wanted_of(run) is not None


async def _serve_instrument(
    task: InstrumentTask, runs: Sequence[Run], station: Station, resumed: bool
) -> None:
    if resumed:
        try:
            await reconcile(task, runs, station)
        except Detached:
            return
    await task.serve()


async def _close(worker: Worker, runs: Sequence[Run]) -> None:
    """Make the last notes durable and close the files; runs that go on are left as they stand."""
    closing: list[Callable[[], None]] = []
    for run in runs:
        if run.phase is not Phase.ENDED:
            await run.commit()
            closing.append(run.writer.close)
    for close in closing:
        try:
            await worker.call(close)
        except StoreError:
            continue  # nothing more can be done for it; its rows up to the last commit are durable
    worker.close()
