"""Runs of a station elsewhere, fetched through its API into a folder of the moment: for figures and exports here."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_OK
from labctl.cli.atstation import ends_text, is_elsewhere, number, station_client
from labctl.cli.context import root_of, run_named
from labctl.cli.output import emit_json, say
from labctl.cli.runacts import run_at

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.run import RunSummary
    from labctl.store.runreader import RunReader

TELL_EVERY_S = 2.0
"""Link seconds between two lines of a followed run, unless it changes its phase."""
ENDED = "ended"


@contextlib.contextmanager
def readers(args: argparse.Namespace, words: Sequence[str]) -> Iterator[list[RunReader]]:
    """Yield readers of the named runs: of the data root here, or of copies where a station elsewhere is meant."""
    from labctl.store.runreader import RunReader

    if not is_elsewhere(args):
        root = root_of(args)
        yield [RunReader(root.run_folder(run_named(root, word))) for word in words]
        return
    with tempfile.TemporaryDirectory(prefix="labctl-runs-") as folder, station_client(args) as station:
        yield [RunReader(fetched(station, run_at(station, word), Path(folder))) for word in words]


def fetched(station: Station, run_id: str, folder: Path) -> Path:
    """Write a run's manifest, rows and chamber readings below ``folder`` as a run folder has them; return it.

    A records file at a time, so memory stays bounded; the rows have the digest that they have at the station.
    """
    import numpy as np

    from labctl.model.record import RECORD_COLUMNS
    from labctl.store import names, parquet
    from labctl.store.lines import encode_line

    place = folder / run_id
    place.mkdir()
    manifest = station.runs.get(run_id).manifest
    (place / names.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    readings = [
        encode_line(count, {name: value for name, value in reading.items() if name not in ("n", "check")})
        for count, reading in enumerate(station.runs.ambient(run_id), 1)
    ]
    (place / names.AMBIENT).write_bytes(b"".join(line.raw for line in readings))
    columns = [*RECORD_COLUMNS, "device_clock"]
    for file in range(1, 10_000):
        after = names.last_sequence_of(file - 1)
        table = station.runs.records(run_id, after=after, limit=names.ROWS_PER_FILE, columns=columns)
        if table.num_rows == 0:
            break
        clock = np.array([(text or "").encode() for text in table["device_clock"].to_pylist()], dtype="S19")
        block = parquet.block_of(table.select(list(RECORD_COLUMNS)))
        (place / names.records_name(file)).write_bytes(parquet.encode_records(block))
        (place / names.clock_name(file)).write_bytes(parquet.encode_clock(block["sequence"], clock))
    return place


def follow(args: argparse.Namespace) -> int:
    """Tell how a run goes on through its station until it has ended; Ctrl-C leaves it alone."""
    from labctl.clock import link_now_s

    last: RunSummary | None = None
    told_s, phase = -TELL_EVERY_S, ""
    with station_client(args) as station:
        run_id = run_at(station, args.run_id)
        try:
            for last in station.runs.follow(run_id):
                now_s = link_now_s()
                due = now_s - told_s >= TELL_EVERY_S or last.phase != phase or last.state == ENDED
                if due and not args.json:
                    say(_line(last))
                    told_s, phase = now_s, last.phase
        except KeyboardInterrupt:
            say(f"No longer watching; run {run_id} goes on.", stderr=True)
        if args.json:
            emit_json({**station.runs.get(run_id).manifest, "rows": 0 if last is None else last.rows})
    return EXIT_OK


def _line(at: RunSummary) -> str:
    """Return one line: phase or outcome, cycle, last values, rows, expected end."""
    words = [str(at.run_id), at.phase or at.state, at.outcome]
    if at.state != ENDED:
        values = f"{number(at.voltage_V)} V", f"{number(at.current_A, 4, 1e3)} mA"
        words += [f"cycle {at.cycle}/{at.cycles}" if at.cycles else "", *values]
    words += [f"{at.test_time_s / 3600:.2f} h", f"{at.rows:,} rows"]
    if at.state != ENDED and at.ends:
        words.append(f"ends {ends_text(at.ends)} UTC")
    words.append(at.reason if at.state == ENDED else at.sentence if at.phase != "running" else "")
    return "  ".join(word for word in words if word)
