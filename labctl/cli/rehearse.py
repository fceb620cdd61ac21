"""``labctl protocols rehearse``: run a program on a twin of the cell in jump mode, and keep what it predicts.

The twin is a virtual cell made from **named** parameters (``--twin``, by default chosen from the registered
cell's kind,
electrolyte and coating) and the registered geometry. It never reads the parameters of a virtual bench's
cells: those are
the truth that a rehearsal is to be compared with. The real engine and the real driver run against an
in-memory bench, so
that the prediction passes through the same bytes, limits and detections as the run will.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.binding import bind_offline
from labctl.cli.context import root_of, station_if_any, station_of
from labctl.cli.output import emit_json, say
from labctl.cli.progress import RunBoard, duration
from labctl.cli.protocols import variables_of
from labctl.errors import UserInputError
from labctl.model.ids import ChannelId

if TYPE_CHECKING:
    from labctl.clock import Clock
    from labctl.config.station import StationFile
    from labctl.engine.jobs import RunResult
    from labctl.model.cell import Cell
    from labctl.model.program import Program
    from labctl.model.protocol import Protocol
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader

TWIN_CHANNEL = ChannelId("neware:1-1")
TWIN_MODEL = "5V100mA-4R"
TWIN_POLL_S = 600.0
PREDICTIONS = "rehearsals"
CURVE_COLUMNS = 8_000
"""The kept curve is for drawing: min and max per bin, so that peaks stay."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a rehearsal found; the curve lies beside it as Parquet."""

    protocol: str
    protocol_hash: str
    cell_id: str
    twin: str
    twin_parameters: Mapping[str, Any]
    outcome: str
    duration_s: float
    rows: int
    cycles: int
    events: tuple[str, ...]
    warnings: tuple[str, ...]
    curve: str


def rehearse(args: argparse.Namespace) -> int:
    """Run the verb."""
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol
    from labctl.store.catalogue import Catalogue

    station = station_if_any(args)
    root = root_of(args, station)
    protocol = load_protocol(find_protocol(args.protocol), variables_of(args))
    with Catalogue(root) as catalogue:
        cell = catalogue.cells.get(args.cell)
    twin = args.twin or twin_of(cell)
    bench = twin_bench(cell, twin, args.seed)
    with tempfile.TemporaryDirectory(prefix="labctl-rehearsal-") as folder:
        on_twin = _twin_station(bench, Path(folder))
        rehearsal = _perform(on_twin, bench, protocol, cell, Path(folder) / "data", quiet=args.json)
        program = rehearsal.program
        if args.channel:
            program = bind_offline(station_of(args), protocol, cell, ChannelId(args.channel))
        prediction = _kept(root, program, twin, bench, rehearsal)
    return _tell(prediction, args)


def twin_of(cell: Cell) -> str:
    """Name the reference parameters nearest to a registered cell. Raises: UserInputError when there are
    none.
    """
    from labctl.model.cell import CellKind

    solid = "PEO" in cell.electrolyte.upper()
    family = {CellKind.SYMMETRIC: "PEO" if solid else "LIQ", CellKind.LTO_LI: "LTO", CellKind.LFP_LI: "LFP"}
    if cell.kind not in family:
        raise UserInputError(f"no twin fits a cell of kind '{cell.kind}'; name its parameters with --twin.")
    coated = cell.coating.strip().lower() not in ("", "none", "pristine") or (cell.film_nm or 0.0) > 0.0
    return f"{family[cell.kind]}-{'Z' if coated else 'P'}"


def twin_bench(cell: Cell, twin: str, seed: int | None) -> dict[str, Any]:
    """Return a bench of one cell with an ideal measurement chain, made from named parameters and the
    registry.
    """
    entry: dict[str, Any] = {
        "cell_id": str(cell.cell_id),
        "slot": str(TWIN_CHANNEL),
        "variant": twin,
        "chamber": "twin-room",
    }
    area_cm2 = cell.effective_area_cm2
    if area_cm2 is not None:
        entry["diameter_mm"] = 20.0 * (area_cm2 / 3.141592653589793) ** 0.5
    if seed is not None:
        entry["seed"] = seed
    return {
        "labctl": "bench/1",
        "name": f"twin {twin}",
        "instruments": [
            {"name": "neware", "kind": "neware-bts", "devid": 33, "devtype": 27, "profile": "ideal",
             "units": [{"unit": 1, "model": TWIN_MODEL}]}
        ],
        "chambers": [{"name": "twin-room", "profile": "ideal", "air_degC": 25, "setpoint_degC": 25, "on": True}],
        "cells": [entry],
    }  # fmt: skip


def _twin_station(bench: Mapping[str, Any], folder: Path) -> StationFile:
    """Return the station of the twin's bench; its links are in memory."""
    from labctl.clock import ClockMode
    from labctl.config.station import DeviceEntry, StationClock, StationFile

    steps = folder / "steps"
    steps.mkdir(parents=True, exist_ok=True)
    options = {"devid": 33, "step_folder": str(steps), "units": {"1": TWIN_MODEL}}
    cycler = DeviceEntry("neware", "neware-bts", "mem://neware", TWIN_POLL_S, "UTC", options)
    chamber = DeviceEntry("twin-room", "modbus-chamber", "mem://twin-room", 60.0, channels=(TWIN_CHANNEL,))
    return StationFile(
        str(bench["name"]),
        None,
        clock=StationClock(mode=ClockMode.JUMP),
        instruments=(cycler,),
        chambers=(chamber,),
    )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came out on the twin; ``reader`` is valid while the rehearsal's folder is."""

    program: Program
    result: RunResult
    reader: RunReader


def _perform(
    station: StationFile, spec: Mapping[str, Any], protocol: Protocol, cell: Cell, data: Path, *, quiet: bool
) -> Rehearsal:
    from labctl.clock import run_with_clock
    from labctl.engine.api import Job, open_station, run_jobs
    from labctl.protocol.bind import bind
    from labctl.store.root import DataRoot
    from labctl.store.runreader import RunReader
    from labctl.transport.base import Transport
    from labctl.transport.memory import MemoryTransport

    bench = _bench_factory()(spec)
    board = RunBoard(quiet=quiet, kept=False)

    with DataRoot(data, create=True) as root:

        async def main(clock: Clock) -> tuple[Program, RunResult]:
            def connect(resource: str) -> Transport:
                name = resource.removeprefix("mem://")
                return MemoryTransport(lambda: bench.connect(name), clock, name)

            async with open_station(station, clock, connect=connect) as opened:
                program = bind(
                    protocol, cell, TWIN_CHANNEL, opened.capabilities(TWIN_CHANNEL), has_chamber=True
                )
                # The twin's start voltage is its own; the check against the registered one belongs to the
                # real cell.
                job = Job(program, cell, overrides={"ocv": "twin in a rehearsal"})
                (result,) = await run_jobs(opened, root, [job], observer=board.show)
                return program, result

        with board:
            program, result = run_with_clock(station.clock.spec(), main, bench=bench)
        return Rehearsal(program, result, RunReader(root.run_folder(result.run_id)))


def _bench_factory() -> Any:
    for point in entry_points(group="labctl.benches", name="virtual"):
        return point.load()
    raise UserInputError("a rehearsal needs the simulators; install labctl again from its folder.")


def _kept(
    root: DataRoot, program: Program, twin: str, bench: Mapping[str, Any], rehearsal: Rehearsal
) -> Prediction:
    """Keep the prediction in the data root, for drawing behind the measured curve."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from labctl.analysis.curves import thinned

    result = rehearsal.result
    block = rehearsal.reader.records(["test_time_second", "voltage_volt", "cycle_count"])
    time_s, voltage_V = thinned(block["test_time_second"], block["voltage_volt"], CURVE_COLUMNS)
    folder = Path(root.path) / PREDICTIONS
    folder.mkdir(exist_ok=True)
    stem = f"{program.cell.cell_id}-{program.protocol_hash[:12]}"
    curve = folder / f"{stem}.parquet"
    table = pa.table({"test_time_second": pa.array(time_s), "voltage_volt": pa.array(voltage_V)})
    temporary = curve.with_suffix(".tmp")
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(curve)
    prediction = Prediction(
        protocol=program.protocol_name,
        protocol_hash=program.protocol_hash,
        cell_id=str(program.cell.cell_id),
        twin=twin,
        twin_parameters=dict(bench["cells"][0]),
        outcome=result.outcome.value if result.outcome else result.state,
        duration_s=result.test_time_s,
        rows=result.rows,
        cycles=int(block["cycle_count"][-1]) if len(block) else 0,
        events=tuple(f"{finding.kind}: {finding.text}" for finding in result.findings[:20]),
        warnings=program.warnings,
        curve=str(curve),
    )
    (folder / f"{stem}.json").write_text(json.dumps(asdict(prediction), indent=1), encoding="utf-8")
    return prediction


def _tell(prediction: Prediction, args: argparse.Namespace) -> int:
    fine = prediction.outcome in ("finished", "short", "dead", "protect", "stopped")
    if args.json:
        emit_json(asdict(prediction))
        return EXIT_OK if fine else EXIT_FAILED
    say(
        f"{prediction.protocol} on a twin of {prediction.cell_id}, parameters '{prediction.twin}' of the cell models:"
    )
    say(
        f"    ends as '{prediction.outcome}' after {duration(prediction.duration_s)}, {prediction.cycles} cycles, "
        f"{prediction.rows:,} rows"
    )
    for text in (*prediction.warnings, *prediction.events):
        say(f"    {text}")
    say(f"    predicted voltage: {prediction.curve}")
    return EXIT_OK if fine else EXIT_FAILED
