"""The station's grid: found at a glance, moved by keys and mouse, honest about age (U01, U16, U18, U22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QImage
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from labctl.gui.i18n import translating
from labctl.gui.i18n.translating import Language, Languages
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.viewmodels.filters import Show, Sort
from labctl.gui.viewmodels.gridplaces import TileSize
from labctl.model.alarm import AlarmPriority
from labctl.model.bench import StationInfo
from labctl.testing.guibench import INFO
from labctl.testing.guilab import alarm, cell, empty, running, tell
from labctl.testing.guistation import StationPage, station_page

pytestmark = pytest.mark.usefixtures("look")
SATURATED = 0.5
LEFT, CTRL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
SHIFT, PLAIN = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def page(session: Session, qtbot: Any) -> Iterator[StationPage]:
    with station_page(session) as made:
        with qtbot.waitActive(made.view, timeout=30_000):
            made.view.activateWindow()
        yield made


def three_abnormal(page: StationPage) -> None:
    tell(
        page.lab,
        alarm("detect.short:neware:16-2", AlarmPriority.MEDIUM, channel="neware:16-2", text="0.4 Ω cm²"),
        alarm("trip:neware:13-3", AlarmPriority.CRITICAL, channel="neware:13-3", text="V 5.02 > 5.00"),
        alarm("instrument.unknown:neware:6-2", channel="neware:6-2", text="no status for 4 min"),
    )
    QApplication.processEvents()


def middle(page: StationPage, channel: str) -> QPoint:
    return page.view.tiles.box_of(channel).center()


def saturated_share(widget: QWidget) -> float:
    """Return the share of pixels that are strongly coloured, 0 to 1."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3]
    high, low = pixels.max(axis=2).astype(float), pixels.min(axis=2).astype(float)
    return float(np.mean((high - low) / np.maximum(high, 1.0) > SATURATED))


# -- at a glance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(ThemeName))
@pytest.mark.parametrize("size", list(TileSize))
def test_r1_a_station_on_which_all_is_normal_is_grey(
    page: StationPage, name: ThemeName, size: TileSize
) -> None:
    theme().put_on(name, 1.0)
    page.view.tiles.show_size(size)
    assert saturated_share(page.view.tiles) < 0.005


def test_u01_three_abnormal_of_128_are_named_worst_first_and_stand_out_in_the_grid(page: StationPage) -> None:
    calm = saturated_share(page.view.tiles)
    three_abnormal(page)
    told = [button.accessibleName() for button in page.view.strip.needs if button.isVisible()]
    assert [text.split(",")[0] for text in told] == [
        "Critical: 13-3 TRIP",
        "High: 6-2 UNKNOWN",
        "Medium: 16-2 SHORT",
    ]
    assert page.view.first.show_part.part("abnormal").accessibleName() == "Abnormal 3"
    assert saturated_share(page.view.tiles) > calm + 0.003


def test_u01_a_click_on_a_need_goes_there_whatever_was_filtered_out(page: StationPage, qtbot: Any) -> None:
    three_abnormal(page)
    page.view.grid.set_show(Show.FREE)
    assert page.view.grid.order == ()
    qtbot.mouseClick(page.view.strip.needs[2], LEFT)
    assert page.view.selection.channels == ("neware:16-2",) and page.view.grid.show is Show.ALL
    assert page.view.tiles.viewport().rect().contains(page.view.tiles.box_of("neware:16-2"))


def test_with_nothing_wrong_the_strip_says_so_and_keeps_its_place(page: StationPage) -> None:
    before = page.view.tiles.geometry()
    assert page.view.strip.calm.isVisible()
    three_abnormal(page)
    assert not page.view.strip.calm.isVisible() and page.view.tiles.geometry() == before


def test_more_needs_than_fit_are_counted_and_shown_by_one_press(page: StationPage, qtbot: Any) -> None:
    tell(page.lab, *(alarm(f"trip:neware:1-{n}", channel=f"neware:1-{n}") for n in range(1, 6)))
    QApplication.processEvents()
    assert page.view.strip.more.text() == "2 more"
    qtbot.mouseClick(page.view.strip.more, LEFT)
    assert len(page.view.grid.order) == 5 and page.view.first.show_part.key == "abnormal"


def test_an_unseen_critical_blinks_only_while_a_person_may_see_it_and_wants_it(page: StationPage) -> None:
    assert not page.view.tiles._blink.isActive()
    three_abnormal(page)
    assert page.view.tiles._blink.isActive()
    page.view.settings.set(motion=False).redo()  # type: ignore[union-attr]  # it is a change
    tell(page.lab, alarm("trip:neware:1-1", AlarmPriority.CRITICAL, channel="neware:1-1"))
    assert not page.view.tiles._blink.isActive()


# -- keys -------------------------------------------------------------------------------------------------------------


def test_arrows_go_as_the_eye_sees_it_across_racks_and_over_holes(page: StationPage, qtbot: Any) -> None:
    tiles, chosen = page.view.tiles, page.view.selection
    tiles.setFocus(Qt.FocusReason.TabFocusReason)
    assert chosen.current == "neware:1-1" and len(chosen) == 0
    for key, expected in ((Qt.Key.Key_Right, "1-2"), (Qt.Key.Key_Down, "2-2"), (Qt.Key.Key_Left, "2-1"),
                          (Qt.Key.Key_Up, "1-1"), (Qt.Key.Key_End, "16-8"), (Qt.Key.Key_Home, "1-1")):  # fmt: skip
        qtbot.keyClick(tiles, key)
        assert chosen.channels == (f"neware:{expected}",)
    chosen.choose("neware:1-8")
    qtbot.keyClick(tiles, Qt.Key.Key_Right)
    assert chosen.current == "neware:9-1"  # the rack beside it


def test_shift_extends_ctrl_moves_and_space_takes_in_or_out(page: StationPage, qtbot: Any) -> None:
    tiles, chosen = page.view.tiles, page.view.selection
    chosen.choose("neware:1-1")
    tiles.setFocus()
    qtbot.keyClick(tiles, Qt.Key.Key_Right, SHIFT)
    qtbot.keyClick(tiles, Qt.Key.Key_Right, SHIFT)
    assert len(chosen) == 3 and page.view.bar._strong.text() == "3 selected"
    qtbot.keyClick(tiles, Qt.Key.Key_Right, CTRL)
    qtbot.keyClick(tiles, Qt.Key.Key_Space)
    assert "neware:1-4" in chosen and len(chosen) == 4
    qtbot.keyClick(tiles, Qt.Key.Key_Space)
    assert len(chosen) == 3
    qtbot.keyClick(tiles, Qt.Key.Key_A, CTRL)
    assert len(chosen) == 128
    qtbot.keyClick(tiles, Qt.Key.Key_Escape)
    assert len(chosen) == 0


def test_enter_and_a_double_click_open_the_channel(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:2-3")
    page.view.tiles.setFocus()
    qtbot.keyClick(page.view.tiles, Qt.Key.Key_Return)
    qtbot.mouseDClick(page.view.tiles.viewport(), LEFT, pos=middle(page, "neware:3-1"))
    assert page.gone == [("channel", "neware:2-3"), ("channel", "neware:3-1")]


def test_a_slash_goes_to_the_filter_and_enter_back_to_what_it_left(page: StationPage, qtbot: Any) -> None:
    view = page.view
    view.tiles.setFocus()
    qtbot.keyClick(view.tiles, Qt.Key.Key_Slash)
    assert view.first.search.hasFocus()
    qtbot.keyClicks(view.first.search, "c0009")
    assert view.grid.order == ("neware:2-2",)
    qtbot.keyClick(view.first.search, Qt.Key.Key_Return)
    assert view.tiles.hasFocus() and view.selection.current == "neware:2-2"
    view.search()
    qtbot.keyClick(view.first.search, Qt.Key.Key_Escape)
    assert len(view.grid.order) == 128


def test_a_screen_reader_hears_the_current_tile(page: StationPage, qtbot: Any) -> None:
    page.view.selection.choose("neware:1-2")
    told = page.view.tiles.accessibleDescription()
    assert page.view.tiles.accessibleName() == "Channels"
    assert told.startswith("1-2, C0001, discharging") and told.endswith("selected")


# -- mouse ------------------------------------------------------------------------------------------------------------


def test_click_ctrl_and_shift_select(page: StationPage, qtbot: Any) -> None:
    port, chosen = page.view.tiles.viewport(), page.view.selection
    qtbot.mouseClick(port, LEFT, PLAIN, middle(page, "neware:1-2"))
    qtbot.mouseClick(port, LEFT, SHIFT, middle(page, "neware:1-5"))
    assert len(chosen) == 4
    qtbot.mouseClick(port, LEFT, CTRL, middle(page, "neware:1-3"))
    qtbot.mouseClick(port, LEFT, CTRL, middle(page, "neware:9-3"))
    assert set(chosen.channels) == {"neware:1-2", "neware:1-4", "neware:1-5", "neware:9-3"}
    qtbot.mouseClick(port, LEFT, PLAIN, QPoint(port.width() - 2, port.height() - 2))
    assert len(chosen) == 0


def test_a_frame_that_is_drawn_selects_what_it_touches_and_ctrl_adds(page: StationPage, qtbot: Any) -> None:
    port, chosen = page.view.tiles.viewport(), page.view.selection
    for first, last, held, expected in (("1-1", "3-2", PLAIN, 6), ("5-1", "5-3", CTRL, 9)):
        qtbot.mousePress(port, LEFT, held, middle(page, f"neware:{first}"))
        qtbot.mouseMove(port, middle(page, f"neware:{last}"))
        event_at = middle(page, f"neware:{last}")
        send_move(port, event_at)
        qtbot.mouseRelease(port, LEFT, held, event_at)
        assert len(chosen) == expected


def send_move(port: QWidget, where: QPoint) -> None:
    """Move the pointer with the left button held: the test platform does not keep the button by itself."""
    from PySide6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        where.toPointF(),
        port.mapToGlobal(where).toPointF(),
        Qt.MouseButton.NoButton,
        LEFT,
        PLAIN,
    )
    QApplication.sendEvent(port, event)


def test_the_name_of_a_rack_or_of_a_unit_selects_all_of_it(page: StationPage, qtbot: Any) -> None:
    port, chosen = page.view.tiles.viewport(), page.view.selection
    first = page.view.tiles.box_of("neware:1-1")
    qtbot.mouseClick(port, LEFT, PLAIN, QPoint(first.left() + 10, first.top() - 12))
    assert len(chosen) == 64
    qtbot.mouseClick(port, LEFT, PLAIN, QPoint(4, first.top() + 10))
    assert chosen.channels == tuple(f"neware:1-{n}" for n in range(1, 9))


def test_u22_each_number_has_unit_quality_and_age_on_hover_and_names_stay_plain(page: StationPage) -> None:
    tell(page.lab, running("neware:1-1", "<b>C1", voltage_V=3.3724))
    where = middle(page, "neware:1-1")
    port = page.view.tiles.viewport()
    QApplication.sendEvent(port, QHelpEvent(QEvent.Type.ToolTip, where, port.mapToGlobal(where)))
    text = QToolTip.text()
    assert "3.3724\u2009V" in text and "0.0" in text and "last record" in text and "<b>C1" in text


# -- honesty ----------------------------------------------------------------------------------------------------------


def test_values_that_grow_old_go_grey_with_their_age(page: StationPage) -> None:
    before = page.view.tiles.grab().toImage()
    page.clock.s += 120.0
    page.view._tick()
    tile = page.view.grid.tile("neware:1-1")
    assert tile.hatched and tile.muted and tile.word == "STALE" and "old" in tile.fact
    assert page.view.tiles.grab().toImage() != before


def test_the_order_stands_still_under_the_pointer_and_follows_when_it_leaves(page: StationPage) -> None:
    view = page.view
    view.grid.set_show(Show.RUNNING)
    QApplication.sendEvent(view.tiles, QEvent(QEvent.Type.Enter))
    view.grid.frozen = True
    tell(page.lab, empty("neware:1-1"))
    assert "neware:1-1" in view.grid.order and view.grid.order_due
    QApplication.sendEvent(view.tiles, QEvent(QEvent.Type.Leave))
    assert "neware:1-1" not in view.grid.order


def test_an_empty_station_is_left_to_the_first_run(session: Session, qtbot: Any) -> None:
    with station_page(session, count=0) as page:
        page.lab.take_info(INFO)
        assert isinstance(page.lab.station, StationInfo) and page.gone == [("firstrun", None)]


# -- looks ------------------------------------------------------------------------------------------------------------


def test_the_zoom_is_kept_and_undone(page: StationPage, session: Session, qtbot: Any) -> None:
    qtbot.mouseClick(page.view.first.zoom.part("S"), LEFT)
    assert page.view.tiles.size_of_tiles is TileSize.S
    assert session.get("preferences")["tile_size"] == "S"
    page.view.undo.undo()
    assert page.view.tiles.size_of_tiles is TileSize.M and page.view.first.zoom.key == "M"


def test_segment_sort_and_look_are_kept_for_the_next_day(page: StationPage, qtbot: Any) -> None:
    view = page.view
    qtbot.mouseClick(view.first.show_part.part("running"), LEFT)
    view.grid.set_sort(Sort.AGE)
    qtbot.mouseClick(view.first.look.part("table"), LEFT)
    kept = view.save_state()
    view.grid.set_show(Show.ALL)
    view.restore_state({"show": "no such", "filter": "no such"})
    assert view.grid.show is Show.ALL
    view.restore_state(kept)
    assert (view.grid.show, view.grid.sort, view.part) == (Show.RUNNING, Sort.AGE, view.table)
    assert view.first.show_part.key == "running"


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("language", list(Language))
def test_u17_nothing_is_clipped_in_either_language_at_any_scale(
    page: StationPage, scale: float, language: Language
) -> None:
    languages = Languages()
    languages.put_on(language)
    theme().put_on(ThemeName.LIGHT, scale)
    view = page.view
    view.resize(1293, 680)  # the page of a window of 1366 x 768
    view.retranslate()
    view.selection.choose("neware:1-1", "neware:1-2")
    view.layout().activate()
    QApplication.processEvents()
    head = view.first
    inside = [head.show_part, head.sort, head.group, head.saved, head.search, head.zoom, head.look]
    for control in (
        *inside,
        *view._buttons.values(),
        *(one for one in view._goes.values() if one.isVisible()),
    ):
        assert control.width() >= min(control.sizeHint().width(), control.maximumWidth()), (
            control.accessibleName()
        )
        right = control.mapTo(view, QPoint(control.width(), 0)).x()
        assert right <= view.width(), control.accessibleName()
    boxes = [control.geometry() for control in inside]
    assert not any(a.intersects(b) for at, a in enumerate(boxes) for b in boxes[at + 1 :])
    languages.put_on(Language.ENGLISH)


def test_u17_the_language_switches_tiles_and_table_that_are_open(page: StationPage) -> None:
    from labctl.gui.viewmodels import words

    languages, before = Languages(), words.translate
    words.translate = translating.tr
    tell(page.lab, empty("neware:1-1"))
    page.view.show_look("table")
    assert page.view.grid.tile("neware:1-1").word == "free"
    languages.put_on(Language.CHINESE)
    QApplication.processEvents()
    assert page.view.grid.tile("neware:1-1").word == "空闲"
    assert page.view.table.rows.headerData(2, Qt.Orientation.Horizontal) == "电压 V"
    assert (
        page.view._buttons[Deed.STOP].text() == "停止"
        and page.view.first.search.accessibleName() == "电池、批次、状态"
    )
    languages.put_on(Language.ENGLISH)
    QApplication.processEvents()
    assert page.view.table.rows.headerData(2, Qt.Orientation.Horizontal) == "voltage V"
    words.translate = before


def test_what_has_no_room_in_the_bar_is_behind_more_and_acts_on_hardware_stay(
    page: StationPage, qtbot: Any
) -> None:
    view = page.view
    assert view.more.isHidden()
    view.selection.choose("neware:1-1")
    view.resize(700, 700)
    QApplication.processEvents()
    assert view.more.isVisible() and not view._goes["export"].isVisible()
    assert all(button.isVisible() for button in view._buttons.values())
    qtbot.mouseClick(view.more, LEFT)
    assert "export" in {action.objectName() for action in view.menu.actions()}
    view.menu.close()


def test_batches_stand_together_when_a_person_groups_by_them(page: StationPage, qtbot: Any) -> None:
    page.lab.take_cells([cell("C0001", batch="A"), cell("C0009", batch="A"), cell("C0002", batch="B")])
    page.view.first.group.setCurrentIndex(1)
    page.view.first.group.activated.emit(1)
    titles = {block.section.title: block.section.channels for block in page.view.tiles.places.blocks}
    assert titles["A"] == ("neware:1-2", "neware:2-2") and titles["B"] == ("neware:1-3",)


def test_every_control_that_takes_the_keyboard_has_a_name(page: StationPage) -> None:
    three_abnormal(page)
    page.view.selection.choose("neware:1-1")
    controls = [
        one
        for one in page.view.findChildren(QWidget)
        if one.focusPolicy() & Qt.FocusPolicy.TabFocus
        and one.isVisible()
        and one.objectName() != "qt_scrollarea_viewport"
    ]
    nameless = [type(one).__name__ for one in controls if not one.accessibleName()]
    assert len(controls) > 15 and nameless == []
