"""The registry: entries, corrections, lineage, where cells are, and what survives a restart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.errors import ConflictError, StoreError, UserInputError
from labctl.model.cell import Batch, Cell, CellKind, Electrode, HistoryKind
from labctl.model.ids import CellId, ChannelId
from labctl.model.person import Actor, Role
from labctl.station.registry import Registry
from labctl.store.catalogue import Catalogue
from labctl.store.root import DataRoot

ANA = Actor("Ana", Role.OPERATE, "test")
BEN = Actor("Ben", Role.OPERATE, "test")
C1, C2 = CellId("C0001"), CellId("C0002")
CELL = Cell(C1, "LFP 1", CellKind.LFP_LI, diameter_mm=10.0, active_mass_mg=0.924, one_c_mA_per_g=170.0)
CH1, CH2 = ChannelId("neware:1-1"), ChannelId("neware:1-2")


def test_a_cell_is_there_with_its_author_after_a_restart(bench: Any) -> None:
    bench.run(lambda registry: registry.add_cell(ANA, CELL))

    async def look(registry: Registry) -> None:
        assert registry.cell(C1) == CELL
        assert registry.cells() == (CELL,)
        (revision,) = registry.revisions(C1)
        assert (revision.revision, revision.by) == (1, "Ana")
        assert registry.problems == []

    bench.run(look)
    assert bench.audit.lines[0]["what"] == "cell.add"
    assert bench.audit.lines[0]["new"]["active_mass_mg"] == 0.924


def test_a_correction_is_a_new_revision_with_who_why_and_what_changed(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.add_cell(ANA, CELL)
        with pytest.raises(UserInputError, match="needs a reason"):
            await registry.update_cell(BEN, replace(CELL, active_mass_mg=0.93), "")
        assert await registry.update_cell(BEN, replace(CELL, active_mass_mg=0.93), "weighed again") == 2
        assert await registry.update_cell(BEN, replace(CELL, active_mass_mg=0.93), "") == 2

    async def look(registry: Registry) -> None:
        first, second = registry.revisions(C1)
        assert first.values["active_mass_mg"] == 0.924
        assert (second.by, second.reason) == ("Ben", "weighed again")
        assert second.changed == ("active_mass_mg 0.924 -> 0.93",)
        assert [event.kind for event in registry.history(C1)] == [
            HistoryKind.REGISTERED,
            HistoryKind.CORRECTED,
        ]

    bench.run(act)
    bench.run(look)


def test_two_people_who_correct_the_same_revision_do_not_overwrite_each_other(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.add_cell(ANA, CELL)
        await registry.update_cell(ANA, replace(CELL, notes="a"), "first", revision=1)
        with pytest.raises(ConflictError, match="revision 2 by Ana since"):
            await registry.update_cell(BEN, replace(CELL, notes="b"), "second", revision=1)

    bench.run(act)


@pytest.mark.parametrize(
    ("cell", "phrase"),
    [
        (replace(CELL, cell_id=CellId("../x")), "is no id"),
        (replace(CELL, cell_id=CellId("NUL")), "reserved name"),
        (replace(CELL, active_mass_mg=-1.0), "above 0"),
        (replace(CELL, area_cm2=float("nan")), "must be a number"),
        (replace(CELL, notes="x" * 5000), "more than 4096"),
        (replace(CELL, electrode="E9"), "no electrode 'E9'"),
    ],
)
def test_an_entry_that_cannot_be_is_refused_and_nothing_is_stored(
    bench: Any, cell: Cell, phrase: str
) -> None:
    async def act(registry: Registry) -> None:
        with pytest.raises(UserInputError, match=phrase):
            await registry.add_cell(ANA, cell)
        assert registry.cells() == ()

    bench.run(act)
    assert bench.audit.lines == []


def test_an_unknown_cell_is_answered_with_ids_that_are_near(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.add_cell(ANA, CELL)
        with pytest.raises(UserInputError, match="Did you mean C0001"):
            registry.cell("C001")
        with pytest.raises(ConflictError, match="registered already by Ana"):
            await registry.add_cell(BEN, CELL)

    bench.run(act)


def test_a_cell_takes_what_it_does_not_state_from_its_electrode_and_batch(bench: Any) -> None:
    sheet = Electrode("S1", material="LFP", active_fraction=0.9, one_c_mA_per_g=170.0)
    disc = Electrode(
        "E1",
        parent="S1",
        diameter_mm=12.0,
        mass_mg=11.0,
        collector_mass_mg=10.0,
        active_fraction=0.9,
        coating="ZnO",
    )

    async def act(registry: Registry) -> None:
        await registry.add_electrode(ANA, sheet)
        await registry.add_electrode(ANA, disc)
        await registry.add_batch(ANA, Batch("B1", electrolyte="LP30"))
        await registry.add_cell(ANA, Cell(C1, "x", CellKind.LFP_LI, batch="B1", electrode="E1"))
        cell = registry.cell(C1)
        assert (cell.diameter_mm, cell.coating, cell.electrolyte) == (12.0, "ZnO", "LP30")
        assert cell.active_mass_mg == pytest.approx(0.9)
        assert registry.registered(C1).active_mass_mg is None
        await registry.update_electrode(BEN, replace(disc, mass_mg=12.0), "balance drifted")
        assert registry.cell(C1).active_mass_mg == pytest.approx(1.8)
        with pytest.raises(UserInputError, match="S1 cannot come from E1"):
            await registry.update_electrode(BEN, replace(sheet, parent="E1"), "wrong")

    async def look(registry: Registry) -> None:
        assert registry.cell(C1).active_mass_mg == pytest.approx(1.8)
        assert len(registry.electrode_revisions("E1")) == 2
        assert registry.batch("B1").electrolyte == "LP30"

    bench.run(act)
    bench.run(look)


def test_a_channel_holds_one_cell_and_a_cell_sits_in_one_channel(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        changed: list[str] = []
        registry.on_channel.append(changed.append)
        await registry.add_cell(ANA, CELL)
        await registry.add_cell(ANA, replace(CELL, cell_id=C2))
        await registry.load(ANA, CH1, C1)
        assert (registry.loaded(CH1), registry.where(C1), registry.ready(CH1)) == (C1, CH1, False)
        with pytest.raises(ConflictError, match="already: loaded by Ana"):
            await registry.load(BEN, CH1, C1)
        with pytest.raises(ConflictError, match="holds C0001"):
            await registry.load(BEN, CH1, C2)
        with pytest.raises(ConflictError, match="sits in neware:1-1"):
            await registry.load(BEN, CH2, C1)
        await registry.set_ready(BEN, CH1, True)
        with pytest.raises(UserInputError, match="no cell that could be ready"):
            await registry.set_ready(BEN, CH2, True)
        assert changed == [CH1, CH1]

    async def later(registry: Registry) -> None:
        assert (registry.loaded(CH1), registry.ready(CH1)) == (C1, True)
        await registry.eject(BEN, CH1, "measured")
        assert registry.loaded(CH1) is None
        with pytest.raises(ConflictError, match="the last was ejected by Ben"):
            await registry.eject(ANA, CH1)
        kinds = [event.kind for event in registry.history(C1)]
        assert kinds == [HistoryKind.REGISTERED, HistoryKind.LOADED, HistoryKind.EJECTED]

    bench.run(act)
    bench.run(later)
    assert [line["what"] for line in bench.audit.lines][2:] == [
        "channel.load",
        "channel.ready",
        "channel.eject",
    ]


def test_the_cell_of_a_busy_or_unknown_channel_cannot_be_changed(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        registry.places.channels = lambda: [CH1, CH2]
        await registry.add_cell(ANA, CELL)
        with pytest.raises(UserInputError, match="Did you mean neware:1-1"):
            await registry.load(ANA, ChannelId("neware:11"), C1)
        await registry.load(ANA, CH1, C1)
        registry.places.busy = lambda channel: f"run R1 goes on in {channel}."
        with pytest.raises(UserInputError, match="run R1 goes on"):
            await registry.eject(ANA, CH1)
        assert registry.loaded(CH1) == C1

    bench.run(act)


def test_a_run_stands_in_the_history_once_also_when_it_was_noted_twice(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.add_cell(ANA, CELL)
        registry.note_run("R1", C1, CH1)
        registry.note_run("R1", C1, CH1)
        await registry.flush()

    async def look(registry: Registry) -> None:
        registry.note_run("R1", C1, CH1)
        runs = [event.run_id for event in registry.history(C1) if event.kind is HistoryKind.RUN]
        assert runs == ["R1"]

    bench.run(act)
    bench.run(look)


def test_runs_and_cells_that_only_copied_folders_name_are_taken_in(bench: Any) -> None:
    from datetime import UTC, datetime

    from labctl.model.ids import RunId
    from labctl.store.catalogue import cell_to_json
    from labctl.store.runwriter import RunWriter

    root = DataRoot(bench.path, disk=bench.disk)
    manifest = {"cell": cell_to_json(CELL), "channel": CH1, "started_utc": "2026-01-01T00:00:00Z"}
    RunWriter.create(root, RunId("20260101T000000-C0001"), manifest, datetime(2026, 1, 1, tzinfo=UTC)).close()

    async def look(registry: Registry) -> None:
        assert registry.cell(C1) == CELL
        assert "taken from run 20260101T000000-C0001" in registry.revisions(C1)[0].reason
        assert "20260101T000000-C0001" in [event.run_id for event in registry.history(C1)]

    bench.run(look)
    lines = len(bench.disk.read(bench.path / "station" / "registry.jsonl").splitlines())
    bench.run(look)
    assert len(bench.disk.read(bench.path / "station" / "registry.jsonl").splitlines()) == lines


def test_a_disk_that_refuses_leaves_the_registry_as_it_was(bench: Any) -> None:
    async def act(registry: Registry) -> None:
        await registry.add_cell(ANA, CELL)
        bench.disk.fail_from = bench.disk.ops + 1
        with pytest.raises(StoreError):
            await registry.load(ANA, CH1, C1)
        with pytest.raises(StoreError):
            await registry.update_cell(ANA, replace(CELL, notes="x"), "y")
        assert registry.loaded(CH1) is None
        assert registry.cell(C1) == CELL

    bench.run(act)
    assert [line["what"] for line in bench.audit.lines] == ["cell.add"]


def test_the_catalogue_of_a_real_disk_knows_what_the_registry_knows(bench: Any, tmp_path: Path) -> None:
    bench.real, bench.path = True, tmp_path / "data"
    with Catalogue(DataRoot(bench.path)) as catalogue:
        catalogue.cells.add(replace(CELL, cell_id=C2))

    async def act(registry: Registry) -> None:
        assert registry.cell(C2).cell_id == C2
        await registry.add_cell(ANA, CELL)
        with Catalogue(DataRoot(bench.path)) as other:  # an older program beside the station
            other.cells.add(replace(CELL, cell_id=CellId("C0003")))
        await registry.update_cell(ANA, replace(CELL, notes="x"), "why")
        assert registry.cell("C0003").name == "LFP 1"
        assert registry.problems == []

    bench.run(act)
    with Catalogue(DataRoot(bench.path)) as catalogue:
        assert [cell.cell_id for cell in catalogue.cells.list()] == ["C0001", "C0002", "C0003"]
        assert catalogue.cells.get(C1).notes == "x"
        assert catalogue.rebuild().problems == ()
        assert len(catalogue.cells.revisions(C1)) == 2
