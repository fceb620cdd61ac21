"""The registry below the entry table: batches, cells, histories; found, corrected and started by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from labctl.gui.parts.why import why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.cellregistry import Registry
from labctl.model.cell import Batch, CellEvent, Electrode, HistoryKind
from labctl.model.run import RunSummary
from labctl.testing.guilab import FakeAsks, a_lab, cell, empty, running, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")


def run(run_id: str, cell_id: str, state: str, outcome: str = "", day: int = 1) -> RunSummary:
    return RunSummary(
        run_id,
        cell_id,
        cell_id,
        "box:1-1",
        "p1",
        state,
        outcome,
        started_utc=f"2026-04-{day:02}T00:00:00+00:00",
    )  # type: ignore[arg-type]  # ids are words


CELLS = [
    cell("C1", coating="Zn", batch="2026-04-B", electrode="E7", electrolyte="PEO", active_mass_mg=0.92, ocv_V=3.4),
    cell("C2", batch="2026-04-B", electrolyte="PEO"), cell("C3", batch="2026-04-A"), cell("C4"),
]  # fmt: skip
ANSWERS: dict[str, Any] = {
    "batches.list": [Batch("2026-04-B", made_by="chen", made_utc="2026-04-21T08:00:00+00:00", notes="witness")],
    "electrodes.list": [Electrode("E7", parent="D-0117"), Electrode("D-0117")],
    "runs.list": [run("r1", "C1", "ended", "tripped", 1), run("r2", "C1", "ended", "finished", 2),
                  run("r3", "C2", "ended", "dead")],
    "cells.history": [CellEvent(HistoryKind.REGISTERED, "2026-04-20T08:00:00+00:00", "chen"),
                      CellEvent(HistoryKind.RUN, "2026-04-21T08:00:00+00:00", "", "box:1-1", "r2", "p1 finished")],  # type: ignore[arg-type]
    "protocols.list": [],
}  # fmt: skip


def filled() -> tuple[Any, FakeAsks, Registry]:
    lab, asks = a_lab(), FakeAsks(dict(ANSWERS))
    tell(lab, empty("box:1-1"), running("box:1-2", cell="C3"))
    lab.take_cells(CELLS)
    registry = Registry(lab, asks)
    registry.refresh()
    return lab, asks, registry


def test_a_batch_counts_its_cells_that_run_are_done_and_are_dead_by_their_newest_run() -> None:
    _, _, registry = filled()
    rows = {row.batch: row for row in registry.batches()}
    assert list(rows) == ["2026-04-B", "2026-04-A", ""]
    made = rows["2026-04-B"]
    assert (made.cells, made.running, made.done, made.dead) == (2, 0, 1, 1)
    assert (made.by, made.note, made.electrolyte) == ("chen", "witness", "PEO")
    assert rows["2026-04-A"].running == 1


def test_a_cell_names_the_sheet_that_its_electrode_was_cut_from() -> None:
    _, _, registry = filled()
    (row,) = registry.cells("d-0117")
    assert row.cell_id == "C1" and row.lineage == "D-0117 > E7" and row.run == "p1 finished" and row.runs == 2


def test_a_ring_of_electrodes_ends_somewhere() -> None:
    lab, asks, _ = filled()
    asks.answers["electrodes.list"] = [Electrode("E7", parent="E8"), Electrode("E8", parent="E7")]
    registry = Registry(lab, asks)
    registry.refresh()
    assert registry.lineage(CELLS[0]) == "E8 > E7"


def test_a_registry_that_does_not_answer_says_so_and_recovers() -> None:
    lab, asks, _ = filled()
    asks.answers["runs.list"] = Trouble("Not done", "no answer")
    registry = Registry(lab, asks)
    registry.refresh()
    assert registry.trouble is not None
    asks.answers["runs.list"] = []
    registry.refresh()
    assert registry.trouble is None


@pytest.fixture
def bench(session: Any) -> ViewBench:
    made = ViewBench(session)
    made.asks.answers.update(ANSWERS)
    tell(made.lab, empty("box:1-1"), running("box:1-2", cell="C3"))
    made.lab.take_cells(CELLS)
    return made


@pytest.fixture
def card(bench: ViewBench, qtbot: Any) -> Any:
    return bench.open("cells", qtbot).registry_card


def keys_of(card: Any) -> tuple[str, ...]:
    return tuple(card.models[card.pages.key].keys)


def test_enter_goes_from_a_batch_to_its_cells_to_the_history_of_one(card: Any, bench: ViewBench) -> None:
    tab_to(card.tables["batches"])
    press("Down")
    press("Up")
    press("Return")
    assert card.pages.key == "cells" and keys_of(card) == ("C1", "C2")
    press("Down")
    press("Up")
    press("Return")
    assert card.pages.key == "history" and "C1" in card.pages.part("history").accessibleName()
    assert [field.text for field in card.models["history"].rows[0]][1] == "run"
    press("Down")
    press("Up")
    press("Return")
    assert bench.gone == [("channel", "box:1-1")]


def test_search_narrows_cells_by_any_word_of_theirs(card: Any) -> None:
    card.show_page("cells")
    tab_to(card.search)
    type_text("zn 04-b")
    assert keys_of(card) == ("C1",)
    press("Escape")
    assert len(keys_of(card)) == 4


def test_a_registered_cell_is_corrected_in_the_table_and_started_from_the_list(
    card: Any, bench: ViewBench
) -> None:
    card.show_page("cells")
    assert why(card.correct)
    tab_to(card.tables["cells"])
    press("Down")
    press("Up")
    assert not why(card.correct)
    tab_to(card.correct)
    press("Space")
    view = card.window()
    assert view.cells.rows[0].text(Col.CELL) == "C1" and view.cells.rows[0].number(Col.MASS) == 0.92
    assert QApplication.focusWidget() is view.entry
    tab_to(card.start)
    press("Space")
    assert bench.gone == [("start", {"cells": ["C1"]})]


def test_other_views_open_a_cell_or_a_batch(card: Any) -> None:
    view = card.window()
    view.open_on("C2")
    assert card.pages.key == "history" and card.cell == "C2"
    view.open_on({"batch": "2026-04-A"})
    assert keys_of(card) == ("C3",)


def test_the_page_is_kept_for_the_next_time(card: Any) -> None:
    view = card.window()
    card.show_page("cells")
    view.batch.setText("2026-05-A")
    state = view.save_state()
    card.show_page("batches")
    view.restore_state({**state, "later": 1})
    assert card.pages.key == "cells" and view.cells.batch == "2026-05-A"
