"""``labctl protocols rehearse``: run a program on a twin of the cell in jump mode, and keep what it predicts.

The twin is a virtual cell made from **named** parameters (``--twin``, by default chosen from the registered cell's
kind, electrolyte and coating) and the registered geometry; see ``labctl.station.rehearsing``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.binding import bind_offline
from labctl.cli.context import root_of, station_if_any, station_of
from labctl.cli.output import emit_json, say
from labctl.cli.progress import RunBoard, duration
from labctl.cli.protocols import variables_of
from labctl.model.ids import ChannelId

if TYPE_CHECKING:
    from labctl.model.program import Program
    from labctl.station.rehearsing import Rehearsal
    from labctl.store.root import DataRoot

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
    from labctl.protocol.bind import bind
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol
    from labctl.station.rehearsing import TWIN_CHANNEL, perform, twin_bench, twin_of
    from labctl.store.catalogue import Catalogue

    station = station_if_any(args)
    root = root_of(args, station)
    protocol = load_protocol(find_protocol(args.protocol), variables_of(args))
    with Catalogue(root) as catalogue:
        cell = catalogue.cells.get(args.cell)
    twin = args.twin or twin_of(cell)
    bench = twin_bench(cell, twin, args.seed)
    board = RunBoard(quiet=args.json, kept=False)
    with tempfile.TemporaryDirectory(prefix="labctl-rehearsal-") as folder:
        with board:
            rehearsal = perform(
                bench,
                lambda found: bind(protocol, cell, TWIN_CHANNEL, found, has_chamber=True, spectra=False),
                cell,
                Path(folder),
                observer=board.show,
            )
        program = rehearsal.program
        if args.channel:
            program = bind_offline(station_of(args), protocol, cell, ChannelId(args.channel))
        prediction = _kept(root, program, twin, bench, rehearsal)
    return _tell(prediction, args)


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
