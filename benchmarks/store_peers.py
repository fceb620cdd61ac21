"""Measure the peers of bench_store.py. Runs in the peers' environment: store_peers.py ROW FOLDER ROWS.npz

Prints one JSON object {peer: figure}. Rows are columns named as in labctl, saved by bench_store.py.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

warnings.filterwarnings("ignore")
fdatasync = getattr(os, "fdatasync", os.fsync)
READING = (
    "test_time_second",
    "voltage_volt",
    "current_ampere",
    "cycle_count",
    "step_count",
    "step_capacity_ah",
)


def cpu_rate(rows: int, work: Callable[[], object]) -> float:
    """Return rows per second of this process's CPU time."""
    start = time.process_time()
    work()
    return rows / (time.process_time() - start)


def readings(columns: dict[str, np.ndarray], rows: int) -> list[tuple[float, ...]]:
    """Return rows as Python tuples of the six values a reading has."""
    return list(zip(*(np.resize(columns[name], rows).tolist() for name in READING), strict=True))


# -- A1, A2: rows per CPU second --


def pymeasure_writer(folder: Path, name: str) -> Any:
    from pymeasure.experiment import Procedure, Results
    from pymeasure.experiment.listeners import Recorder

    class Cycling(Procedure):
        DATA_COLUMNS = list(READING)  # noqa: RUF012 (the peer wants a list)

    results = Results(Cycling(), str(folder / name))
    recorder = Recorder(results, None)
    return results, recorder.handlers[0]


def pymeasure_rows(folder: Path, columns: dict[str, np.ndarray], rows: int) -> float:
    """Feed the recorder's handler one dictionary per reading, as its queue listener does (no fsync)."""
    _, handler = pymeasure_writer(folder, "one.csv")
    tuples = readings(columns, rows)

    def work() -> None:
        for values in tuples:
            handler.emit(dict(zip(READING, values, strict=True)))

    return cpu_rate(rows, work)


def pymeasure_batches(folder: Path, columns: dict[str, np.ndarray], rows: int, batch: int = 256) -> float:
    """Split each batch reply into dictionaries: the recorder has no other entrance."""
    _, handler = pymeasure_writer(folder, "batch.csv")
    arrays = {name: np.resize(columns[name], rows) for name in READING}

    def work() -> None:
        for start in range(0, rows, batch):
            lists = [arrays[name][start : start + batch].tolist() for name in READING]
            for values in zip(*lists, strict=True):
                handler.emit(dict(zip(READING, values, strict=True)))

    return cpu_rate(rows, work)


def qcodes_measurement(folder: Path, paramtype: str) -> Any:
    from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment

    initialise_or_create_database_at(str(folder / f"{paramtype}.db"))
    measurement = Measurement(exp=load_or_create_experiment("bench", sample_name="cell"))
    measurement.register_custom_parameter("test_time_second", paramtype=paramtype)
    for name in READING[1:]:
        measurement.register_custom_parameter(name, setpoints=("test_time_second",), paramtype=paramtype)
    measurement.write_period = 1.0
    return measurement


def qcodes_rows(folder: Path, columns: dict[str, np.ndarray], rows: int) -> float:
    tuples = readings(columns, rows)
    with qcodes_measurement(folder, "numeric").run() as saver:

        def work() -> None:
            for values in tuples:
                saver.add_result(*zip(READING, values, strict=True))
            saver.flush_data_to_database()

        return cpu_rate(rows, work)


def qcodes_arrays(folder: Path, columns: dict[str, np.ndarray], rows: int, batch: int = 256) -> float:
    arrays = {name: np.resize(columns[name], rows).astype(float) for name in READING}
    with qcodes_measurement(folder, "array").run() as saver:

        def work() -> None:
            for start in range(0, rows, batch):
                saver.add_result(*((name, arrays[name][start : start + batch]) for name in READING))
            saver.flush_data_to_database()

        return cpu_rate(rows, work)


def bluesky_rows(folder: Path, columns: dict[str, np.ndarray], rows: int) -> float:
    """Run a plan that reads one device of six signals per event; documents go to a JSON-lines file."""
    from bluesky import RunEngine
    from bluesky import plan_stubs as bps
    from bluesky import preprocessors as bpp
    from ophyd.sim import SynSignal

    source = iter(readings(columns, rows + 10))
    present: list[tuple[float, ...]] = [next(source)]
    signals = [
        SynSignal(name=name, func=lambda place=place: present[0][place]) for place, name in enumerate(READING)
    ]
    file = (folder / "documents.jsonl").open("w")
    engine = RunEngine({})
    engine.subscribe(lambda kind, document: file.write(json.dumps([kind, document], default=str) + "\n"))

    @bpp.run_decorator()
    def plan() -> Any:
        for _ in range(rows):
            present[0] = next(source)
            yield from bps.trigger_and_read(signals)

    return cpu_rate(rows, lambda: engine(plan()))


def tomato_batches(folder: Path, columns: dict[str, np.ndarray], rows: int, batch: int = 10) -> list[float]:
    """Store batches as its job process does; return CPU seconds per batch."""
    import xarray as xr
    from tomato.daemon.io import data_to_pickle

    arrays = {name: np.resize(columns[name], rows) for name in READING}
    spent = []
    for start in range(0, rows, batch):
        begun = time.process_time()
        data = {name: ("uts", arrays[name][start : start + batch]) for name in READING}
        dataset = xr.Dataset(data, coords={"uts": arrays["test_time_second"][start : start + batch]})
        data_to_pickle(dataset, folder / "role.pkl", "cycler")
        spent.append(time.process_time() - begun)
    return spent


def row_a1(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, float]:
    spent = tomato_batches(folder, columns, 2000)
    return {
        "PyMeasure": pymeasure_rows(folder, columns, 100_000),
        "QCoDeS": qcodes_rows(folder, columns, 10_000),
        "Bluesky": bluesky_rows(folder, columns, 500),
        "tomato": 2000 / sum(spent),
    }


def row_a2(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, float]:
    return {
        "PyMeasure batch": pymeasure_batches(folder, columns, 100_000),
        "QCoDeS array": qcodes_arrays(folder, columns, 512_000),
    }


def row_a3(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, float]:
    """Return how much dearer a block or refresh is with much data than with little."""
    spent = tomato_batches(folder, columns, 50_000, batch=500)
    results, handler = pymeasure_writer(folder, "refresh.csv")

    def refresh(rows: int) -> float:
        for values in readings(columns, rows):
            handler.emit(dict(zip(READING, values, strict=True)))
        handler.flush()
        results.reload()
        start = time.process_time()
        results.reload()
        return time.process_time() - start

    few = min(refresh(1000) for _ in range(3))
    many = refresh(300_000)
    return {
        "tomato (5e4 rows / 1e3)": float(np.mean(spent[-5:]) / np.mean(spent[1:3])),
        "PyMeasure refresh (3e5 rows / 1e3)": many / few,
    }


# -- B1, B2: rows per second with a sync each commit --


def timed(rows: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return rows / (time.perf_counter() - start)


def sqlite_commits(folder: Path, columns: dict[str, np.ndarray], commits: int, each: int) -> float:
    """Insert with synchronous=FULL in WAL mode; the tuples are made before the clock starts."""
    connection = sqlite3.connect(folder / "commits.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE IF NOT EXISTS records ({', '.join(columns)})")
    rows = commits * each
    tuples = list(zip(*(np.resize(column, rows).tolist() for column in columns.values()), strict=True))
    insert = f"INSERT INTO records VALUES ({', '.join('?' * len(columns))})"

    def work() -> None:
        for start in range(0, rows, each):
            connection.execute("BEGIN")
            connection.executemany(insert, tuples[start : start + each])
            connection.execute("COMMIT")

    return timed(rows, work)


def arrow_commits(folder: Path, columns: dict[str, np.ndarray], commits: int, each: int) -> float:
    """Append record batches to an IPC stream, fdatasync after each."""
    import pyarrow as pa

    arrays = {name: np.resize(column, commits * each) for name, column in columns.items()}
    path = folder / "stream.arrows"
    schema = pa.table({name: array[:1] for name, array in arrays.items()}).schema
    with path.open("wb", buffering=0) as file, pa.ipc.new_stream(file, schema) as writer:

        def work() -> None:
            for start in range(0, commits * each, each):
                pieces = [pa.array(array[start : start + each]) for array in arrays.values()]
                writer.write_batch(pa.record_batch(pieces, schema=schema))
                fdatasync(file.fileno())

        return timed(commits * each, work)


def hdf5_commits(folder: Path, columns: dict[str, np.ndarray], commits: int, each: int) -> float:
    """Append to one compound dataset in SWMR mode, flush and fdatasync after each."""
    import h5py

    dtype = np.dtype([(name, column.dtype) for name, column in columns.items()])
    table = np.empty(commits * each, dtype=dtype)
    for name, column in columns.items():
        table[name] = np.resize(column, commits * each)
    path = folder / "swmr.h5"
    file = h5py.File(path, "w", libver="latest")
    dataset = file.create_dataset("records", (0,), dtype, maxshape=(None,), chunks=(4096,))
    file.swmr_mode = True
    descriptor = os.open(path, os.O_RDWR)

    def work() -> None:
        for start in range(0, len(table), each):
            dataset.resize((start + each,))
            dataset[start : start + each] = table[start : start + each]
            dataset.flush()
            fdatasync(descriptor)

    rate = timed(len(table), work)
    file.close()
    os.close(descriptor)
    return rate


def row_b1(
    folder: Path, columns: dict[str, np.ndarray], each: int = 256, commits: int = 400
) -> dict[str, float]:
    return {
        "SQLite FULL": sqlite_commits(folder, columns, commits, each),
        "Arrow stream": arrow_commits(folder, columns, commits, each),
        "HDF5 SWMR": hdf5_commits(folder, columns, commits, each),
    }


def row_b2(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, float]:
    return row_b1(folder, columns, each=2560, commits=60)


# -- B4, B5: sealed size and reading --


def row_b4(folder: Path, columns: dict[str, np.ndarray]) -> dict[str, float]:
    """Return bytes per row of the same columns in other formats with their default settings."""
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = len(columns["sequence"])
    table = pa.table(columns)
    pq.write_table(table, folder / "default.parquet")
    connection = duckdb.connect(str(folder / "records.duckdb"))
    connection.register("source", table)
    connection.execute("CREATE TABLE records AS SELECT * FROM source")
    connection.close()
    pd.DataFrame(columns).to_csv(folder / "records.csv", index=False)
    lite = sqlite3.connect(folder / "records.db")
    lite.execute(f"CREATE TABLE records ({', '.join(columns)})")
    tuples = zip(*(column.tolist() for column in columns.values()), strict=True)
    lite.executemany(f"INSERT INTO records VALUES ({', '.join('?' * len(columns))})", tuples)
    lite.commit()
    lite.close()
    files = {
        "Parquet": "default.parquet",
        "DuckDB": "records.duckdb",
        "CSV": "records.csv",
        "SQLite": "records.db",
    }
    return {name: (folder / file).stat().st_size / rows for name, file in files.items()}


def main() -> int:
    """Measure one row and print it."""
    row, folder, source = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(source) as archive:
        columns = {name: archive[name] for name in archive.files}
    measure: dict[str, Callable[[Path, dict[str, np.ndarray]], dict[str, float]]] = {
        "A1": row_a1, "A2": row_a2, "A3": row_a3, "B1": row_b1, "B2": row_b2, "B4": row_b4,
    }  # fmt: skip
    answer = os.dup(1)
    os.dup2(2, 1)  # what the peers print is not the answer
    found = measure[row](folder, columns)
    os.write(answer, (json.dumps(found) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
