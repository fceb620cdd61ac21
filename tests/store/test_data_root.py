"""The data root and the catalogue: one writer, safe names, rebuilt from the folders (S4, S5, X07, F20, F27, F38)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labctl.errors import StoreError, UserInputError
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, RunId
from labctl.store import names
from labctl.store.catalogue import Catalogue, cell_from_json, cell_to_json, rebuild
from labctl.store.root import DataRoot, Space, SpaceLevel, unfit_place
from labctl.store.runwriter import Receipt, RunWriter
from labctl.testing.rows import cycling_rows

START = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
CELL = Cell(CellId("C0007"), 'Zn | 电池 "x"', CellKind.SYMMETRIC, diameter_mm=10.0, notes="=1+1")
HOLD = """
import sys
from labctl.store.root import DataRoot
DataRoot(sys.argv[1]).lock("labctl run")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_told_who_holds_the_root_and_how_to_go_on(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as caught:
            DataRoot(tmp_path).lock()
        assert f"process {holder.pid}" in str(caught.value)
        assert "labctl run" in str(caught.value)
        assert "--data" in str(caught.value)
    finally:
        holder.kill()
        holder.communicate()
    with DataRoot(tmp_path).lock() as free:
        assert free.lock() is free


def test_run_folders_are_found_by_id_and_ids_are_made_of_time_and_cell(real_root: DataRoot) -> None:
    run_id = real_root.new_run_id("C0007", START)
    assert run_id == "20261103T083000-C0007"
    writer = RunWriter.create(real_root, run_id, {}, START)
    assert writer.folder == real_root.path / "runs" / "2026" / "11" / run_id
    assert real_root.new_run_id("C0007", START) == f"{run_id}-2"
    assert real_root.run_folder(run_id) == writer.folder
    assert list(real_root.run_folders()) == [writer.folder]
    with pytest.raises(StoreError, match="exists already"):
        RunWriter.create(real_root, run_id, {}, START)
    with pytest.raises(StoreError, match=f"Did you mean {run_id}"):
        real_root.run_folder("C0007")


@pytest.mark.parametrize(
    "text",
    ["", "..", "a/b", "a\\b", "NUL", "con", "com1.txt", "x" * 300, "‮evil", "🔋", "a.", "-a", "a b", "a\n"],
)
def test_text_that_could_leave_the_root_or_trip_windows_never_names_a_folder(
    real_root: DataRoot, text: str
) -> None:
    assert not names.is_safe_id(text)
    with pytest.raises(StoreError):
        RunWriter.create(real_root, RunId(text), {}, START)
    with pytest.raises(StoreError):
        real_root.run_folder(text)
    with Catalogue(real_root) as catalogue, pytest.raises(UserInputError):
        catalogue.cells.add(replace(CELL, cell_id=CellId(text)))


def test_synced_folders_are_no_place_for_the_primary_store(tmp_path: Path) -> None:
    for name in ("OneDrive - Lab", "Dropbox", "Google Drive", "Nextcloud"):
        assert "sync" in str(unfit_place(tmp_path / name / "data"))
        with pytest.raises(StoreError, match="--data"):
            DataRoot(tmp_path / name / "data")
    assert unfit_place(tmp_path) is None


def test_watermarks_follow_free_room() -> None:
    gb = 10**9
    assert Space(500 * gb, 1000 * gb).level is SpaceLevel.OK
    assert Space(90 * gb, 1000 * gb).level is SpaceLevel.WARN
    assert Space(40 * gb, 1000 * gb).level is SpaceLevel.HIGH
    assert Space(int(1.9 * gb), 4 * gb).level is SpaceLevel.HIGH


def test_a_root_of_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    DataRoot(tmp_path)
    (tmp_path / "labctl-root.json").write_text('{"schema": "labctl.root/9"}', encoding="utf-8")
    with pytest.raises(StoreError, match=r"labctl\.root/9"):
        DataRoot(tmp_path)
    with pytest.raises(StoreError, match="not a data root"):
        DataRoot(tmp_path / "nowhere", create=False)


def test_cells_are_revised_never_overwritten(real_root: DataRoot) -> None:
    with Catalogue(real_root) as catalogue:
        catalogue.cells.add(CELL)
        assert catalogue.cells.update(CELL) == 1
        assert catalogue.cells.update(replace(CELL, active_mass_mg=3.2)) == 2
        assert catalogue.cells.get("C0007").active_mass_mg == 3.2
        assert [cell.active_mass_mg for cell in catalogue.cells.revisions("C0007")] == [None, 3.2]
        assert catalogue.cells.list() == [replace(CELL, active_mass_mg=3.2)]
        with pytest.raises(UserInputError, match="registered already"):
            catalogue.cells.add(CELL)
        with pytest.raises(UserInputError, match="Registered: C0007"):
            catalogue.cells.get("C9")
        with pytest.raises(UserInputError, match="add it first"):
            catalogue.cells.update(replace(CELL, cell_id=CellId("C9")))
    assert cell_from_json(json.loads(json.dumps(cell_to_json(CELL)))) == CELL


def make_run(root: DataRoot, cell: Cell) -> RunWriter:
    manifest = {
        "cell": cell_to_json(cell),
        "protocol": {"name": "P1", "hash": "h1", "text": "labctl: protocol/1"},
        "channel": "neware:1-1",
        "started_utc": "2026-11-03T08:30:00Z",
        "state": "ended",
        "outcome": "short",
    }
    writer = RunWriter.create(root, root.new_run_id(cell.cell_id, START), manifest, START)
    writer.append(cycling_rows(20), Receipt("2026-11-03T08:30:00Z", 0.0, "test"))
    writer.finish(15)
    return writer


def test_the_catalogue_is_rebuilt_from_the_folders_alone(real_root: DataRoot) -> None:
    other = replace(CELL, cell_id=CellId("C8"), name="only in its run")
    with Catalogue(real_root) as catalogue:
        catalogue.cells.add(CELL)
        catalogue.cells.update(replace(CELL, batch="B2"))
        for cell in (CELL, other):
            catalogue.runs.upsert(make_run(real_root, cell).manifest)
        before = (catalogue.cells.list(), catalogue.runs.list(), catalogue.protocols.list())
    real_root.catalogue_path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="store rebuild"):
        Catalogue(real_root)
    made = rebuild(real_root)
    assert (made.cells, made.runs, made.protocols, made.problems) == (2, 2, 1, ())
    with Catalogue(real_root) as catalogue:
        assert catalogue.cells.list() == [*before[0], other]
        assert (catalogue.runs.list(), catalogue.protocols.list()) == before[1:]
        assert catalogue.cells.revisions("C0007")[0].batch == ""
        entry = catalogue.runs.list(cell_id="C8", state="ended")[0]
        assert (entry.outcome, entry.end_sequence, entry.channel) == ("short", 15, "neware:1-1")
        assert (real_root.path / entry.folder).is_dir()
        assert catalogue.protocols.get("h1").text == "labctl: protocol/1"


def test_a_rebuild_names_the_folders_it_could_not_use_and_keeps_the_rest(real_root: DataRoot) -> None:
    good, bad = make_run(real_root, CELL), make_run(real_root, replace(CELL, cell_id=CellId("C8")))
    for name in (names.MANIFEST, names.MANIFEST_BEFORE):
        (bad.folder / name).write_text("{", encoding="utf-8")
    made = rebuild(real_root)
    assert made.runs == 1
    assert bad.folder.name in made.problems[0]
    with Catalogue(real_root) as catalogue:
        assert catalogue.runs.get(good.folder.name).state == "ended"
        with pytest.raises(StoreError, match="store rebuild"):
            catalogue.runs.get(bad.folder.name)
