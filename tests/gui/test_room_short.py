"""Where room is short rows, rail and parts give way in an order that people can live with; none runs out sideways."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QListWidget, QMenu, QSplitter, QStackedWidget, QWidget

from labctl.gui.parts.actionbar import ActionBar
from labctl.gui.parts.buttons import Button, Tight
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.docks import Room
from labctl.gui.parts.fold import Fold
from labctl.gui.parts.layouts import Column
from labctl.gui.parts.view import Page
from labctl.gui.parts.wrapping import Wrapping
from labctl.gui.statusbar import StatusBar
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import ThemeName
from labctl.gui.topbar import TopBar
from labctl.gui.viewmodels.allowed import channel_why_not
from labctl.gui.viewmodels.events import event_rows, is_news
from labctl.gui.viewmodels.grid import Counts
from labctl.gui.viewmodels.typing_in import Event
from labctl.gui.views.station.head import Head
from labctl.gui.views.station.texts import Texts
from labctl.testing.guibest import BEST, COLOURS, fewer_colours
from labctl.testing.guilab import a_lab, running, tell
from labctl.testing.guiscenes import SCENES


def settle(widget: QWidget, width: int, height: int = 60) -> None:
    widget.resize(width, height)
    widget.show()
    QApplication.processEvents()


def test_a_bar_gives_up_all_key_caps_before_the_first_word(look: Any, qtbot: Any) -> None:
    bar = ActionBar()
    qtbot.addWidget(bar)
    buttons = [
        bar.add(Button(text, icon="pause", keys="Ctrl+H")) for text in ("Hold all", "Move down", "Repeat")
    ]
    settle(bar, 1200)
    full = bar.sizeHint().width()
    assert {button.tight for button in buttons} == {Tight.FULL}
    settle(bar, full - 20)
    assert {button.tight for button in buttons} == {Tight.NO_KEYS}
    settle(bar, bar.minimumSizeHint().width() + 4)
    assert [button.tight for button in buttons][-1] is Tight.ICON
    assert buttons[-1].accessibleName() == "Repeat" and "Repeat" in buttons[-1].toolTip()
    assert all(button.geometry().right() < bar.width() for button in buttons)
    settle(bar, 1200)
    assert {button.tight for button in buttons} == {Tight.FULL}


def test_parts_become_tabs_below_their_width_and_stand_side_by_side_again(look: Any, qtbot: Any) -> None:
    content, left, right = QSplitter(), QWidget(), QWidget()
    inner = QSplitter()
    inner.addWidget(right)
    content.addWidget(left)
    content.addWidget(inner)
    fold = Fold(content, {"left": left, "right": right}, width_px=600)
    fold.name_pages({"left": "List", "right": "Calendar"})
    qtbot.addWidget(fold)
    settle(fold, 900, 300)
    assert not fold.folded and left.isVisible() and right.isVisible() and not fold.tabs.isVisible()
    settle(fold, 500, 300)
    assert fold.folded and left.isVisible() and not right.isVisible() and not inner.isVisible()
    fold.show_page("right")
    assert right.isVisible() and not left.isVisible()
    settle(fold, 900, 300)
    assert left.isVisible() and right.isVisible()


def test_words_that_wrap_do_not_make_a_view_taller_than_its_room(look: Any, qtbot: Any) -> None:
    view = QWidget()
    column = Column(view)
    words = QLabel("many words " * 40)
    words.setWordWrap(True)
    plot = QWidget()
    plot.setMinimumSize(100, 80)
    column.addWidget(words)
    column.addWidget(plot, 1)
    room = Room()
    qtbot.addWidget(room)
    room.setWidget(view)
    settle(room, 800, 400)
    assert (view.width(), view.height()) == (800, 400)
    settle(room, 800, 90)
    assert (
        view.height() > 90 and view.width() < 800
    )  # less is not possible: it scrolls, beside its scroll bar


def test_a_page_that_nobody_sees_does_not_push_the_bar_out_of_the_view(look: Any, qtbot: Any) -> None:
    page, stack, low, high = Page(), QStackedWidget(), QWidget(), QWidget()
    words = QLabel("many words " * 400)
    words.setWordWrap(True)
    Column(high).addWidget(words)
    stack.addWidget(low)
    stack.addWidget(high)
    Column(page).addWidget(stack)
    view, bar = QWidget(), QWidget()
    bar.setFixedHeight(40)
    Column(view, gap=0).put(page, bar)
    room = Room()
    qtbot.addWidget(room)
    room.setWidget(view)
    settle(room, 300, 240)
    assert bar.geometry().bottom() < 240 and view.height() == 240


def test_controls_that_keys_have_too_give_way_before_a_second_line(look: Any, qtbot: Any) -> None:
    tabs, log_x, follow = Chip("voltage over time"), Chip("log x"), Chip("follow live")
    bar = Wrapping((tabs, log_x, follow), spared=(log_x,))
    qtbot.addWidget(bar)
    settle(bar, 600)
    one_line = bar.height()
    assert log_x.isVisible()
    settle(bar, tabs.sizeHint().width() + follow.sizeHint().width() + 40)
    assert not log_x.isVisible() and follow.isVisible() and bar.height() == one_line
    settle(bar, 600)
    assert log_x.isVisible()


def test_the_head_of_the_station_says_tiles_and_table_by_icons_before_it_takes_a_second_line(
    look: Any, qtbot: Any
) -> None:
    head = Head()
    qtbot.addWidget(head)
    head.retranslate(Counts(), ())
    settle(head, 2000, 32)
    tiles = head.look.part("tiles")
    assert tiles.sizeHint().width() > 60
    whole = head._flow.sizeHint().width()
    settle(head, whole - 20, 32)
    assert tiles.sizeHint().width() < 60 and "Tiles" in tiles.accessibleName()
    assert head.heightForWidth(whole - 20) == head.zoom.height()
    settle(head, 2000, 32)
    assert tiles.sizeHint().width() > 60


def test_a_dialog_stands_below_the_top_bar_of_its_window_where_it_can(look: Any, qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    settle(window, 900, 400)
    dialog, long = Dialog("Insert", window), QListWidget()
    long.setMinimumHeight(60)
    dialog.body.addWidget(long)
    dialog.resize(300, 600)
    dialog.show()
    QApplication.processEvents()
    top = window.geometry().top() + 44
    assert dialog.geometry().top() >= top and dialog.geometry().bottom() <= window.geometry().bottom()
    dialog.reject()


class Painted(QWidget):
    """Counts how often it is painted."""

    times = 0

    def paintEvent(self, event: Any) -> None:
        self.times += 1


def test_a_window_is_painted_on_after_a_change_of_theme_that_met_it_unpainted(look: Any, qtbot: Any) -> None:
    window, parts = QWidget(), [Painted() for _ in range(4)]
    qtbot.addWidget(window)
    Column(window).put(*parts)
    for part in parts:
        look.dress(part)
    settle(window, 300, 200)
    parts[0].update()  # asked for, and not yet painted
    look.change(ThemeName.DARK, 1.0)
    qtbot.waitUntil(lambda: not look.changing)
    painted = parts[0].times
    parts[0].update()
    qtbot.waitUntil(lambda: parts[0].times > painted)


def test_an_event_without_words_or_time_is_no_news() -> None:
    lab = a_lab()
    lab.events.append(Event(1, "act", "2026-01-01T00:00:00Z", "Stop of 1-1"))
    lab.events.append(Event(2, "run.predicted", "", ""))
    assert [is_news(event) for event in lab.events] == [True, False]
    assert [row.what for row in event_rows(lab)] == ["Stop of 1-1"]


def test_reasons_name_the_rack_where_two_have_the_place() -> None:
    lab = a_lab()
    tell(lab, running("neware-1:1-3"), running("neware-2:1-3"))
    assert channel_why_not(lab, "queue.submit", "neware-2:1-3") == "2:1-3 is running."


def test_a_virtual_bench_shows_its_own_time_and_calls_the_walls_by_its_name(look: Any, qtbot: Any) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    wall, bench = datetime(2026, 11, 23, 16, 0, tzinfo=UTC), datetime(2026, 1, 8, 9, 30, tzinfo=UTC)
    bar.say_time(wall)
    assert bar.utc.text() == "2026-11-23 16:00:00 UTC"
    bar.say_time(wall, bench)
    assert bar.utc.text().startswith("wall ") and bar.local.text().startswith("bench 2026-01-0")


@pytest.mark.parametrize(
    "text", ["polarisation: 1.02 V at the half-cycle's end, above 1 V", "检测到短路" * 8]
)
def test_a_reason_is_cut_with_dots_in_the_last_line_of_a_tile(look: Any, qapp: Any, text: str) -> None:
    from PySide6.QtGui import QColor, QPainter, QPixmap

    picture, texts = QPixmap(100, 100), Texts()
    painter = QPainter(picture)
    texts.begin(painter, Role.SMALL, QColor("black"))
    lines = texts.wrapped(text, 80.0, 3)
    assert len(lines) == 3 and lines[-1].endswith("…")
    assert all(texts.width(line) <= 81.0 for line in lines)
    assert texts.wrapped("short", 80.0, 3) == ("short",)
    painter.end()


def test_a_small_picture_keeps_frequent_colours_and_the_odd_badge() -> None:
    pixels = np.arange(90_000, dtype=np.uint32).reshape(300, 300) % 900  # many near blues
    pixels[:, :150] = 0xF2F2F2
    pixels[0, 0] = 0xFFD84D
    colours, places = fewer_colours(pixels)
    assert (
        len(colours) == COLOURS and colours[places[10, 10]] == 0xF2F2F2 and colours[places[0, 0]] == 0xFFD84D
    )


def test_the_pictures_of_the_docs_are_twelve_of_scenes_that_there_are() -> None:
    scenes = {scene.name for scene in SCENES}
    assert len(BEST) == 12 and len({best.name for best in BEST}) == 12
    assert {best.scene for best in BEST} <= scenes
    assert (
        sum(best.theme == "dark" for best in BEST) >= 3 and sum(best.language == "zh" for best in BEST) >= 2
    )


def test_another_language_keeps_the_speed_that_is_shown(look: Any, qtbot: Any) -> None:
    menu = QMenu()
    bar = TopBar(menu)
    qtbot.addWidget(menu)
    qtbot.addWidget(bar)
    bar.show_speed("20")
    bar.retranslate()
    assert bar.speed.currentData() == "20"
