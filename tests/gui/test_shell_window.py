"""The window as a whole: bars, rail, docks, banners, keys, languages, layouts; with a view of this test alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from labctl.errors import UserInputError
from labctl.gui.desk import Desk
from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.docks import Dock
from labctl.gui.parts.stopall import StopAllButton, stop_all
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.session import Session
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.window import MainWindow
from labctl.model.alarm import Alarm, AlarmKey, AlarmPriority, AlarmState
from labctl.model.bench import ChannelStatus, StopAll, StopReport
from labctl.testing.guibench import FakeWorld

pytestmark = pytest.mark.usefixtures("look")


class Probe(View):
    """A view that writes down what the window tells it."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.told: list[object] = []
        self.start = self.bar.add(Button("Start"))
        self.field = QLineEdit()
        self.field.setAccessibleName("filter")
        self.page.addWidget(self.field)

    def shown(self) -> None:
        self.told.append("shown")

    def hidden(self) -> None:
        self.told.append("hidden")

    def open_on(self, target: Any) -> None:
        self.told.append(target)

    def commands(self) -> list[Command]:
        return [Command(f"act of {self.spec.id}", lambda: self.told.append("act"))]

    def save_state(self) -> dict[str, Any]:
        return {"filter": self.field.text()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.field.setText(str(state.get("filter", "")))


def spec(view_id: str, title: str, order: int) -> ViewSpec:
    def make(context: Context) -> View:
        return Probe(context, found)

    found = ViewSpec(view_id, title, "view-grid-outline", order, make, key=order, help=f"{view_id}.md")
    return found


SPECS = (spec("station", "Station", 1), spec("channel", "Channel", 2), spec("alarms", "Alarms", 3))


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def opened(world: FakeWorld, session: Session, qtbot: Any) -> MainWindow:
    languages = Languages()
    languages.put_on(session.language)
    window = MainWindow(session, languages)
    desk = Desk(world.connect, window)
    window.attach(desk)
    window.show_views(SPECS)
    window.resize(1600, 1000)
    with qtbot.waitActive(window, timeout=30_000):
        window.show()
        window.activateWindow()
    desk.start()
    return window


@pytest.fixture
def window(world: FakeWorld, session: Session, qtbot: Any) -> Iterator[MainWindow]:
    made = opened(world, session, qtbot)
    yield made
    made.close()
    made.deleteLater()
    stop_all().show(Phase.IDLE)


def live(window: MainWindow, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: window.desk is not None and window.desk.lab.link.live, timeout=30_000)
    window.tick()


def probe(window: MainWindow, view_id: str) -> Probe:
    assert window.docks is not None
    found = window.docks.view(view_id)
    assert isinstance(found, Probe)
    return found


def channels(world: FakeWorld) -> None:
    for at, (state, run, cell) in enumerate(
        (("running", "r1", "C1"), ("paused", "r2", "C2"), ("idle", "", ""))
    ):
        name = f"neware:1-{at + 1}"
        world.publish("channel", name, ChannelStatus(name, state, cell_id=cell, run_id=run))  # type: ignore[arg-type]


# -- bars -------------------------------------------------------------------------------------------------------------


def test_the_top_bar_says_how_the_bench_stands(window: MainWindow, world: FakeWorld, qtbot: Any) -> None:
    channels(world)
    world.publish("station", "alarms", {"critical": 1, "high": 2, "medium": 0, "low": 0})
    live(window, qtbot)
    qtbot.waitUntil(
        lambda: window.desk.lab.counts.high == 2 and len(window.desk.lab.channels) == 3, timeout=30_000
    )  # type: ignore[union-attr]
    window.tick()
    top = window.top
    assert top.station.text() == "Station A" and top.user.text() == "chen"
    assert [f.accessibleName() for f in (top.running, top.free, top.held)] == [
        "running 2",
        "free 1",
        "held 1",
    ]
    assert top.disk.accessibleName().startswith("disk 412")
    assert top.alarms.accessibleName() == "Alarms: 1 critical, 2 high"
    assert top.link.figure.text().endswith("s") and not window.link_banner.isVisible()


def test_before_any_answer_the_bar_says_connecting(session: Session, world: FakeWorld, qtbot: Any) -> None:
    languages = Languages()
    made = MainWindow(session, languages)
    qtbot.addWidget(made)
    assert made.top.station.text() == "no station" and made.top.link.accessibleName() == "connecting"
    made.close()


def test_stop_all_stands_at_the_outer_right_edge_and_is_44_px_high(window: MainWindow) -> None:
    button = window.top.stop
    corner = button.mapTo(window, button.rect().topRight())
    assert corner.x() == window.width() - 1 and corner.y() == 0 and button.height() >= 44


@pytest.mark.parametrize(("width", "scale"), [(1366, 1.0), (1366, 1.5), (1366, 2.0), (1024, 1.0)])
def test_a_narrow_bar_gives_up_words_but_never_stop_and_alarms(
    window: MainWindow, look: Any, qtbot: Any, width: int, scale: float
) -> None:
    live(window, qtbot)
    window.set_scale(scale)
    window.resize(width, 768)
    qtbot.waitUntil(lambda: not look.changing, timeout=30_000)
    QApplication.processEvents()
    stop = window.top.stop
    assert stop.isVisible() and stop.width() >= stop.sizeHint().width() - 1
    assert window.top.alarms.isVisible()
    assert stop.mapTo(window, stop.rect().topRight()).x() == window.width() - 1


def test_the_status_line_shows_the_last_event_and_why_a_control_is_off(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    from PySide6.QtGui import QStatusTipEvent

    live(window, qtbot)
    qtbot.waitUntil(lambda: bool(world.listeners), timeout=30_000)
    world.publish(
        "event",
        "trip",
        {
            "kind": "trip",
            "utc": "2026-04-21T09:38:02+00:00",
            "text": "V 5.02 above 5.00",
            "channel": "2-35",
            "cell": "C0135",
        },
    )
    qtbot.waitUntil(lambda: "5.02" in window.status.event_line.text(), timeout=30_000)
    assert window.status.event_line.text() == "09:38:02 2-35 C0135 V 5.02 above 5.00"
    start = probe(window, "station").start
    QApplication.sendEvent(start, QStatusTipEvent("4 of 4 are running"))
    assert window.status.event_line.text() == "4 of 4 are running"
    QApplication.sendEvent(start, QStatusTipEvent(""))
    assert window.status.event_line.text().startswith("09:38:02")


def test_the_speed_of_a_virtual_bench_is_shown_and_of_a_real_one_not(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    live(window, qtbot)
    assert not window.top.speed.isVisible()
    world.virtual()
    qtbot.waitUntil(lambda: window.desk.lab.station.virtual, timeout=30_000)  # type: ignore[union-attr]
    window.tick()
    assert window.top.speed.isVisible() and window.top.speed.key == "600"
    world.virtual(None)
    qtbot.waitUntil(lambda: window.desk.lab.station.speed is None, timeout=30_000)  # type: ignore[union-attr]
    window.tick()
    assert window.top.speed.key == "max"
    world.virtual(50.0, fixed="it follows the wall")
    qtbot.waitUntil(lambda: window.desk.lab.station.speed == 50.0, timeout=30_000)  # type: ignore[union-attr]
    window.tick()
    assert not window.top.speed.isVisible()


# -- views ------------------------------------------------------------------------------------------------------------


def test_the_rail_has_the_views_there_are_and_opens_them(window: MainWindow, qtbot: Any) -> None:
    assert window.rail.ids == ("station", "channel", "alarms")
    assert window.docks is not None and window.docks.view("channel") is None  # made when first seen
    qtbot.mouseClick(window.rail.entry("channel"), Qt.MouseButton.LeftButton)
    assert window.docks.front == "channel" and window.docks.shown_ids == ("channel",)
    assert window.rail.entry("channel").isChecked() and not window.rail.entry("station").isChecked()
    qtbot.waitUntil(lambda: "shown" in probe(window, "channel").told, timeout=30_000)
    assert probe(window, "station").told[-1] == "hidden"


def test_views_have_keys_and_a_way_back(window: MainWindow, qtbot: Any) -> None:
    control, alt = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
    for key in (Qt.Key.Key_2, Qt.Key.Key_3):
        qtbot.keyClick(window, key, control)
    assert window.docks is not None and window.docks.front == "alarms"
    qtbot.keyClick(window, Qt.Key.Key_Left, alt)
    assert window.docks.front == "channel"
    qtbot.keyClick(window, Qt.Key.Key_Right, alt)
    assert window.docks.front == "alarms"


def test_a_view_is_opened_on_an_object_and_one_that_is_not_there_is_no_error(window: MainWindow) -> None:
    window.go("channel", "neware:1-2")
    assert probe(window, "channel").told[-1] == "neware:1-2"
    window.go("coater")
    assert window.docks is not None and window.docks.front == "channel"


def test_views_stand_beside_each_other_or_in_windows_that_carry_the_stop(
    window: MainWindow, qtbot: Any
) -> None:
    assert window.docks is not None
    window.rail.beside_wanted.emit("channel")
    assert set(window.docks.shown_ids) == {"station", "channel"}
    window.rail.window_wanted.emit("alarms")
    assert window.docks.is_floating("alarms")
    (dock,) = floating(window)
    holder = dock.holder
    assert dock.windowTitle() == "Alarms" and holder.bar.isVisibleTo(dock)
    assert isinstance(holder.stop, StopAllButton)
    pressed: list[int] = []
    stop_all().connect_to(lambda: pressed.append(1))
    qtbot.mouseClick(holder.stop, Qt.MouseButton.LeftButton)
    assert pressed == [1]


def floating(window: MainWindow) -> list[Dock]:
    assert window.docks is not None
    return [dock for dock in window.docks._docks.values() if dock.isFloating()]


def test_layouts_are_kept_per_user_and_can_be_reset(world: FakeWorld, session: Session, qtbot: Any) -> None:
    first = opened(world, session, qtbot)
    assert first.docks is not None
    first.go("channel")
    first.docks.open_beside("alarms")
    probe(first, "channel").field.setText("C00")
    first.close()
    first.deleteLater()
    second = opened(world, session, qtbot)
    assert second.docks is not None
    assert set(second.docks.shown_ids) == {"channel", "alarms"}
    assert probe(second, "channel").field.text() == "C00"
    second.reset_layout()
    assert second.docks.shown_ids == ("station",)
    second.close()
    second.deleteLater()


def test_a_layout_that_does_not_fit_any_more_is_left_out(
    world: FakeWorld, session: Session, qtbot: Any
) -> None:
    session.save_layout(b"rubbish", "station")
    made = opened(world, session, qtbot)
    assert made.docks is not None and made.docks.shown_ids == ("station",)
    made.close()
    made.deleteLater()


# -- look -------------------------------------------------------------------------------------------------------------


def test_language_theme_and_scale_switch_in_the_open_window_and_are_kept(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    live(window, qtbot)
    window.set_language(Language.CHINESE)
    qtbot.waitUntil(lambda: window.top.stop.text() == "停止全部输出", timeout=30_000)
    assert window.top.link.word.text() == "工位" and window.top.stop.accessibleName() == "停止全部输出"
    window.set_theme(ThemeName.DARK)
    window.set_scale(1.5)
    assert (session.language, session.theme, session.scale) == (Language.CHINESE, ThemeName.DARK, 1.5)
    assert window.status.scale.text() == "150 %" and window.status.theme.text() == "深色"
    window.set_language(Language.ENGLISH)
    qtbot.waitUntil(lambda: window.top.stop.text() == "Stop all outputs", timeout=30_000)


def test_the_scale_has_keys(window: MainWindow, look: Any, qtbot: Any) -> None:
    control = Qt.KeyboardModifier.ControlModifier
    qtbot.keyClick(window, Qt.Key.Key_Plus, control)
    assert look.scale == pytest.approx(1.1)
    qtbot.keyClick(window, Qt.Key.Key_Minus, control)
    qtbot.keyClick(window, Qt.Key.Key_Minus, control)
    assert look.scale == pytest.approx(0.9)
    qtbot.keyClick(window, Qt.Key.Key_0, control)
    assert look.scale == pytest.approx(1.0)


# -- link and stop ----------------------------------------------------------------------------------------------------


def test_a_lost_link_is_said_with_its_age_and_goes_when_it_is_back(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    live(window, qtbot)
    world.cut()
    qtbot.waitUntil(lambda: window.link_banner.isVisible(), timeout=30_000)
    assert "No link" in window.link_banner.accessibleName() and "s ago" in window.link_banner.accessibleName()
    assert window.top.link.accessibleName() == "station no link" and window.top.stop.isEnabled()
    world.mend()
    qtbot.waitUntil(lambda: not window.link_banner.isVisible(), timeout=30_000)


def test_a_station_that_refuses_is_told_in_its_words(session: Session, qtbot: Any, world: FakeWorld) -> None:
    world.problem = UserInputError("the station does not take this token")
    made = opened(world, session, qtbot)
    qtbot.waitUntil(lambda: "token" in made.link_banner.accessibleName(), timeout=30_000)
    made.close()
    made.deleteLater()


def test_the_chord_stops_all_outputs_without_a_question_and_lists_what_became_of_it(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    live(window, qtbot)
    world.outputs = {"neware:1-1": True, "neware:1-2": False}
    modifiers = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Qt.Key.Key_F12, modifiers)
    assert stop_all().phase is Phase.SENDING
    qtbot.waitUntil(lambda: stop_all().phase is Phase.TROUBLE, timeout=30_000)
    banner = window.stop_banner
    assert banner is not None and banner.isVisible() and banner.reports is not None
    assert banner.reports.lines[0].startswith("neware:1-2") and "not confirmed" in banner.reports.lines[0]
    assert "neware:1-2" in window.trouble.text
    banner.reports.close()


def test_all_confirmed_is_shown_as_confirmed(window: MainWindow, world: FakeWorld, qtbot: Any) -> None:
    live(window, qtbot)
    qtbot.mouseClick(window.top.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stop_all().phase is Phase.CONFIRMED, timeout=30_000)
    assert window.trouble.isHidden()


def test_a_stop_without_a_link_says_not_confirmed_within_its_deadline(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    live(window, qtbot)
    world.silent = True
    qtbot.mouseClick(window.top.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stop_all().phase is Phase.TROUBLE, timeout=30_000)
    assert "not confirmed" in window.trouble.text and "instruments" in window.trouble.text


def test_the_latch_is_shown_and_released_with_reason_and_word(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    live(window, qtbot)
    qtbot.waitUntil(lambda: bool(world.listeners), timeout=30_000)
    latch = StopAll(True, "li", "2026-04-21T01:42:18+00:00", "fire", (StopReport("neware:1-1", True),))  # type: ignore[arg-type]
    world.publish("station", "stop_all", latch)
    banner = window.stop_banner
    assert banner is not None
    qtbot.waitUntil(banner.isVisible, timeout=30_000)
    assert "li" in banner.accessibleName() and "1 of 1" in banner.accessibleName()
    qtbot.mouseClick(banner.button("release"), Qt.MouseButton.LeftButton)
    from labctl.gui.parts.confirm import Confirm

    dialog = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, Confirm))
    qtbot.keyClicks(dialog.typed, "release")
    qtbot.keyClicks(dialog.reason, "false alarm")
    qtbot.mouseClick(dialog.act, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "release false alarm release" in world.calls, timeout=30_000)


# -- palette, names, closing ------------------------------------------------------------------------------------------


def test_the_palette_offers_the_front_views_acts_first(
    window: MainWindow, world: FakeWorld, qtbot: Any
) -> None:
    channels(world)
    live(window, qtbot)
    qtbot.waitUntil(lambda: len(window.desk.lab.channels) == 3, timeout=30_000)  # type: ignore[union-attr]
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.palette_popup.isVisible() and window.palette_popup.texts[0] == "act of station"
    assert {"Channel", "neware:1-2 C2", "Dark", "中文", "Stop all outputs"} <= set(window.palette_popup.texts)
    qtbot.keyClicks(window.palette_popup.field, "1-2")
    qtbot.keyClick(window.palette_popup.field, Qt.Key.Key_Return)
    assert probe(window, "channel").told[-1] == "neware:1-2"


def test_every_control_has_a_name_for_screen_readers(window: MainWindow, qtbot: Any) -> None:
    live(window, qtbot)
    nameless = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and isinstance(widget, QAbstractButton | QLineEdit)
        and not type(widget).__name__.startswith("ads")
        and not widget.accessibleName()
        and not widget.objectName().startswith(("qt_", "tab", "dockArea"))
        and widget.isVisibleTo(window)
    ]
    assert nameless == []


def test_done_work_is_a_toast_and_stands_in_the_status_line(window: MainWindow) -> None:
    window.say("16 cells saved")
    assert window.toasts.texts == ("16 cells saved",) and window.status.event_line.text() == "16 cells saved"


def test_alarms_come_into_the_lab_as_they_are(window: MainWindow, world: FakeWorld, qtbot: Any) -> None:
    key = AlarmKey("link.unknown:neware")
    alarm = Alarm(key, "link.unknown", "neware", AlarmState.UNACK, AlarmPriority.HIGH, "no news", "look")
    world.publish("alarm", key, alarm)
    qtbot.waitUntil(lambda: window.desk.lab.alarms.get(key) == alarm, timeout=30_000)  # type: ignore[union-attr]


def test_closing_keeps_the_window_and_hangs_up(world: FakeWorld, session: Session, qtbot: Any) -> None:
    made = opened(world, session, qtbot)
    live(made, qtbot)
    ended: list[int] = []
    made.on_close.append(lambda: ended.append(1))
    made.close()
    assert ended == [1] and session.geometry() is not None and world.closed == 5
    made.deleteLater()
