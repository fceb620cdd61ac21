"""Makes runs: what must hold before anything is written, the manifest, the folder."""

from __future__ import annotations

import json
import platform
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from labctl.engine import hooks
from labctl.engine.commands import check_program
from labctl.engine.jobs import Job
from labctl.engine.listening import EngineListener
from labctl.engine.machines.chamber import room_serves
from labctl.engine.machines.checks import STATE, Refusal, state_refusal
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.engine.station import Chamber, Instrument, Station
from labctl.errors import InstrumentError, UserInputError
from labctl.model.cell import Cell
from labctl.model.program import program_to_json, spectra_of
from labctl.store.root import DataRoot
from labctl.store.runwriter import RunWriter
from labctl.worker import Worker

VERSIONS = ("labctl", "numpy", "pyarrow")


def check_jobs(station: Station, jobs: Sequence[Job]) -> None:
    """Refuse what cannot be run together before anything is written. Raises: UserInputError."""
    seen: set[str] = set()
    for job in jobs:
        check_program(job.program)
        channel, demand = job.program.channel, job.program.temperature
        station.locate(channel)
        for part in spectra_of(job.program.flow):
            if station.potentiostat_of(channel, part.on) is None:
                raise UserInputError(
                    f"{job.program.protocol_name!r} takes a spectrum of {channel} on a potentiostat {part.on!r}, which "
                    "the station file does not have. Name it there, or bind the protocol again."
                )
        if channel in seen:
            raise UserInputError(f"Channel {channel} is asked for twice. Give each job a channel of its own.")
        seen.add(channel)
        if demand is not None and station.chamber_of(channel) is None and not room_serves(demand):
            raise UserInputError(
                f"{job.program.protocol_name!r} asks for {demand.setpoint_degC:g} degC, but channel {channel} "
                "stands in no chamber. Name its chamber in station.yaml or choose another channel."
            )


async def check_channels(
    station: Station,
    jobs: Sequence[Job],
    heard: Callable[[str, InstrumentError], Awaitable[None]] | None = None,
) -> None:
    """Refuse channels that are in use or absent before a folder is made or a chamber is told anything.

    What cannot be read now is left to the check right before the start, which reads the state again in any case;
    ``heard`` is told of it with the instrument's name. Raises: UserInputError.
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
        except InstrumentError as error:
            if heard is not None:
                await heard(name, error)
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


def manifest_of(station: Station, job: Job) -> dict[str, Any]:
    """Return the ``run.json`` of a run that is about to begin: self-contained."""
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


async def prepare(
    station: Station, root: DataRoot, index: int, job: Job, worker: Worker, listener: EngineListener
) -> Run:
    """Make a run's folder; nothing is sent. Raises: StoreError."""
    utc = station.clock.plant.utc()
    writer = await worker.call(_made, root, job, manifest_of(station, job), utc)
    try:
        hooks.point("run.prepared")
        return Run(index, job, station, root, writer, worker, Phase.PREPARED, listener)
    except Exception as error:
        await worker.call(never_started, writer, error)
        raise


def never_started(writer: RunWriter, error: Exception) -> None:
    """End a run of which nothing was sent: no later process may start it. Store thread; raises StoreError."""
    reason = f"never started, a fault in labctl: {type(error).__name__}: {error}"
    outcome = Outcome.FAILED.value
    writer.update_manifest(state="ended", outcome=outcome, reason=reason, rows=0, test_time_s=0.0)
    writer.finish(None)


def _made(root: DataRoot, job: Job, manifest: dict[str, Any], utc: datetime) -> RunWriter:
    """Find a free id and take it, in one call of the store's thread: two starts of one second get two ids."""
    run_id = root.new_run_id(job.program.cell.cell_id, utc)
    return RunWriter.create(root, run_id, manifest, utc)
