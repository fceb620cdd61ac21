"""Rehearse a program on a twin of the cell in jump mode: the real engine and driver against an in-memory bench.

The twin is a virtual cell made from **named** parameters and the registered geometry. It never reads the parameters of
a virtual bench's cells: those are the truth that a rehearsal is to be compared with. So the prediction passes through
the same bytes, limits and detections as the run will.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from math import pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError
from labctl.model.ids import ChannelId
from labctl.model.program import without_spectra

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.config.station import StationFile
    from labctl.engine.jobs import Observer, RunResult, StopSignal
    from labctl.interfaces.cycler import CyclerCapabilities
    from labctl.model.cell import Cell
    from labctl.model.program import Program
    from labctl.store.disk import Disk
    from labctl.store.runreader import RunReader

TWIN_CHANNEL = ChannelId("neware:1-1")
TWIN_MODEL = "5V100mA-4R"
TWIN_POLL_S = 600.0
MakeProgram = Callable[["CyclerCapabilities"], "Program"]
"""Makes the program for the twin's channel. Raises: ProgramError, UserFileError."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came out on the twin; ``reader`` is valid while the rehearsal's folder is."""

    program: Program
    result: RunResult
    reader: RunReader


def twin_of(cell: Cell) -> str:
    """Name the reference parameters nearest to a registered cell. Raises: UserInputError when there are none."""
    from labctl.model.cell import CellKind

    solid = "PEO" in cell.electrolyte.upper()
    family = {CellKind.SYMMETRIC: "PEO" if solid else "LIQ", CellKind.LTO_LI: "LTO", CellKind.LFP_LI: "LFP"}
    if cell.kind not in family:
        raise UserInputError(f"no twin fits a cell of kind '{cell.kind}'; name its parameters with --twin.")
    coated = cell.coating.strip().lower() not in ("", "none", "pristine") or (cell.film_nm or 0.0) > 0.0
    return f"{family[cell.kind]}-{'Z' if coated else 'P'}"


def twin_bench(cell: Cell, twin: str, seed: int | None, model: str = TWIN_MODEL) -> dict[str, Any]:
    """Return a bench of one cell with an ideal measurement chain, made from named parameters and the registry.

    ``model`` is the unit's: its ranges are what the program is bound to.
    """
    entry: dict[str, Any] = {
        "cell_id": str(cell.cell_id),
        "slot": str(TWIN_CHANNEL),
        "variant": twin,
        "chamber": "twin-room",
    }
    area_cm2 = cell.effective_area_cm2
    if area_cm2 is not None:
        entry["diameter_mm"] = 20.0 * (area_cm2 / pi) ** 0.5
    if seed is not None:
        entry["seed"] = seed
    return {
        "labctl": "bench/1",
        "name": f"twin {twin}",
        "instruments": [
            {"name": "neware", "kind": "neware-bts", "devid": 33, "devtype": 27, "profile": "ideal",
             "units": [{"unit": 1, "model": model}]}
        ],
        "chambers": [{"name": "twin-room", "profile": "ideal", "air_degC": 25, "setpoint_degC": 25, "on": True}],
        "cells": [entry],
    }  # fmt: skip


def twin_station(bench: Mapping[str, Any], folder: Path) -> StationFile:
    """Return the station of the twin's bench; its links are in memory, its step files under ``folder``."""
    from labctl.clock import ClockMode
    from labctl.config.station import DeviceEntry, StationClock, StationFile

    steps = folder / "steps"
    steps.mkdir(parents=True, exist_ok=True)
    model = bench["instruments"][0]["units"][0]["model"]
    options = {"devid": 33, "step_folder": str(steps), "units": {"1": model}}
    cycler = DeviceEntry("neware", "neware-bts", "mem://neware", TWIN_POLL_S, "UTC", options)
    chamber = DeviceEntry("twin-room", "modbus-chamber", "mem://twin-room", 60.0, channels=(TWIN_CHANNEL,))
    return StationFile(
        str(bench["name"]),
        None,
        clock=StationClock(mode=ClockMode.JUMP),
        instruments=(cycler,),
        chambers=(chamber,),
    )


def perform(
    bench: Mapping[str, Any],
    make: MakeProgram,
    cell: Cell,
    folder: Path,
    *,
    observer: Observer | None = None,
    stop: StopSignal | None = None,
    disk: Disk | None = None,
) -> Rehearsal:
    """Run a program on a twin's bench to its end, or until ``stop``; rows go to ``folder``, or to a ``disk`` in memory.

    Blocks. Raises: what ``make`` raises, UserInputError without simulators, InstrumentError.
    """
    from labctl.clock import run_with_clock
    from labctl.engine.api import Job, open_station, run_jobs
    from labctl.engine.shell import ignore_progress
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader
    from labctl.transport.base import Transport
    from labctl.transport.memory import MemoryTransport

    station = twin_station(bench, folder)
    virtual = _bench_factory()(bench)
    with DataRoot(folder / "data", create=True, disk=disk) as root:

        async def main(clock: Clock) -> tuple[Program, RunResult]:
            def connect(resource: str) -> Transport:
                name = resource.removeprefix("mem://")
                return MemoryTransport(lambda: virtual.connect(name), clock, name)

            async with open_station(station, clock, connect=connect) as opened:
                program = make(opened.capabilities(TWIN_CHANNEL))
                # The twin's start voltage is its own; the check against the registered one is the real cell's.
                job = Job(program, cell, overrides={"ocv": "twin in a rehearsal"})
                shown = observer or ignore_progress
                (result,) = await run_jobs(opened, root, [job], observer=shown, stop=stop)
                return program, result

        program, result = run_with_clock(station.clock.spec(), main, bench=virtual)
        return Rehearsal(program, result, RunReader(root.run_folder(result.run_id), disk=disk))


def on_the_twin(program: Program) -> Program:
    """Return a run's own program on the twin's channel, without its spectra: they take no test time."""
    return replace(program, channel=TWIN_CHANNEL, flow=without_spectra(program.flow))


def _bench_factory() -> Any:
    for point in entry_points(group="labctl.benches", name="virtual"):
        return point.load()
    raise UserInputError("a rehearsal needs the simulators; install labctl again from its folder.")
