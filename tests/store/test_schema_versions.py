"""An upgrade in the middle of a life of runs: copies first, two versions back, rows untouched (F46)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.store import parquet, runwriter, schemas
from labctl.store.manifest import decode_manifest
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import PowerCut, SimulatedDisk
from labctl.testing.rows import cycling_rows

RUN = RunId("20260101T000000-C1")
START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 1.0, "neware:1-1/test 1")
SOURCE = cycling_rows(40)


def later(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    """Let this labctl be of a later version, each step of which notes that it was taken."""

    def step(number: int) -> schemas.Step:
        def act(manifest: dict[str, Any]) -> dict[str, Any]:
            return {**manifest, "steps": [*manifest.get("steps", []), number]}

        return act

    monkeypatch.setattr(schemas, "VERSION", version)
    monkeypatch.setattr(schemas, "STEPS", {number: step(number) for number in range(1, version)})
    monkeypatch.setattr(runwriter, "SCHEMA", f"labctl.run/{version}")


def started(root: DataRoot) -> RunWriter:
    writer = RunWriter.create(root, RUN, {"state": "running"}, START)
    writer.append(SOURCE.rows(0, 20), RECEIPT)
    writer.commit()
    return writer


def test_reading_an_older_run_changes_nothing_on_disk(
    root: DataRoot, disk: SimulatedDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(root)
    later(monkeypatch, 3)
    operations = disk.ops
    reader = RunReader(writer.folder, disk=disk)
    assert (reader.manifest["schema"], reader.manifest["steps"]) == ("labctl.run/3", [1, 2])
    assert parquet.same_rows(reader.records(), SOURCE.rows(0, 20))
    assert disk.ops == operations


def test_a_run_that_goes_on_after_an_upgrade_keeps_its_manifest_of_before_and_all_rows(
    root: DataRoot, disk: SimulatedDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = started(root).folder
    before = disk.read(folder / "run.json")
    later(monkeypatch, 2)
    writer = RunWriter.reopen(root, RUN)
    assert disk.read(folder / "run.schema-1.json") == before
    assert decode_manifest(disk.read(folder / "run.json"))[0]["schema"] == "labctl.run/2"
    writer.append(SOURCE.rows(20, 40), RECEIPT)
    writer.finish(None)
    reader = RunReader(folder, disk=disk)
    assert parquet.same_rows(reader.records(), SOURCE)
    assert reader.verify() == []


def test_a_power_cut_during_an_upgrade_leaves_one_of_the_two_manifests_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = DataRoot("/bench/data", disk=SimulatedDisk())
    started(root)
    later(monkeypatch, 2)
    whole = root.disk.copy()  # type: ignore[attr-defined]  # the simulated disk
    RunWriter.reopen(DataRoot("/bench/data", disk=whole), RUN)
    for operation in range(1, whole.ops + 1):
        disk = root.disk.copy(seed=operation)  # type: ignore[attr-defined]  # the simulated disk
        disk.crash_at = operation
        with pytest.raises(PowerCut):
            RunWriter.reopen(DataRoot("/bench/data", disk=disk), RUN)
        after = DataRoot("/bench/data", disk=disk.crash())
        writer = RunWriter.reopen(after, RUN)
        assert (writer.manifest["schema"], writer.manifest["steps"]) == ("labctl.run/2", [1])
        assert parquet.same_rows(RunReader(writer.folder, disk=after.disk).records(), SOURCE.rows(0, 20))


def test_a_newer_and_a_much_older_run_are_refused_with_what_to_do(
    root: DataRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = started(root)
    writer.update_manifest(schema="labctl.run/7")
    with pytest.raises(StoreError, match="Use the newer labctl"):
        RunReader(writer.folder, disk=root.disk)
    writer.update_manifest(schema="labctl.run/1")
    later(monkeypatch, 4)
    with pytest.raises(StoreError, match="too old"):
        RunWriter.reopen(root, RUN)
    writer.update_manifest(schema="other/1")
    with pytest.raises(StoreError, match="no schema of a run"):
        RunReader(writer.folder, disk=root.disk)


def test_bit_rot_in_the_schema_hides_no_rows(root: DataRoot, disk: SimulatedDisk) -> None:
    writer = started(root)
    path = writer.folder / "run.json"
    disk.flip(path, disk.read(path).index(b"labctl.run/1") + len(b"labctl.run/"), 0x02)
    reader = RunReader(writer.folder, disk=disk)
    assert parquet.same_rows(reader.records(), SOURCE.rows(0, 20))
    assert "checksum" in str(reader.verify()[0])
