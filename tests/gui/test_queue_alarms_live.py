"""Queue and alarms on a real station with a virtual bench, in the whole window, by keys (U12, U14, U16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.views.alarms import VIEW as ALARMS
from labctl.gui.views.alarms.view import AlarmsView
from labctl.gui.views.queue import VIEW as QUEUE
from labctl.gui.views.queue.dialogs import EditDialog, InsertDialog
from labctl.gui.views.queue.view import QueueView
from labctl.gui.window import MainWindow
from labctl.testing.guistory import WAIT_MS, long_test, window_with
from labctl.testing.guiviews import press

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.usefixtures("look"), pytest.mark.slow]


@pytest.fixture
def window(station: StationRun, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    with window_with(station, session, qtbot, QUEUE, ALARMS) as made:
        yield made


def loaded(window: MainWindow) -> list[str]:
    assert window.desk is not None
    return [name for name, status in sorted(window.desk.lab.channels.items()) if status.cell_id]


def queue_view(window: MainWindow) -> QueueView:
    window.go("queue")
    assert window.docks is not None
    found = window.docks.view("queue")
    assert isinstance(found, QueueView)
    return found


def submit(station: StationRun, window: MainWindow, channel: str, count: int) -> list[str]:
    assert window.desk is not None
    cell = window.desk.lab.channels[channel].cell_id
    made = [
        station.client.queue.submit(long_test(cell, cycles=str(100_000 + number))) for number in range(count)
    ]
    return [str(answer.jobs[0].job_id) for answer in made]


def test_u14_items_are_moved_held_removed_and_brought_back_by_keys_alone(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = queue_view(window)
    first, second, third = submit(station, window, loaded(window)[0], 3)
    qtbot.waitUntil(
        lambda: view.model.place_of(third) > 0 and view.queue.order() == (second, third), timeout=WAIT_MS
    )
    qtbot.waitUntil(lambda: view.model.row_at(view.model.place_of(second)).waits_for != "", timeout=WAIT_MS)
    view.table.setFocus()
    view.choose([third])
    press("Alt+Up", view.table)
    qtbot.waitUntil(lambda: view.queue.order() == (third, second), timeout=WAIT_MS)
    press("Ctrl+Z", view.table)
    qtbot.waitUntil(lambda: view.queue.order() == (second, third), timeout=WAIT_MS)
    press("Ctrl+H", view.table)
    qtbot.waitUntil(lambda: station.client.queue.get(third).state == "held", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: view.hold_button.text() == "Release", timeout=WAIT_MS)
    qtbot.waitUntil(view.remove_button.isEnabled, timeout=WAIT_MS)
    press("Delete", view.table)
    qtbot.waitUntil(lambda: station.client.queue.get(third).state == "removed", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: third not in view.queue.order(), timeout=WAIT_MS)
    press("Ctrl+Z", view.table)
    qtbot.waitUntil(lambda: len(view.queue.order()) == 2, timeout=WAIT_MS)
    (back,) = [job_id for job_id in view.queue.order() if job_id != second]
    qtbot.waitUntil(lambda: station.client.queue.get(back).state == "held", timeout=WAIT_MS)
    assert window.trouble.isHidden()
    view.choose([first])
    qtbot.waitUntil(lambda: "only what waits" in why(view.remove_button), timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: any(bar.look == "running" for lane in view.calendar.lanes for bar in lane.bars),
        timeout=WAIT_MS,
    )


def test_u14_the_whole_queue_is_held_and_what_is_inserted_meanwhile_waits_and_says_why(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    view = queue_view(window)
    qtbot.waitUntil(view.hold_all.isEnabled, timeout=WAIT_MS)
    view.hold_all.click()
    qtbot.waitUntil(lambda: bool(window.desk.lab.queue.stopped), timeout=WAIT_MS)  # type: ignore[union-attr]
    view.selection.choose(loaded(window)[0])
    view.empty_insert.setFocus()
    press("Insert", view.empty_insert)
    (dialog,) = [
        top for top in QApplication.topLevelWidgets() if isinstance(top, InsertDialog) and top.isVisible()
    ]
    qtbot.waitUntil(lambda: dialog.protocol.count() > 2, timeout=WAIT_MS)
    dialog.protocol.setFocus()
    names = [dialog.protocol.itemText(at) for at in range(dialog.protocol.count())]
    for _ in range(names.index("p1-li-li-1mA")):
        press("Down", dialog.protocol)
    qtbot.waitUntil(lambda: dialog.insert.isEnabled() and dialog.preview.rowCount() == 1, timeout=WAIT_MS)
    qtbot.keyClick(dialog.insert, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(view.queue.order()) == 1, timeout=WAIT_MS)
    (job_id,) = view.queue.order()

    def says() -> str:
        row = view.queue.row_of(job_id)
        return "" if row is None else f"{row.state} {row.waits_for} {row.reason}"

    qtbot.waitUntil(lambda: "held" in says(), timeout=WAIT_MS)
    view.open_on(job_id)
    with qtbot.waitActive(window, timeout=WAIT_MS):
        window.activateWindow()
    view.table.setFocus()
    press("F2", view.table)
    (change,) = [
        top for top in QApplication.topLevelWidgets() if isinstance(top, EditDialog) and top.isVisible()
    ]
    for _ in range(3):
        press("Up", change.priority)
    qtbot.keyClick(change.change, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: station.client.queue.get(job_id).spec.priority == 3, timeout=WAIT_MS)
    qtbot.waitUntil(view.release_all.isEnabled, timeout=WAIT_MS)
    view.release_all.click()
    qtbot.waitUntil(
        lambda: station.client.queue.get(job_id).state in ("starting", "running"), timeout=WAIT_MS
    )


def test_u12_an_alarm_of_a_real_station_is_acknowledged_by_key_with_the_name_in_the_list(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    window.go("alarms")
    assert window.docks is not None and window.desk is not None
    view = window.docks.view("alarms")
    assert isinstance(view, AlarmsView)
    lab = window.desk.lab
    station.client.stop_all("test of the alarm list")
    qtbot.waitUntil(
        lambda: any(alarm.definition == "stop.all" for alarm in lab.alarms.values()), timeout=WAIT_MS
    )
    key = next(key for key, alarm in lab.alarms.items() if alarm.definition == "stop.all")
    qtbot.waitUntil(lambda: view.model.place_of(key) >= 0, timeout=WAIT_MS)
    view.table.setFocus()
    view.choose(key)
    press("A", view.table)
    qtbot.waitUntil(lambda: lab.alarms[key].state.value == "acknowledged", timeout=WAIT_MS)
    view._let_go()
    qtbot.waitUntil(
        lambda: view.model.row_at(view.model.place_of(key)).by.startswith(lab.me.name), timeout=WAIT_MS
    )
    qtbot.waitUntil(
        lambda: any(line.what == "acknowledged" for line in view.story.history()), timeout=WAIT_MS
    )
    qtbot.waitUntil(lambda: any(row.kind == "act" for row in view.events.rows()), timeout=WAIT_MS)
    press("A", view.table)
    qtbot.waitUntil(lambda: lab.me.name in why(view.ack), timeout=WAIT_MS)
