"""What every demo shares: its bench and cells, its data root, and what becomes of runs when it is interrupted."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED
from labctl.cli.output import emit_json, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.config.station import StationFile
    from labctl.engine.jobs import RunResult
    from labctl.model.cell import Cell
    from labctl.model.ids import RunId
    from labctl.store.root import DataRoot

DEFAULT_DATA = "labctl-demo"
POLL_S = 600.0  # plant time: the device guards its own limits, rooms are slow, and a poll costs wall time
FIGURE_FORMATS = ("pdf", "svg", "png")


def check_speed(text: str) -> None:
    """Take ``max`` or a number above 0. Raises: UserInputError."""
    if text == "max":
        return
    try:
        good = float(text) > 0.0
    except ValueError:
        good = False
    if not good:
        raise UserInputError(f"--speed is 'max' or a number above 0, not '{text}'.")


def bench_folder(data: Path) -> Path:
    """Return a new folder under the data root for the bench's own files."""
    folder = data / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="demo-", dir=folder))


def demo_station(station: StationFile) -> StationFile:
    """Return the bench's station with the demo's poll period, for its chambers too."""
    cyclers = tuple(replace(entry, poll_s=POLL_S) for entry in station.instruments)
    chambers = tuple(replace(entry, poll_s=POLL_S) for entry in station.chambers)
    return replace(station, instruments=cyclers, chambers=chambers)


def register(root: DataRoot, table: Path) -> dict[str, Cell]:
    """Register the bench's cells and return them by id; a cell of that id with other values is left alone."""
    from labctl.config.celltable import read_cell_table
    from labctl.store.catalogue import Catalogue

    read = read_cell_table(table)
    with Catalogue(root) as catalogue:
        for cell in read.cells:
            known = catalogue.cells.find(cell.cell_id)
            if known is None:
                catalogue.cells.add(cell)
            elif known != cell:
                raise UserInputError(
                    f"the data root {root.path} has another cell {cell.cell_id} ({known.name}). "
                    "Give the demo a data root of its own with --data."
                )
    return {str(cell.cell_id): cell for cell in read.cells}


def end_detached(root: DataRoot, results: Sequence[RunResult]) -> list[RunId]:
    """End the runs whose bench is gone: nothing can ever resume them. Returns their ids."""
    from labctl.engine.api import Outcome
    from labctl.store.runwriter import RunWriter

    ended = []
    for result in results:
        if result.state != "ended":
            writer = RunWriter.reopen(root, result.run_id)
            reason = "the demo was interrupted; its virtual bench ended with it"
            writer.journal("demo.interrupted", reason=reason)
            writer.update_manifest(state="ended", outcome=Outcome.STOPPED.value, reason=reason)
            writer.finish(None)
            ended.append(result.run_id)
    return ended


def tell_detached(args: argparse.Namespace, root: DataRoot, ended: Sequence[RunId]) -> int:
    """Say what became of the cells and where the rows are."""
    if args.json:
        emit_json([])
    example = ended[0] if ended else "RUN"
    say(
        f"Detached. The virtual bench of a demo ends with the demo, and with it {len(ended)} run(s): "
        f"{', '.join(ended) or 'none'}; their rows are kept in {root.path}. On a bench of its own (labctl sim, or "
        f"hardware) the cells would go on: 'labctl runs follow {example}' watches, 'labctl runs stop {example}' stops, "
        "'labctl runs resume' goes on.",
        stderr=args.json,
    )
    return EXIT_FAILED
