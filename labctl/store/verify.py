"""Check a run folder: name each damaged block, missing row and line; change nothing (F22)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from labctl.errors import StoreError
from labctl.store import folder as run_folder
from labctl.store import names, parquet, runspectra
from labctl.store.disk import Disk
from labctl.store.lines import read_lines
from labctl.store.manifest import decode_manifest, read_manifest

STATION_FOLDER = "station"
"""Where the station keeps its own files in the data root."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written. ``file`` is its name inside the run folder or data root."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def verify_folder(disk: Disk, folder: Path) -> list[Finding]:
    """Check manifest, records, clock, summary, tail, line files and spectra. An empty list means whole."""
    return [
        *_manifest(disk, folder),
        *_records(disk, folder),
        *_tables(disk, folder),
        *_line_files(disk, folder),
        *(Finding(name, problem) for name, problem in runspectra.damages(disk, folder)),
    ]


def verify_station(disk: Disk, root: Path) -> list[Finding]:
    """Check the chained files of a data root: the cells and everything the station keeps in ``station/``.

    A changed, lost or inserted line breaks the chain and is named; an empty list means whole.
    """
    paths = [root / names.CELLS]
    paths += [
        root / STATION_FOLDER / name for name in disk.names(root / STATION_FOLDER) if name.endswith(".jsonl")
    ]
    found = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            data = disk.read(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            found.append(Finding(name, f"cannot be read ({run_folder.one_line(error)})"))
            continue
        content = read_lines(data, chained=True)
        found += [Finding(name, f"line {line} does not fit its check") for line in content.bad]
        steps = itertools.pairwise(line.number for line in content.lines)
        found += [Finding(name, f"line {two} follows line {one}") for one, two in steps if two <= one]
    return found


def _manifest(disk: Disk, folder: Path) -> Iterator[Finding]:
    try:
        _, whole = decode_manifest(disk.read(folder / names.MANIFEST))
    except (OSError, ValueError) as error:
        yield Finding(names.MANIFEST, f"cannot be read ({run_folder.one_line(error)})")
        try:
            read_manifest(disk, folder)
        except StoreError:
            yield Finding(names.MANIFEST_BEFORE, "cannot be read either")
        return
    if not whole:
        yield Finding(names.MANIFEST, "does not fit its checksum: changed by hand or damaged")


def _records(disk: Disk, folder: Path) -> Iterator[Finding]:
    present = disk.names(folder)
    logs = run_folder.live_logs(disk, folder)
    after = 0
    end = _end_sequence(disk, folder)
    for number in sorted({*logs, *names.sealed_numbers(present)}):
        content = run_folder.load(disk, folder, number, logs.get(number, []))
        for text in content.damages:
            file, _, problem = text.partition(" ")
            yield Finding(file.rstrip(":"), problem)
        sequence = content.block["sequence"]
        for first, last in run_folder.missing_ranges(sequence[sequence <= end], after):
            yield Finding(names.records_name(number), f"the rows {first} to {last} are missing")
        if len(sequence):
            after = int(sequence[-1])
    for name in present:
        if name.endswith(".damaged"):
            yield Finding(name, "is a log with damaged blocks, kept aside when its readable rows were sealed")


def _end_sequence(disk: Disk, folder: Path) -> int:
    """Return the row that ended the run; rows behind it may lie in the tail."""
    try:
        value = read_manifest(disk, folder).get("end_sequence")
    except StoreError:
        value = None
    return 2**62 if value is None else int(value)


def _tables(disk: Disk, folder: Path) -> Iterator[Finding]:
    for name in disk.names(folder):
        if name in (names.SUMMARY, names.TAIL) or (name.startswith("clock-") and name.endswith(".parquet")):
            try:
                parquet.decode_table(disk.read(folder / name))
            except (OSError, ValueError, pa.ArrowException) as error:
                yield Finding(name, f"cannot be read ({run_folder.one_line(error)})")


def _line_files(disk: Disk, folder: Path) -> Iterator[Finding]:
    for name in (names.EVENTS, names.RECEIPTS, names.AMBIENT, names.JOURNAL):
        try:
            data = disk.read(folder / name)
        except FileNotFoundError:
            continue
        for line in read_lines(data, chained=name == names.JOURNAL).bad:
            yield Finding(name, f"line {line} does not fit its check")
