"""U20 in the whole window: the button and the chord of every window, what became of it, also what is not off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.stopall import StopAllButton, stop_all
from labctl.gui.session import Session
from labctl.gui.stopbanner import ReportList
from labctl.gui.viewmodels.channelacts import Deed
from labctl.testing.guistory import WAIT_MS, Person, answer, at_the_window
from labctl.testing.stationrun import running_station

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
CHORD = "Ctrl+Shift+F12"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    with running_station(tmp_path_factory.mktemp("stopped")) as found:
        yield found


def stopped(person: Person, channel: str) -> None:
    """Wait for the result list; see that the channel is in it and off; close it; release the latch by keys."""
    person.wait(lambda: stop_all().phase is Phase.CONFIRMED)
    listed = person.dialog(ReportList)
    (line,) = [line for line in listed.lines if channel in line]
    assert "off, read back" in line
    person.wait(lambda: person.station.client.channels.get(channel).state != "running")
    listed.accept()
    person.activate()
    banner = person.window.stop_banner
    assert banner is not None
    person.wait(lambda: banner.isVisible() and banner.button("release").isEnabled())
    person.push(banner.button("release"))
    question = person.dialog(Confirm)
    assert question.safe.isDefault() and not question.act.isEnabled()
    answer(person, question)
    person.wait(lambda: not person.lab.stop_all.active)
    person.activate()


def test_u20_every_window_has_the_button_and_the_chord_and_the_result_is_told_channel_by_channel(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        person.in_front("station")
        first, second, third, fourth = person.idle()[:4]
        person.start(first)
        main = person.window.findChild(StopAllButton)
        assert main.isVisible() and main.height() >= 44 and main.isEnabled()
        qtbot.mouseClick(main, LEFT)
        stopped(person, first)

        person.start(second)
        assert person.window.docks is not None
        person.window.docks.open_window("queue")
        floating = person.window.docks.view("queue").window()
        assert floating is not person.window
        (button,) = [one for one in floating.findChildren(StopAllButton) if one.isVisible()]
        qtbot.mouseClick(button, LEFT)
        stopped(person, second)

        person.start(third)
        with qtbot.waitActive(floating, timeout=WAIT_MS):
            floating.activateWindow()
        person.window.docks.view("queue").setFocus()
        person.press(CHORD)
        stopped(person, third)

        person.start(fourth)
        person.press("Ctrl+1")
        view = person.in_front("station")
        view.selection.choose(fourth)
        view.tiles.setFocus()
        person.wait(view._buttons[Deed.STOP].isEnabled)
        person.press("Ctrl+F8")
        question = person.dialog(Confirm)
        assert QApplication.activeModalWidget() is question
        person.press(CHORD)
        person.wait(lambda: stop_all().phase is Phase.CONFIRMED)
        question.reject()
        stopped(person, fourth)


def test_u20_refused_what_does_not_answer_is_not_confirmed_and_stands_first_with_what_to_do(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    with at_the_window(station, session, qtbot) as person:
        view = person.in_front("station")
        channel = person.idle()[0]
        person.start(channel)
        # Not the bench itself: its end is also the end of a station that takes its time from it.
        station.bench.admin("fault", instrument=channel.partition(":")[0], kind="hang", count=1_000_000)
        person.press(CHORD)
        person.wait(lambda: stop_all().phase is not Phase.SENDING)
        assert stop_all().phase is Phase.TROUBLE and "not confirmed" in stop_all().told
        person.wait(lambda: "not confirmed" in person.trouble and "Switch" in person.trouble)
        listed = person.dialog(ReportList)
        assert channel in listed.lines[0] and "not confirmed" in listed.lines[0] and len(listed.lines[0]) > 40
        listed.accept()
        person.wait(lambda: view.grid.tile(channel).muted)  # U22: what it read last is not shown as live
        assert "STALE" in view.grid.hover(channel) and "last record" not in view.grid.hover(channel)
