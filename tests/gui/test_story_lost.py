"""The station dies under the whole window and comes back: ages, grey, what is off, edits kept (R13, U22, U04, U13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.stopall import stop_all
from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.viewmodels.tiles import TileKind
from labctl.testing.guistory import at_the_window
from labctl.testing.stationrun import connected, end, serve

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]


def test_a_killed_station_is_shown_with_age_in_grey_with_acts_off_and_found_again_by_itself(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = person.in_front("station")
        channel, other = person.idle()[:2]
        person.start(channel)
        view.selection.choose(channel)
        stop = view._buttons[Deed.STOP]
        person.wait(stop.isEnabled)
        person.wait(lambda: not view.grid.tile(channel).muted)
        QGuiApplication.clipboard().setText("slot\tcell id\ttype\n\tKEPT1\tsym\n\tKEPT2\tsym")
        person.press("Ctrl+6")
        cells = person.in_front("cells")
        person.tab_to(cells.entry)
        person.press("Ctrl+V")
        assert len(cells.cells.rows) == 2

        station.process.kill()
        station.process.wait()
        person.wait(lambda: not person.lab.link.live)
        banner = person.window.link_banner
        person.wait(banner.isVisible)
        told = banner.accessibleName()
        assert any(figure.isdigit() for figure in told) and "s" in told
        person.wait(lambda: banner.accessibleName() != told)  # its age goes on
        person.press("Ctrl+1")
        person.wait(lambda: all(view.grid.tile(name).muted for name in person.loaded()))
        person.wait(lambda: view.grid.tile(channel).hatched and "old" in view.grid.tile(channel).fact)
        assert "STALE" in view.grid.hover(channel)
        for deed in (Deed.STOP, Deed.PAUSE_AT_STEP_END, Deed.START):
            button = view._buttons[deed]
            person.wait(lambda button=button: not button.isEnabled() and "does not answer" in why(button))
        view.tiles.setFocus(Qt.FocusReason.OtherFocusReason)
        person.press("Ctrl+F8")
        assert view.asked is None and "does not answer" in view.bar.note
        person.press("Ctrl+2")
        detail = person.in_front("channel")
        for name in ("voltage", "current"):
            person.wait(lambda name=name: "STALE" in detail.readouts.parts[name].toolTip())
        person.press("Ctrl+Shift+F12")
        assert stop_all().phase is not Phase.IDLE, "Stop all tries its own way, whatever the link is"
        person.wait(lambda: stop_all().phase is Phase.TROUBLE)
        person.wait(lambda: "not confirmed" in person.trouble)

        again = serve(station.station_file, station.data)
        try:
            with connected(again, station.data) as client:
                person.wait(lambda: person.lab.link.live and not banner.isVisible())
                person.press("Ctrl+6")
                assert [row.text(Col.CELL) for row in cells.cells.rows][:2] == ["KEPT1", "KEPT2"], (
                    "edits are kept"
                )
                person.press("Ctrl+1")
                person.wait(
                    lambda: client.channels.get(other).voltage_V == client.channels.get(other).voltage_V
                )
                person.wait(
                    lambda: other in person.lab.channels and view.grid.tile(other).kind is TileKind.NORMAL
                    and not view.grid.tile(other).muted
                )  # fmt: skip
                view.selection.choose(other)
                person.wait(lambda: "does not answer" not in view.acts.why_not(Deed.START, (other,)))
        finally:
            end(again)
