"""What the channel view shows and how it is moved through: numbers, steps, limits, events (U06, U22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from labctl.gui.session import Session
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.model.prediction import Prediction, PredictionState
from labctl.testing.guichannel import CHANNEL, CYCLE_S, CYCLES, ROWS_PER_CYCLE, RUN, Page, predicted
from labctl.testing.guiviews import press

pytestmark = pytest.mark.usefixtures("look")


@pytest.fixture
def page(session: Session, qtbot: Any) -> Iterator[Page]:
    made = Page(session, qtbot)
    yield made
    made.view.hidden()
    made.view.close()


def click(qtbot: Any, widget: Any, at: QPoint | None = None) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at or widget.rect().center())


def test_the_first_running_channel_is_shown_and_its_rows_are_followed(page: Page) -> None:
    view = page.view
    assert view.title.text() == "1-1  C0001"
    assert page.bench.bridge.followed[view] == (RUN,)
    view.hidden()
    assert page.bench.bridge.followed[view] == ()


def test_u22_each_number_has_unit_quality_and_age_and_goes_grey_without_news(page: Page) -> None:
    voltage = page.view.readouts.parts["voltage"]
    assert voltage.accessibleName().startswith("Voltage 3.7000 V GOOD")
    assert "GOOD" in voltage.toolTip()
    page.lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    assert "STALE" in voltage.accessibleName() and voltage._value.property("tone") == "muted"


def test_u06_a_new_row_is_drawn_and_followed(page: Page, qtbot: QtBot) -> None:
    main = page.view.plots.time.main
    newest = page.view.plots.time.measured()[-1]
    assert main.follow
    page.live(1381, 1400)
    qtbot.waitUntil(lambda: page.view.plots.time.measured()[-1] > newest)
    assert page.view.plots.time.measured()[-1] == 1399 * CYCLE_S / ROWS_PER_CYCLE
    qtbot.waitUntil(lambda: main.x_range()[1] > page.view.plots.time.measured()[-1])


def test_u06_a_gap_is_a_break_and_a_bad_reading_a_cross_beside_the_line(page: Page, qtbot: QtBot) -> None:
    plots = page.view.plots.time
    plots.main.set_follow(False)
    plots.main.set_x_range(590 * 30.0, 720 * 30.0)
    qtbot.waitUntil(lambda: len(plots._curves.main._bad[0]) > 0)
    curve = plots._curves.main
    assert curve.held is not None and curve.held.envelope.gaps.tolist() == [[599 * 30.0, 600 * 30.0]]
    assert curve._bad[0].tolist() == [699 * 30.0] and curve._bad[1].tolist() == [9.0]
    assert np.nanmax(curve.held.envelope.high) < 4.0, "the BAD value is no part of the line"
    assert curve.value_at(599.5 * 30.0) is None, "nothing is read within a gap"


def test_the_steps_in_view_stand_above_the_plot(page: Page, qtbot: QtBot) -> None:
    main = page.view.plots.time.main
    qtbot.waitUntil(lambda: main.sheet.band is not None and len(main.sheet.band.boxes) > 0)
    assert main.sheet.band is not None
    assert {box.word for box in main.sheet.band.boxes} == {"CC-CHG", "CC-DIS"}


def test_trip_and_step_ends_are_drawn_as_levels(page: Page) -> None:
    lines = [(line.y, line.kind.value) for line in page.view.plots.time._lines]  # type: ignore[attr-defined]
    assert lines == [(3.0, "step end"), (3.8, "step end"), (3.9, "trip"), (2.5, "trip")]
    assert page.view.plots.time._lines[2].name.startswith("trip 3.90")


def test_the_prediction_lies_behind_and_on_each_cycles_own_start(page: Page) -> None:
    found = page.view.plots.time._curves.predicted
    assert found is not None and found.predicted and found.name == "predicted"
    assert "lfp-li" in page.view.plots.predict.toolTip()
    x, y = page.view.models.timeline.predicted() or (np.zeros(0), np.zeros(0))
    assert {0.0, CYCLE_S, 2 * CYCLE_S} <= set(x.tolist()) and np.isnan(y).sum() == 3


def test_without_a_prediction_nothing_is_drawn_and_the_switch_says_why(session: Session, qtbot: Any) -> None:
    none = Prediction(PredictionState.NONE, reason="No twin is known of this cell.")
    page = Page(session, qtbot, **{"runs.predicted": none})
    assert page.view.plots.time._curves.predicted is None
    assert not page.view.plots.predict.isEnabled()
    assert page.view.plots.predict.toolTip() == "No twin is known of this cell."
    page.view.hidden()


def test_a_prediction_that_is_being_made_says_so_and_is_asked_for_again(session: Session, qtbot: Any) -> None:
    page = Page(session, qtbot, **{"runs.predicted": Prediction(PredictionState.PENDING)})
    assert (
        page.view.plots.predict.accessibleName() == "predicted …" and not page.view.plots.predict.isEnabled()
    )
    page.asks.answers["runs.predicted"] = predicted
    page.lab._now_s.s += 10.0  # type: ignore[attr-defined]  # the test's own clock
    page.view._age()
    assert page.view.plots.time._curves.predicted is not None and page.view.plots.predict.isEnabled()
    page.view.hidden()


def test_limits_show_the_tightest_layer_with_its_room(page: Page) -> None:
    shown = [[field.text.replace("\u2009", " ") for field in row] for row in page.view.limits.table.rows.rows]
    assert shown == [["V max", "3.700 V", "3.900 V", "L4", ""], ["V min", "3.700 V", "2.500 V", "L3", ""]]
    assert page.view.limits.table.rows.rows[0][4].share == pytest.approx(1.2 / 1.4)  # type: ignore[attr-defined]
    assert "class LFP" in page.view.limits.table.rows.rows[0][0].why


def test_steps_are_done_now_and_next(page: Page) -> None:
    steps = [(row[1].text, row[4].text) for row in page.view.steps.table.rows.rows]
    assert steps == [("REST", "done"), ("LOOP", "done"), ("CC-CHG", "now"), ("CC-DIS", "next")]


def test_r9_a_pan_by_key_stops_following_and_live_leads_back(page: Page, qtbot: QtBot) -> None:
    main = page.view.plots.time.main
    main.setFocus()
    press("Left", main)
    assert not main.follow and not page.view.plots.follow.isChecked() and main.live_button.isVisible()
    qtbot.mouseClick(main.live_button, Qt.MouseButton.LeftButton)
    assert main.follow and page.view.plots.follow.isChecked() and not main.live_button.isVisible()


def test_the_window_in_the_strip_is_dragged_and_the_plot_goes_with_it(page: Page, qtbot: QtBot) -> None:
    strip, main = page.view.plots.time.strip, page.view.plots.time.main
    strip.setFocus()
    begin, _ = main.x_range()
    press("Left", strip)
    assert main.x_range()[0] < begin and not main.follow


def test_cursors_read_two_places_and_their_difference(page: Page) -> None:
    main = page.view.plots.time.main
    main.setFocus()
    press("C", main)
    assert main.cursors.visible and main.sheet.note.startswith("A ") and "Δ" in main.sheet.note
    press("C", main)
    assert main.sheet.note == ""


def test_narrow_cycles_are_drawn_by_their_end_voltages(page: Page) -> None:
    strip = page.view.plots.time.strip
    assert not strip.shows_ends
    many = np.arange(2000.0)
    strip.set_cycles(many * 20.0, many * 20.0 + 20.0, np.full(2000, 3.0), np.full(2000, 3.8))
    assert strip.shows_ends and not page.view.plots.time._curves.strip.lined
    assert not strip.grab().isNull()


def test_an_event_leads_to_its_moment_in_the_plot(page: Page, qtbot: QtBot) -> None:
    events = page.view.events.table
    texts = [row[2].text for row in events.rows.rows]
    assert texts == ["note: door opened", "no answer", "running: test 9"]
    click(qtbot, events.viewport(), events.visualRect(events.rows.index(0, 2)).center())
    begin, end = page.view.plots.time.main.x_range()
    moment = (CYCLES - 0.5) * CYCLE_S - 9.5 * 3600.0
    assert begin < moment < end and not page.view.plots.time.main.follow


def test_events_are_narrowed_to_mine_and_to_faults(page: Page, qtbot: QtBot) -> None:
    click(qtbot, page.view.events.kinds.part("mine"))
    assert [row[2].text for row in page.view.events.table.rows.rows] == ["note: door opened"]
    click(qtbot, page.view.events.kinds.part("faults"))
    assert [row[2].text for row in page.view.events.table.rows.rows] == ["no answer"]


def test_the_raw_frames_of_the_channel_are_one_click_away(page: Page, qtbot: QtBot) -> None:
    click(qtbot, page.view.events.raw)
    assert page.bench.gone == [("frames", CHANNEL)]
