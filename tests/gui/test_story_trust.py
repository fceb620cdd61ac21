"""What is shown and what may be done: U18, U19, U21, U22 in the whole window, also for a viewer (not allowed)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QHelpEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QToolTip

from labctl.gui.parts.why import why
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import TABLE, ThemeName, contrast_ratio
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.viewmodels.plotchoice import Tab
from labctl.gui.viewmodels.tiles import TileKind
from labctl.testing.guistory import Person, at_the_window
from labctl.testing.stationrun import running_station

if TYPE_CHECKING:
    from labctl.testing.stationrun import StationRun

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("look")]
RIGHT, PLAIN = Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier
VENDOR = (
    "queue.submit",
    "runs.pause_at_step_end",
    "runs.pause",
    "runs.resume",
    "runs.skip",
    "runs.stop",
    "view",
    "export",
)
"""What cycler users expect on a right-click: start, pause, continue, jump, stop, view data, backup."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRun]:
    with running_station(tmp_path_factory.mktemp("trusted")) as found:
        yield found


@pytest.fixture
def person(station: StationRun, session: Session, qtbot: Any) -> Iterator[Person]:
    with at_the_window(station, session, qtbot) as found:
        found.in_front("station")
        yield found


def a_running(person: Person) -> str:
    """Return a channel that runs; started where none does."""
    found = [name for name in person.loaded() if person.lab.channels[name].state == "running"]
    if not found:
        found = person.idle()[:1]
        person.start(*found)
    return found[0]


def hover(person: Person, channel: str) -> str:
    tiles = person.view.tiles
    where, port = tiles.box_of(channel).center(), tiles.viewport()
    QToolTip.hideText()
    QApplication.sendEvent(port, QHelpEvent(QEvent.Type.ToolTip, where, port.mapToGlobal(where)))
    return QToolTip.text()


def told(text: str, wanted: tuple[str, ...], unwanted: str) -> bool:
    """Tell whether a hover says all of these and not that; soon after a start it may still say STALE."""
    return all(part in text for part in wanted) and unwanted not in text


def menu(person: Person, channel: str) -> dict[str, QAction]:
    """Return the entries of a right click on a channel, by their ids."""
    tiles = person.view.tiles
    where, port = tiles.box_of(channel).center(), tiles.viewport()
    person.qtbot.mouseClick(port, RIGHT, PLAIN, where)
    asked = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, port.mapToGlobal(where))
    QApplication.sendEvent(port, asked)  # a real window system sends it behind the press
    return {action.objectName(): action for action in person.view.menu.actions() if action.objectName()}


def test_u22_numbers_have_unit_quality_and_age_and_live_readings_are_marked_coarse(person: Person) -> None:
    channel = a_running(person)
    idle = person.idle()[0]
    record = ("\u2009V ·", "\u2009mA ·", "last record", "\u2009s")
    person.wait(lambda: told(hover(person, channel), record, "coarse"))
    view = person.view
    person.wait(lambda: view.grid.tile(idle).kind is TileKind.NORMAL)
    person.wait(lambda: told(hover(person, idle), ("\u2009V ·", "coarse"), "last record"))
    person.view.selection.choose(channel)
    person.press("Ctrl+2")
    detail = person.in_front("channel")
    detail.open_on(channel)
    for name in ("voltage", "current", "charge", "step_time"):
        person.wait(lambda name=name: "GOOD · " in detail.readouts.parts[name].toolTip())
    assert "A" in detail.readouts.parts["current"].toolTip()
    detail.open_on(idle)
    person.wait(lambda: "coarse · " in detail.readouts.parts["voltage"].toolTip())


def test_u18_each_state_is_glyph_word_and_place_and_every_token_is_readable(person: Person) -> None:
    running, idle = a_running(person), person.idle()[0]
    grid, seen = person.view.grid, set()
    person.wait(lambda: grid.tile(running).token != grid.tile(idle).token)
    for name in grid.order:
        tile = grid.tile(name)
        seen.add(tile.token)
        said = grid.told(name)
        assert tile.glyph and tile.word and tile.label in said and len(said.split(", ")) >= 2, said
    assert len(seen) >= 2
    for name in ThemeName:
        theme().put_on(name, 1.0)
        tokens = TABLE[name]
        for token in seen:
            for ground in (tokens.window, tokens.panel):
                assert contrast_ratio(getattr(tokens, token), ground) >= 3.0, (name, token)
        for ground in (tokens.window, tokens.panel):
            assert contrast_ratio(tokens.text, ground) >= 4.5 and contrast_ratio(tokens.muted, ground) >= 4.5


def test_u21_a_right_click_offers_what_cycler_users_expect_and_does_it(
    person: Person, tmp_path: Path
) -> None:
    channel = a_running(person)
    acts = person.view.acts
    person.wait(
        lambda: not any(acts.why_not(deed, (channel,)) for deed in (Deed.PAUSE, Deed.STOP, Deed.JUMP))
    )
    found = menu(person, channel)
    assert set(VENDOR) <= set(found)
    for name in ("runs.pause", "runs.stop", "runs.skip", "view", "export"):
        assert found[name].isEnabled(), (name, found[name].toolTip())
    found["runs.pause"].trigger()
    person.wait(
        lambda: person.view.grid.tile(channel).word == "PAUSE" and not acts.why_not(Deed.CONTINUE, (channel,))
    )
    found = menu(person, channel)
    assert found["runs.resume"].isEnabled()
    found["runs.resume"].trigger()
    person.wait(
        lambda: person.lab.channels[channel].state == "running" and not acts.why_not(Deed.PAUSE, (channel,))
    )
    menu(person, channel)["export"].trigger()
    (dialog,) = person.window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.reject()
    person.wait(lambda: list(tmp_path.glob("*.csv")))
    (table,) = tmp_path.glob("*.csv")
    assert "voltage_volt" in table.read_text(encoding="utf-8").splitlines()[0]
    menu(person, channel)["view"].trigger()
    person.in_front("channel")


def test_u21_refused_what_a_channel_cannot_do_is_grey_with_the_reason(person: Person) -> None:
    found = menu(person, person.idle()[0])
    for name in ("runs.pause", "runs.resume", "runs.skip", "runs.stop", "channels.reset"):
        assert not found[name].isEnabled() and found[name].toolTip() == found[name].statusTip() != "", name
    assert "Nothing runs" in found["runs.stop"].toolTip()


def test_u19_edits_are_undone_and_an_act_on_hardware_has_its_opposite_instead(person: Person) -> None:
    channel = a_running(person)
    view = person.view
    view.selection.choose(channel)
    view.tiles.setFocus()
    person.wait(lambda: not view.acts.why_not(Deed.PAUSE, (channel,)))
    person.press("Shift+F6")
    person.wait(lambda: view.grid.tile(channel).word == "PAUSE")
    person.press("Ctrl+Z")
    assert view.undo.count() == 0 and person.station.client.channels.get(channel).state == "paused"
    person.wait(lambda: view.acts.why_not(Deed.CONTINUE, (channel,)) == "")
    person.press("Ctrl+F6")
    person.wait(lambda: person.lab.channels[channel].state == "running")

    before = view.settings.now.tile_size
    view.first.zoom.part("S").click()
    assert view.settings.now.tile_size == "S" != before
    view.tiles.setFocus()
    person.press("Ctrl+Z")
    assert view.settings.now.tile_size == before

    person.press("Ctrl+2")
    detail = person.in_front("channel")
    tab = detail.models.choice.now.tab
    detail.plots.tabs.part(Tab.CURRENT.value).click()
    assert detail.models.choice.now.tab is Tab.CURRENT
    detail.plots.setFocus()
    person.press("Ctrl+Z")
    assert detail.models.choice.now.tab is tab

    person.press("Ctrl+6")
    cells = person.in_front("cells")
    person.tab_to(cells.entry)
    person.paste("cell id\ttype\nU1\tsym\nU2\tsym")
    assert len(cells.cells.rows) == 2
    person.press("Ctrl+Z")
    assert len(cells.cells.rows) == 0
    person.press("Ctrl+Y")
    assert len(cells.cells.rows) == 2
    person.press("Ctrl+Z")


def test_u19_a_layout_is_brought_back(person: Person) -> None:
    docks = person.window.docks
    assert docks is not None
    docks.open_beside("queue")
    docks.open_window("alarms")
    assert set(docks.shown_ids) == {"station", "queue", "alarms"}
    person.activate()
    person.command("Reset layout")
    person.wait(lambda: docks.shown_ids == ("station",))


def test_u04_u14_u21_refused_a_viewer_sees_everything_and_is_told_why_nothing_can_be_done(
    station: StationRun, session: Session, qtbot: Any
) -> None:
    token = station.client.people.add("visitor", "view").token
    with at_the_window(station, session, qtbot, url=station.url, token=token) as person:
        view = person.in_front("station")
        channel = a_running(person)
        person.wait(lambda: person.lab.me.name == "visitor")
        view.selection.choose(channel)
        for deed in (Deed.STOP, Deed.PAUSE_AT_STEP_END):
            button = view._buttons[deed]
            person.wait(lambda button=button: not button.isEnabled() and "role" in why(button))
        view.tiles.setFocus()
        person.press("Ctrl+F8")
        assert view.asked is None and "role" in view.bar.note
        assert view.grid.tile(channel).value
        person.press("Ctrl+5")
        queue = person.in_front("queue")
        person.wait(lambda: "role" in why(queue.hold_all))
        person.press("Ctrl+1")
        assert "role" in menu(person, channel)["runs.pause"].toolTip()
        assert station.client.channels.get(channel).state == "running"
