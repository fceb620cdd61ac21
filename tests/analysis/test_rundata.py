"""Stored runs, analysed and drawn: facts from the manifest, rows block by block, figures of every kind."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from labctl.analysis.cycles import cycles
from labctl.analysis.rundata import analyse, facts_of_run
from labctl.cli.plot import KINDS, labels, plot_run, plot_runs, shown_cycles
from labctl.errors import StoreError, UserInputError
from labctl.model.cell import CellKind
from labctl.model.ids import RunId
from labctl.model.record import SIDE_COLUMNS, RecordBlock
from labctl.store.receipt import Receipt
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import RunWriter
from labctl.testing.rowbuilder import RowBuilder, facts_of

START = datetime(2026, 1, 1, tzinfo=UTC)
RECEIPT = Receipt("2026-01-01T00:00:00Z", 0.0, "test")


def stored(
    root: Path, run_id: str, run: RowBuilder, kind: CellKind, *, coating: str = "", outcome: str = "finished"
) -> RunReader:
    """Store made-up rows as a run of its own."""
    block = run.block()
    clock = {name: np.zeros(len(block), dtype=dtype) for name, dtype in SIDE_COLUMNS.items()}
    block = RecordBlock({**block.columns, **clock})
    facts = facts_of(kind, active_mass_mg=None if kind is CellKind.SYMMETRIC else 2.0)
    manifest = {"program": {"cell": asdict(facts)}, "cell": {"coating": coating}, "outcome": outcome}
    with DataRoot(root) as place:
        writer = RunWriter.create(place, RunId(run_id), manifest, START)
        for start in range(0, len(block), 1000):
            writer.append(block.rows(start, start + 1000), RECEIPT)
        writer.commit()
        writer.finish(None)
        return RunReader(place.run_folder(run_id))


def lithium_run(levels_mV: list[float]) -> RowBuilder:
    run = RowBuilder().rest(3600.0, 0.0)
    for place, level_mV in enumerate(levels_mV):
        sign = -1.0 if place % 2 else 1.0
        (run.discharge if place % 2 else run.charge)(3600.0, 1e-3, sign * level_mV * 1e-3)
    return run


def full_run(passes: int) -> RowBuilder:
    run = RowBuilder(every_s=60.0).rest(600.0, 3.0)
    for place in range(passes):
        length_s = 3600.0 - 20.0 * place
        run.charge(length_s, 1e-4, lambda time_s: 3.2 + 0.5 * time_s / 3600.0)
        run.discharge(length_s, 1e-4, lambda time_s: 3.6 - 0.5 * time_s / 3600.0).next_cycle()
    return run


def test_a_stored_run_gives_the_table_of_its_rows(tmp_path: Path) -> None:
    run = full_run(6)
    reader = stored(tmp_path, "R1", run, CellKind.LFP_LI)
    data = analyse(reader)
    assert data.rows == len(run.block())
    expected = cycles(run.block(), facts_of_run(reader))
    for name, column in data.cycles.items():
        np.testing.assert_array_equal(column, expected[name], err_msg=name)


def test_a_corrected_mass_changes_the_analysis_and_not_the_run(tmp_path: Path) -> None:
    """F30: a later correction is new metadata; the raw rows keep their digest."""
    reader = stored(tmp_path, "R1", full_run(2), CellKind.LFP_LI)
    digest = reader.digest()
    corrected = analyse(reader, facts=facts_of(CellKind.LFP_LI, active_mass_mg=4.0))
    was, now = (data.cycles["discharging_capacity_mah_per_g"] for data in (analyse(reader), corrected))
    np.testing.assert_allclose(2.0 * now, was, rtol=1e-12)
    assert reader.digest() == digest


def test_a_run_that_was_stopped_has_no_complete_last_cycle(tmp_path: Path) -> None:
    data = analyse(stored(tmp_path, "R1", full_run(3), CellKind.LFP_LI, outcome="stopped"))
    assert list(data.cycles["complete"]) == [True, True, False]


def test_a_manifest_without_a_program_is_a_store_error(tmp_path: Path) -> None:
    with DataRoot(tmp_path) as place:
        RunWriter.create(place, RunId("R9"), {}, START).finish(None)
        reader = RunReader(place.run_folder("R9"))
    with pytest.raises(StoreError, match=r"run\.json does not tell the cell"):
        facts_of_run(reader)


def test_legends_name_pristine_and_coated_lithium_and_else_the_runs(tmp_path: Path) -> None:
    pristine = analyse(stored(tmp_path, "R1", lithium_run([100.0]), CellKind.SYMMETRIC))
    coated = analyse(stored(tmp_path, "R2", lithium_run([90.0]), CellKind.SYMMETRIC, coating="Zn"))
    assert labels([pristine, coated]) == ["pristine Li", "Zn-coated Li"]
    assert labels([pristine, pristine]) == ["R1", "R1"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_of_a_run_can_be_drawn_and_the_format_rules(kind: str, tmp_path: Path) -> None:
    reader = stored(tmp_path, "R1", full_run(12), CellKind.LFP_LI)
    path = plot_run(reader, kind, tmp_path / "out" / f"figure-{kind}", 85.0, "svg")
    assert path.name == f"figure-{kind}.svg"
    assert path.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.slow
def test_two_lithium_cells_share_a_profile_in_which_the_death_is_written(tmp_path: Path) -> None:
    readers = [
        stored(tmp_path, "R1", lithium_run([100.0, 200.0, 900.0] + [5.0] * 6), CellKind.SYMMETRIC),
        stored(tmp_path, "R2", lithium_run([90.0] * 20), CellKind.SYMMETRIC, coating="Zn"),
    ]
    text = plot_runs(readers, "profile", tmp_path / "p.svg", fmt="svg").read_text(encoding="utf-8")
    assert all(word in text for word in ("pristine Li", "Zn-coated Li", "short, 3 h"))


def test_what_cannot_be_drawn_is_refused_with_the_reason(tmp_path: Path) -> None:
    resting = stored(tmp_path, "R1", RowBuilder().rest(600.0), CellKind.SYMMETRIC)
    half = stored(tmp_path, "R2", lithium_run([100.0]), CellKind.SYMMETRIC)
    for readers, kind, form, why in (
        ([resting], "profile", "svg", "no row with current"), ([half], "curves", "svg", "no complete cycle"),
        ([half, half], "dqdv", "svg", "name one run"), ([half], "nonsense", "svg", "there is no figure"),
        ([half], "profile", "bmp", "svg, pdf, png"), ([], "profile", "svg", "at least one run"),
    ):  # fmt: skip
        with pytest.raises(UserInputError, match=why):
            plot_runs(readers, kind, tmp_path / "x", fmt=form)


@pytest.mark.parametrize(
    ("count", "cycles_shown"),
    [
        (1, [1]),
        (3, [1, 2, 3]),
        (12, [1, 4, 6, 9, 12]),
        (150, [1, 40, 80, 110, 150]),
        (500, [1, 130, 250, 380, 500]),
    ],
)
def test_shown_cycles_are_the_ends_and_round_numbers_between(count: int, cycles_shown: list[int]) -> None:
    assert shown_cycles(count) == cycles_shown
