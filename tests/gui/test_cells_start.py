"""The review of a batch start: what passes is ticked, what does not fit cannot be, and few keys start it (U04, U05)."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from labctl.api.messages import Submitted
from labctl.gui.parts.why import why
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.starts import Verdict, Wish
from labctl.gui.viewmodels.startwishes import wishes_of
from labctl.model.job import JobSpec, PlannedJob
from labctl.testing.guilab import cell, empty, running, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")


class Named:
    """A protocol of the library."""

    title, problem = "", ""

    def __init__(self, name: str) -> None:
        self.name = name


def planned(specs: Any, dry_run: bool = False, key: str = "") -> Submitted:
    """Answer as the station does: C4 has no mass."""
    jobs = []
    for number, spec in enumerate(specs):
        assert isinstance(spec, JobSpec)
        errors = ("C/20 needs the active mass of C4.",) if spec.cell_id == "C4" else ()
        lines = ("currents: C/20 = 7.85 µA", "limits: 2.5 V ... 3.8 V")
        jobs.append(PlannedJob(spec.label, spec.cell_id, spec.channel, spec.protocol, errors, (), lines,
                               job_id=None if dry_run else f"j-{number}"))  # type: ignore[arg-type]  # fmt: skip
    return Submitted(tuple(jobs), (), dry_run)


@pytest.fixture
def bench(session: Any) -> ViewBench:
    made = ViewBench(session)
    made.asks.answers.update({"protocols.list": [Named("form"), Named("rate")], "queue.submit": planned,
                              "channels.load": None, "channels.set_ready": None})  # fmt: skip
    tell(
        made.lab,
        *(empty(f"box:1-{n}", cell_id=f"C{n}", cell_name=f"C{n}", ready=True, voltage_V=2.894) for n in range(1, 6)),
        running("box:1-6", cell="C6"), empty("box:1-7"),
    )  # fmt: skip
    made.lab.take_cells([cell(f"C{n}", ocv_V=2.894) for n in range(1, 8)])
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> Any:
    return bench.open("start", qtbot)


def channels(*numbers: int) -> list[str]:
    return [f"box:1-{number}" for number in numbers]


def state(view: Any, row: int) -> Any:
    return view.model.index(row, 0).data(Qt.ItemDataRole.CheckStateRole)


def settle(view: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not view._soon._timer.isActive(), timeout=30_000)


def test_u04_six_keys_from_the_selection_to_a_staggered_start(
    view: Any, bench: ViewBench, qtbot: Any
) -> None:
    view.open_on({"channels": channels(1, 2, 3)})  # F5 in the station view is the first
    assert [row.verdict for row in view._rows] == [Verdict.REFUSED] * 3 and "protocol" in view._rows[
        0
    ].why_not
    tab_to(view.protocol)
    press("Down")  # second: the first protocol
    tab_to(view.stagger)
    view.stagger.selectAll()
    type_text("60")  # third
    press("Return")
    settle(view, qtbot)
    assert view.start.text() == "Start 3, 1\u2009min apart"
    press("F5")  # fourth
    (asked,) = [one for one in bench.asks.of("queue.submit") if not one.words.get("dry_run")]
    assert [spec.cell_id for spec in asked.args[0]] == ["C1", "C2", "C3"]
    assert {spec.stagger_s for spec in asked.args[0]} == {60.0} and {
        spec.protocol for spec in asked.args[0]
    } == {"form"}
    settle(view, qtbot)
    assert bench.said == ["3 starts are queued."]


def test_the_review_shows_channel_cell_ocv_current_limits_time_and_verdict(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1), "protocol": "form"})
    settle(view, qtbot)
    shown = [view.model.index(0, at).data() for at in range(1, 11)]
    assert shown[:7] == ["1-1", "C1", "2.894", "2.894", "form", "C/20 = 7.85 µA", "2.5 V ... 3.8 V"]
    assert shown[9] == "✓ passes" and state(view, 0) == Qt.CheckState.Checked


def test_u05_a_cell_whose_ocv_does_not_fit_cannot_be_ticked(view: Any, bench: ViewBench, qtbot: Any) -> None:
    tell(bench.lab, empty("box:1-2", cell_id="C2", ready=True, voltage_V=0.001))
    view.open_on({"channels": channels(1, 2), "protocol": "form"})
    settle(view, qtbot)
    assert "OCV 0.001 V, registered 2.894 V" in view._rows[1].why_not
    assert not view.model.flags(view.model.index(1, 0)) & Qt.ItemFlag.ItemIsUserCheckable
    tab_to(view.table)
    view.table.selectRow(1)
    press("Space")
    settle(view, qtbot)
    assert state(view, 1) == Qt.CheckState.Unchecked and "another cell" in view.bar.note
    assert view.start.text() == "Start 1"


def test_what_the_station_refuses_stays_behind_and_the_rest_can_start(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1, 4, 6), "protocol": "form"})
    settle(view, qtbot)
    assert [row.why_not != "" for row in view._rows] == [False, True, True]
    assert "active mass" in view._rows[1].why_not and "running" in view._rows[2].why_not
    assert why(view.start) == "" and view.start.text() == "Start 1"


def test_space_takes_ticks_away_and_gives_them_back(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1, 2, 3), "protocol": "form"})
    tab_to(view.table)
    press("Ctrl+A")
    press("Space")
    settle(view, qtbot)
    assert why(view.start) == "No row passes." or view.start.text() == "Start 0"
    press("Space")
    settle(view, qtbot)
    assert view.start.text() == "Start 3"


def test_a_pause_beyond_an_hour_is_refused_in_words(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1), "protocol": "form"})
    tab_to(view.stagger)
    view.stagger.selectAll()
    type_text("2 h")
    press("Return")
    assert "0 to 3600 s" in view.stagger.toolTip() and view.starts.stagger_s == 0.0
    view.stagger.selectAll()
    type_text("half")
    press("Return")
    assert view.stagger.property("problem") == "true"


def test_a_start_that_the_station_refuses_says_so_in_its_rows(
    view: Any, bench: ViewBench, qtbot: Any
) -> None:
    view.open_on({"channels": channels(1), "protocol": "form"})
    settle(view, qtbot)
    bench.asks.answers["queue.submit"] = Trouble("Not done", "Stop all is active", "")
    press("F5", view.table)
    settle(view, qtbot)
    assert view._rows[0].verdict is Verdict.FAILED and "Stop all" in view._rows[0].told
    assert bench.said == ["0 starts are queued. 1 were refused; each row says why."]


def test_an_empty_review_says_where_to_go(view: Any, bench: ViewBench) -> None:
    assert view.empty.isVisible() and why(view.start)
    tab_to(view.to_cells)
    press("Space")
    assert bench.gone == [("cells", None)]


def test_wishes_come_from_channels_cells_protocols_and_wishes_each_cell_once(bench: ViewBench) -> None:
    lab = bench.lab
    assert [wish.cell_id for wish in wishes_of(lab, channels(2, 1, 7))] == ["C1", "C2"]
    assert wishes_of(lab, {"cells": ["C7", "C1"], "protocol": "rate"}) == (
        Wish("", "C7", "rate"), Wish("box:1-1", "C1", "rate"),
    )  # fmt: skip
    assert wishes_of(lab, "box:1-6") == (Wish("box:1-6", "C6", "LFP-0.5C"),)
    assert wishes_of(lab, [Wish("box:1-1", "C1", "a"), "box:1-1"]) == (Wish("box:1-1", "C1", "a"),)
    assert wishes_of(lab, 3) == ()


def test_the_row_at_hand_is_told_in_words_beside_the_table(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1, 4), "protocol": "form"})
    settle(view, qtbot)
    tab_to(view.table)
    press("Down")
    assert "active mass" in view.lines.text() and view.details.title.text() == "1-4  C4"


def test_a_press_on_a_tick_toggles_it_and_not_where_it_is_refused(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1, 4), "protocol": "form"})
    settle(view, qtbot)
    for row, states in (
        (0, (Qt.CheckState.Unchecked, Qt.CheckState.Checked)),
        (1, (Qt.CheckState.Unchecked,) * 2),
    ):
        for wanted in states:
            place = view.table.visualRect(view.model.index(row, 0)).center()
            qtbot.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
            view.refresh()
            assert state(view, row) == wanted


def test_the_verdict_stands_beside_the_cell_where_room_is_short(view: Any, qtbot: Any) -> None:
    view.open_on({"channels": channels(1), "protocol": "form"})
    head, told = view.table.horizontalHeader(), view.model.column("told")
    view.resize(1200, 700)
    assert head.visualIndex(told) == 3
    view.resize(1700, 900)
    assert head.visualIndex(told) == len(view.model.heads) - 1
