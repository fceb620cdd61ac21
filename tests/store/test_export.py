"""Exports: the Battery Data Format's identities, escaping, busy targets, bounded memory (S4, X08, F20)."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from labctl.errors import StoreError, UserInputError
from labctl.model.ids import RunId
from labctl.model.record import CHARGE_CODES, DISCHARGE_CODES
from labctl.store.bdf import significant
from labctl.store.disk import RealDisk
from labctl.store.export import ExportFormat, escape_cell, export_run, suggested_name
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")
MANIFEST: dict[str, Any] = {
    "cell": {"cell_id": "C1", "name": "=HYPERLINK(1)"},
    "protocol": {"name": "P1", "hash": "abc", "text": "labctl: protocol/1"},
    "channel": "neware:1-1",
    "started_utc": "2026-01-01T00:00:00Z",
    "segments": [{"segment": 1, "started_utc": "2026-01-01T00:00:05Z", "time_offset_s": 0.0}],
    "state": "ended",
}


@pytest.fixture
def reader(real_root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> RunReader:
    monkeypatch.setattr("labctl.store.names.ROWS_PER_FILE", 1000)
    writer = RunWriter.create(real_root, RUN, MANIFEST, START)
    block = cycling_rows(3700)
    for start in range(0, 3700, 137):
        writer.append(block.rows(start, min(start + 137, 3700)), RECEIPT)
        if start == 1370:
            writer.ambient(float(block["test_time_second"][start]), 25.125)
    writer.finish(None)
    return RunReader(writer.folder)


def assert_identities(table: pd.DataFrame) -> None:
    """Re-implement what the 0.2.0 validator checks of ontology 1.3.0."""
    for quantity in ("Capacity / Ah", "Energy / Wh"):
        for prefix in ("", "Step ", "Cycle "):
            charging = table[f"{prefix}Charging {quantity}"].to_numpy()
            discharging = table[f"{prefix}Discharging {quantity}"].to_numpy()
            np.testing.assert_allclose(
                table[f"{prefix}Cumulative {quantity}"], charging + discharging, rtol=1e-6
            )
            np.testing.assert_allclose(
                table[f"{prefix}Net {quantity}"], charging - discharging, rtol=1e-6, atol=0
            )
        assert (np.diff(table[f"Charging {quantity}"]) >= 0).all()
        assert (np.diff(table[f"Discharging {quantity}"]) >= 0).all()
    assert (np.diff(table["Test Time / s"]) >= 0).all()
    np.testing.assert_allclose(np.diff(table["Test Time / s"]), np.diff(table["Unix Time / s"]), atol=2e-3)
    for counter in ("Cycle Count / 1", "Step Count / 1", "Record Index / 1"):
        assert (np.diff(table[counter]) >= 0).all()
        assert (table[counter] == table[counter].round()).all()
    for _, step in table.groupby("Step Count / 1"):
        assert step["Step Record Index / 1"].tolist() == list(range(1, len(step) + 1))
        assert step["Step ID"].nunique() == 1


@pytest.mark.parametrize("fmt", ["bdf-csv", "bdf-parquet"])
def test_a_bdf_export_satisfies_the_identities_of_1_3(reader: RunReader, tmp_path: Path, fmt: str) -> None:
    saved = export_run(reader, fmt, tmp_path / "cell.bdf.x")
    table = pd.read_csv(saved) if fmt == "bdf-csv" else pd.read_parquet(saved)
    assert len(table) == 3700
    assert_identities(table)
    assert table["Unix Time / s"][0] == datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC).timestamp()
    assert table["Ambient Temperature / degC"].isna().sum() == 1370
    assert table["Ambient Temperature / degC"].iloc[-1] == 25.125
    block = reader.records()
    np.testing.assert_allclose(table["Voltage / V"], block["voltage_volt"], rtol=1e-9, atol=1e-12)


def test_totals_from_test_start_are_sums_of_the_instruments_step_counters(
    reader: RunReader, tmp_path: Path
) -> None:
    table = pd.read_parquet(export_run(reader, "bdf-parquet", tmp_path / "x.bdf.parquet"))
    block = reader.records()
    for codes, name in ((CHARGE_CODES, "Charging"), (DISCHARGE_CODES, "Discharging")):
        last = np.append(np.flatnonzero(np.diff(block["step_count"])), len(block) - 1)
        chosen = last[np.isin(block["step_type"][last], codes)]
        assert table[f"{name} Capacity / Ah"].iloc[-1] == pytest.approx(
            block["step_capacity_ah"][chosen].sum()
        )
    per_cycle = table.groupby("Cycle Count / 1")["Cycle Charging Capacity / Ah"].max()
    np.testing.assert_allclose(per_cycle.iloc[:-1], 0.785398e-3, rtol=1e-9)


def test_an_export_has_the_same_bytes_however_the_rows_are_cut(
    reader: RunReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = export_run(reader, "bdf-csv", tmp_path / "a.csv").read_bytes()
    monkeypatch.setattr("labctl.store.export.BLOCK_ROWS_MAX", 97)
    assert export_run(reader, "bdf-csv", tmp_path / "b.csv").read_bytes() == whole


def test_profile_0_1_has_the_labels_of_the_release(reader: RunReader, tmp_path: Path) -> None:
    table = pd.read_csv(export_run(reader, "bdf-csv", tmp_path / "x.bdf.csv", bdf_profile="0.1"))
    assert {"Step Index / 1", "Step Capacity / Ah", "Net Capacity / Ah"} <= set(table.columns)
    assert not {"Step Record Index / 1", "Step ID", "Step Time / s", "Record Index / 1"} & set(table.columns)


def test_the_metadata_side_file_names_cell_protocol_software_and_the_hash_of_the_data(
    reader: RunReader, tmp_path: Path
) -> None:
    saved = export_run(reader, "bdf-parquet", tmp_path / "x.bdf.parquet")
    side = json.loads((tmp_path / "x.bdf.metadata.json").read_text(encoding="utf-8"))
    assert side["file"]["sha256"] == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert side["file"]["rows"] == 3700
    assert side["cell"] == MANIFEST["cell"]
    assert side["protocol"]["hash"] == "abc"
    assert side["records_digest"] == reader.digest()


def test_rows_behind_the_end_are_not_exported(real_root: DataRoot, tmp_path: Path) -> None:
    writer = RunWriter.create(real_root, RUN, MANIFEST, START)
    writer.append(cycling_rows(500), RECEIPT)
    writer.finish(450)
    assert len(pd.read_csv(export_run(RunReader(writer.folder), "csv", tmp_path / "x.csv"))) == 450


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0x"])
def test_a_text_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert escape_cell(text) == "'" + text


def test_numbers_stay_numbers_and_plain_text_stays_plain(reader: RunReader, tmp_path: Path) -> None:
    assert escape_cell("CC_CHG") == "CC_CHG"
    with export_run(reader, "csv", tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[400]["voltage_volt"]) < 0
    assert rows[0]["step_type"] == "CC_CHG"


def test_significant_digits_are_those_of_the_decimal_text() -> None:
    values = np.array([0.0, 1.0, -0.5, 0.785398163397, 1234567.891234, 1e-7 / 3, np.nan, 2.5e-300])
    expected = [float(f"{value:.9g}") for value in values[:6]]
    assert significant(values)[:6].tolist() == expected
    assert np.isnan(significant(values)[6])


class BusyDisk(RealDisk):
    """A disk on which one name is held open by another program for a while."""

    def __init__(self, name: str, refusals: int) -> None:
        self.name, self.refusals = name, refusals

    def rename(self, source: Path, target: Path) -> None:
        if target.name == self.name and self.refusals > 0:
            self.refusals -= 1
            raise PermissionError(13, "held open by another program", str(target))
        super().rename(source, target)


def test_a_busy_target_is_tried_again_with_growing_pauses(reader: RunReader, tmp_path: Path) -> None:
    waits: list[float] = []
    saved = export_run(reader, "csv", tmp_path / "x.csv", wait=waits.append, disk=BusyDisk("x.csv", 3))
    assert saved.name == "x.csv"
    assert waits == [0.05, 0.1, 0.2]


def test_a_target_busy_for_a_day_is_saved_under_a_second_name(reader: RunReader, tmp_path: Path) -> None:
    (tmp_path / "x (2).bdf.csv").write_text("taken", encoding="utf-8")
    disk = BusyDisk("x.bdf.csv", 10**9)
    saved = export_run(reader, "bdf-csv", tmp_path / "x.bdf.csv", wait=lambda _s: None, disk=disk)
    assert saved.name == "x (3).bdf.csv"
    assert (tmp_path / "x (3).bdf.metadata.json").is_file()
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_progress_is_told_after_each_block(reader: RunReader, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export_run(reader, "bdf-parquet", tmp_path / "x", progress=lambda done, total: told.append((done, total)))
    assert told == [(1000, 3700), (2000, 3700), (3000, 3700), (3700, 3700)]


def test_a_folder_as_target_gets_a_file_named_as_bdf_recommends(reader: RunReader, tmp_path: Path) -> None:
    assert suggested_name(reader, ExportFormat.BDF_CSV) == "labctl__C1__20260101_000000.bdf.csv"
    folder = tmp_path / "out"
    folder.mkdir()
    assert export_run(reader, "neware-csv", folder).name == "labctl__C1__20260101_000000.neware.csv"


def test_unknown_formats_and_empty_runs_are_refused_in_one_sentence(
    reader: RunReader, real_root: DataRoot, tmp_path: Path
) -> None:
    with pytest.raises(UserInputError, match="bdf-csv, bdf-parquet"):
        export_run(reader, "xlsx", tmp_path / "x")
    with pytest.raises(UserInputError, match=r"0\.1, 1\.3"):
        export_run(reader, "csv", tmp_path / "x", bdf_profile="2")
    empty = RunWriter.create(real_root, RunId("empty"), {}, START)
    with pytest.raises(StoreError, match="no rows"):
        export_run(RunReader(empty.folder), "csv", tmp_path / "x")
    assert list(tmp_path.glob("x*")) == []
