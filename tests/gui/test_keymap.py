"""The key map (operator-gui.md 7) is one table: the window does what it says, and each other key is somebody's."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from labctl.gui.desk import Desk
from labctl.gui.i18n.translating import Languages
from labctl.gui.parts.buttons import Phase
from labctl.gui.parts.stopall import stop_all
from labctl.gui.parts.view import Context, View, ViewSpec
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.palette import KEY_OF, KEYS, Where
from labctl.gui.views.cells import VIEW as CELLS
from labctl.gui.views.settings import VIEW as SETTINGS
from labctl.gui.window import MainWindow
from labctl.testing.guibench import FakeWorld
from labctl.testing.guiviews import ViewBench

pytestmark = pytest.mark.usefixtures("look")

OWN = ("station", "cells", "start", "recovery", "settings", "firstrun", "queue", "alarms", "channel", "protocol",
       "compare", "reports")  # fmt: skip
IN_ITEM_VIEWS = frozenset({"edit", "select", "open", "paste"})
"""Keys that Qt's item views, or the views' own key handling, bring."""


class Plain(View):
    """A view without a filter."""


def plain(context: Context) -> View:
    return Plain(context, FIRST)


FIRST = ViewSpec("station", "Station", "view-grid-outline", 1, plain, key=1, help="station.md")


@pytest.fixture
def window(session: Session, qtbot: Any) -> Iterator[MainWindow]:
    made = MainWindow(session, Languages())
    made.attach(Desk(FakeWorld().connect, made))
    made.show_views((FIRST, CELLS, SETTINGS))
    made.resize(1600, 1000)
    with qtbot.waitActive(made, timeout=30_000):
        made.show()
        made.activateWindow()
    yield made
    made.close()
    made.deleteLater()
    stop_all().show(Phase.IDLE)


def press(window: MainWindow, keys: str) -> None:
    combination = QKeySequence(keys)[0]
    target = QApplication.focusWidget() or window
    QTest.keyClick(target, combination.key(), combination.keyboardModifiers())
    QApplication.processEvents()


def test_views_are_reached_by_number_and_settings_by_comma_back_and_forward(window: MainWindow) -> None:
    assert window.front is not None and window.front.spec.id == "station"
    for keys, view_id in (("Ctrl+6", "cells"), ("Ctrl+,", "settings"), ("Alt+Left", "cells"), ("Alt+Left", "station"),
                          ("Alt+Right", "cells"), ("Ctrl+1", "station")):  # fmt: skip
        press(window, keys)
        assert window.front.spec.id == view_id, keys


@pytest.mark.parametrize("keys", KEY_OF["search"].keys)
def test_the_filter_is_reached_from_anywhere_and_the_palette_where_a_view_has_none(
    window: MainWindow, keys: str
) -> None:
    press(window, keys)
    assert window.palette_popup.isVisible(), "the first view has no filter"
    press(window, "Escape")
    press(window, "Ctrl+6")
    view: Any = window.front
    view.entry.setFocus()
    press(window, keys)
    assert QApplication.focusWidget() is view.registry_card.search
    QTest.keyClicks(QApplication.focusWidget(), "a/b")
    assert view.registry_card.search.text() == "a/b", "in a text a slash is a slash"


def test_the_size_of_text_follows_its_keys(window: MainWindow) -> None:
    press(window, "Ctrl++")
    assert theme().scale == pytest.approx(1.1)
    press(window, "Ctrl+-")
    press(window, "Ctrl+-")
    assert theme().scale == pytest.approx(0.9)
    press(window, "Ctrl+0")
    assert theme().scale == 1.0


def test_help_and_palette_open(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("labctl.gui.helping.open_help", lambda name: bool(opened.append(name) or True))
    press(window, "F1")
    assert opened == ["station.md"]
    press(window, "Ctrl+K")
    assert window.palette_popup.isVisible()
    QTest.keyClicks(window.palette_popup.field, "setti")
    press(window, "Return")
    assert window.front is not None and window.front.spec.id == "settings"


def test_stop_all_has_its_chord(window: MainWindow) -> None:
    assert window.stop_chord.key() == QKeySequence(KEY_OF["stop_all"].keys[0])


def keys_of(widget: QWidget) -> set[str]:
    found = {shortcut.key().toString() for shortcut in widget.findChildren(QShortcut)}
    for child in (widget, *widget.findChildren(QWidget)):
        for action in child.actions():
            found |= {keys.toString() for keys in action.shortcuts()}
    found |= {keys.toString() for action in widget.findChildren(QAction) for keys in action.shortcuts()}
    return found


def test_each_key_of_the_map_is_the_windows_a_views_or_a_plots(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    from labctl.gui.plots.keys import _PLAIN

    there = keys_of(window)
    bench = ViewBench(session)
    for name in OWN:
        try:
            spec = importlib.import_module(f"labctl.gui.views.{name}").VIEW
        except ModuleNotFoundError:
            continue
        view = spec.make(bench.context)
        view.retranslate()
        qtbot.addWidget(view)
        there |= keys_of(view)
    plot = {QKeySequence(int(key)).toString() for key in _PLAIN}
    missing = []
    for key in KEYS:
        for keys in key.keys:
            name = QKeySequence(keys).toString()
            known = name in plot if key.where is Where.PLOT else name in there
            if not known and key.id not in IN_ITEM_VIEWS:
                missing.append(f"{key.id} {keys}")
    assert missing == []
    assert Qt.Key.Key_L in _PLAIN


def test_f1_of_every_view_leads_to_a_section_that_exists() -> None:
    from labctl.gui.helping import help_page
    from labctl.gui.views.registry import find_views

    wrong = []
    for spec in find_views():
        name, _, anchor = spec.help.partition("#")
        page = help_page(spec.help)
        if page is None or page.name != name or f"\n## {anchor}\n" not in page.read_text(encoding="utf-8"):
            wrong.append(f"{spec.id}: {spec.help}")
    assert wrong == []
