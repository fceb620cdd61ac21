"""Two people correct one cell: the row names the other, nothing is overwritten before somebody decides (R15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from labctl.gui.viewmodels.cellcolumns import Col
from labctl.model.cell import Cell, Revision
from labctl.testing.guilab import cell, empty, tell
from labctl.testing.guiviews import ViewBench, press, tab_to

pytestmark = pytest.mark.usefixtures("look")

KNOWN = cell("C1", active_mass_mg=0.92, coating="Zn")


@pytest.fixture
def bench(session: Any) -> ViewBench:
    made = ViewBench(session)
    made.asks.answers.update(
        {"protocols.list": [], "batches.list": [], "electrodes.list": [], "runs.list": []}
    )
    tell(made.lab, empty("box:1-1"))
    made.lab.take_cells([KNOWN])
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> Any:
    made = bench.open("cells", qtbot)
    made.take_cells(["C1"])
    made.do(made.cells.set(0, Col.MASS, "0.95"))
    return made


def changed_by(bench: ViewBench, who: str, now: Cell) -> None:
    bench.asks.answers["cells.revisions"] = [
        Revision(1, "chen", "", "", {}), Revision(2, who, "", "", {}, ("active_mass_mg",)),
    ]  # fmt: skip
    bench.lab.take_cells([now])


def test_the_row_names_who_changed_the_cell_and_cannot_be_saved_before_a_decision(
    view: Any, bench: ViewBench
) -> None:
    assert not view.cells.blocking(0)
    changed_by(bench, "li", replace(KNOWN, active_mass_mg=1.2))
    view.refresh()
    assert view.cells.problem(0) == "li has changed active_mass_mg meanwhile." and view.cells.blocking(0)
    assert [button.text() for button in view.entry.answers] == ["Keep mine", "Take theirs"]
    assert view.cells.save() == "No row can be saved yet." and not bench.asks.of("cells.import_table")


def test_mine_is_kept_and_saved_as_a_correction_of_theirs(view: Any, bench: ViewBench) -> None:
    changed_by(bench, "li", replace(KNOWN, active_mass_mg=1.2))
    view.refresh()
    tab_to(view.entry.answers[0])
    press("Space")
    assert not view.cells.blocking(0) and view.cells.rows[0].number(Col.MASS) == 0.95
    assert view.cells.save() == "" and len(bench.asks.of("cells.import_table")) == 1


def test_theirs_is_taken_and_the_taking_can_be_undone(view: Any, bench: ViewBench) -> None:
    changed_by(bench, "li", replace(KNOWN, active_mass_mg=1.2))
    view.refresh()
    tab_to(view.entry.answers[1])
    press("Space")
    assert view.cells.rows[0].number(Col.MASS) == 1.2 and not view.cells.blocking(0)
    press("Ctrl+Z", QApplication.focusWidget() or view.entry)
    assert view.cells.rows[0].number(Col.MASS) == 0.95


def test_what_this_person_saved_is_no_clash(view: Any, bench: ViewBench) -> None:
    changed_by(bench, "chen", replace(KNOWN, active_mass_mg=0.95))
    assert view.cells.clashing == {}
    changed_by(bench, "chen", replace(KNOWN, active_mass_mg=0.95, notes="completed by the station"))
    assert view.cells.clashing == {} and not view.cells.blocking(0)


def test_a_cell_that_left_the_table_asks_nothing(view: Any, bench: ViewBench) -> None:
    view.do(view.cells.remove([0]))
    changed_by(bench, "li", replace(KNOWN, active_mass_mg=1.2))
    assert view.cells.clashing == {} and not bench.asks.of("cells.revisions")
