"""The station view on a real station with a virtual bench, in the whole window, by keys alone (U16, U20, U21, R6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt

from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.stopall import stop_all
from labctl.gui.session import Session
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.views.station import VIEW
from labctl.gui.views.station.view import StationView
from labctl.gui.window import MainWindow
from labctl.testing.guistory import WAIT_MS, long_test, window_with

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.usefixtures("look"), pytest.mark.slow]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(station: StationRun, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    with window_with(station, session, qtbot, VIEW) as made:
        yield made


def view_of(window: MainWindow, qtbot: Any) -> StationView:
    assert window.desk is not None and window.docks is not None
    found = window.docks.view("station")
    assert isinstance(found, StationView)
    found.tiles.setFocus(Qt.FocusReason.TabFocusReason)
    return found


def word(view: StationView, channel: str) -> str:
    return view.grid.tile(channel).word


def test_cells_are_watched_paused_continued_and_stopped_from_the_grid_by_keys_alone(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = view_of(window, qtbot)
    loaded = [name for name in view.grid.order if view.context.lab.channels[name].cell_id][:2]
    for name in loaded:
        station.client.queue.submit([long_test(view.context.lab.channels[name].cell_id)])
    qtbot.waitUntil(lambda: all(word(view, name) in ("CHG", "DIS") for name in loaded), timeout=WAIT_MS)
    view.selection.choose(*loaded)
    qtbot.keyClick(view.tiles, Qt.Key.Key_F6, SHIFT)
    qtbot.waitUntil(lambda: all(word(view, name) == "PAUSE" for name in loaded), timeout=WAIT_MS)
    assert "2 of 2" not in window.trouble.accessibleName()
    assert station.client.channels.get(loaded[0]).state == "paused"
    qtbot.keyClick(view.tiles, Qt.Key.Key_F6, CTRL)
    qtbot.waitUntil(lambda: all(word(view, name) in ("CHG", "DIS") for name in loaded), timeout=WAIT_MS)
    button = view._buttons[Deed.STOP]
    qtbot.waitUntil(button.isEnabled, timeout=WAIT_MS)
    qtbot.keyClick(view.tiles, Qt.Key.Key_F8, CTRL)
    assert view.asked is not None and view.asked.safe.isDefault()
    qtbot.keyClick(view.asked.act, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: button.phase is Phase.CONFIRMED, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not any(view.context.lab.channels[name].run_id and
                                    view.context.lab.channels[name].state == "running" for name in loaded),
                    timeout=WAIT_MS)  # fmt: skip
    assert all(station.client.channels.get(name).state != "running" for name in loaded)


def test_what_a_real_station_refuses_is_off_with_the_reason_in_words(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = view_of(window, qtbot)
    view.selection.choose(view.grid.order[0])
    assert "Nothing runs" in view.acts.why_not(Deed.STOP, view.chosen)
    qtbot.keyClick(view.tiles, Qt.Key.Key_F8, CTRL)
    assert view.asked is None and "Nothing runs" in view.bar.note


def test_u20_stop_all_from_the_grid_is_one_chord_and_is_told_channel_by_channel(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = view_of(window, qtbot)
    name = next(one for one in view.grid.order if view.context.lab.channels[one].cell_id)
    station.client.queue.submit([long_test(view.context.lab.channels[name].cell_id)])
    qtbot.waitUntil(lambda: word(view, name) in ("CHG", "DIS"), timeout=WAIT_MS)
    qtbot.keyClick(view.tiles, Qt.Key.Key_F12, CTRL | SHIFT)
    assert window.desk is not None
    qtbot.waitUntil(lambda: stop_all().phase is Phase.CONFIRMED, timeout=WAIT_MS)
    assert window.desk.lab.stop_all.active
    view.selection.choose(name)
    qtbot.waitUntil(lambda: view.context.lab.channels[name].state != "running", timeout=WAIT_MS)
