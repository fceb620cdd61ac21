"""The protocol editor in the whole window on a real station with a virtual bench: copy, edit, save, clash, simulate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt

from labctl.gui.session import Session
from labctl.gui.viewmodels.protocol.rows import Column
from labctl.gui.views.protocol import VIEW
from labctl.gui.views.protocol.view import ProtocolView
from labctl.gui.window import MainWindow
from labctl.testing.guistory import WAIT_MS, window_with

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.usefixtures("look"), pytest.mark.slow]
CTRL = Qt.KeyboardModifier.ControlModifier
P1, MINE = "p1-li-li-1mA", "mine"


@pytest.fixture
def window(station: StationRun, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    with window_with(station, session, qtbot, VIEW) as made:
        yield made


def test_a_template_becomes_a_protocol_of_ones_own_with_revisions_a_clash_and_a_simulation(
    station: StationRun, window: MainWindow, qtbot: Any
) -> None:
    assert window.desk is not None and window.docks is not None
    lab = window.desk.lab
    window.go("protocol", P1)
    view = window.docks.view("protocol")
    assert isinstance(view, ProtocolView)
    editor = view.editor
    qtbot.waitUntil(lambda: editor.is_open and editor.is_checked, timeout=WAIT_MS)
    assert editor.judgement.usable and editor.origin.read_only

    view._do(editor.document.set_cell(editor.document.rows[0], Column.LABEL, "wetting"))
    qtbot.waitUntil(lambda: editor.is_checked and editor.changed, timeout=WAIT_MS)
    qtbot.keyClick(view, Qt.Key.Key_S, CTRL)
    dialog = view._dialog
    assert dialog is not None
    dialog.name.setText(MINE)
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: editor.origin.revision == 1, timeout=WAIT_MS)
    assert station.client.protocols.get(MINE).text == editor.document.text

    theirs = editor.document.text.replace("wetting", "soaking")
    station.client.protocols.save(MINE, theirs, based_on=1, note="by a script")
    view._do(editor.document.set_cell(editor.document.rows[0], Column.LABEL, "rest"))
    qtbot.waitUntil(lambda: editor.is_checked and editor.changed, timeout=WAIT_MS)
    view.save_now()
    qtbot.waitUntil(lambda: editor.clash is not None and editor.clash.newest is not None, timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: view.clash.isVisible() and [(item.before, item.after) for item in editor.differences()]
        == [("soaking", "rest")], timeout=WAIT_MS)  # fmt: skip
    view._clash_pressed("top")
    qtbot.waitUntil(lambda: editor.origin.revision == 3, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not editor.changed, timeout=WAIT_MS)
    assert len(station.client.protocols.revisions(MINE)) == 3

    cell = next(cell for cell in lab.cells.values() if cell.kind.value == "symmetric")
    view._cell_chosen(str(cell.cell_id))
    qtbot.waitUntil(lambda: editor.station_says is not None, timeout=WAIT_MS)
    with qtbot.waitActive(window, timeout=WAIT_MS):
        window.activateWindow()
    view.desk.table.setFocus()
    qtbot.keyClick(view.desk.table, Qt.Key.Key_F8)
    assert editor.remote.simulating, view.bar.note
    qtbot.waitUntil(lambda: not editor.remote.simulating, timeout=WAIT_MS)
    sketch = editor.sketch()
    assert sketch is not None and sketch.simulated, editor.remote.told
    view.close_protocol()
    qtbot.waitUntil(lambda: any(entry.name == MINE for entry in view.library.entries()), timeout=WAIT_MS)
