"""Acts on the bench as an operator does them, by menu, question and review; and whether their end stands on the screen.

What is chosen comes from a ``random.Random``: starts, pauses, jumps and stops of runs, also such as will be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QLabel, QWidget

from labctl.gui.parts.confirm import Confirm
from labctl.gui.viewmodels.acts import Act, ActState
from labctl.gui.viewmodels.channelacts import Deed
from labctl.gui.window import MainWindow

PROTOCOL = "p1-li-li-1mA"
WEIGHTS = {
    Deed.PAUSE: 3, Deed.CONTINUE: 3, Deed.JUMP: 3, Deed.PAUSE_AT_STEP_END: 2, Deed.STOP: 1, Deed.EJECT: 1,
    Deed.RESET: 1,
}  # fmt: skip
HARDWARE = frozenset({
    *(deed.value for deed in Deed), "station.release_stop_all", "channels.load", "channels.set_ready", "runs.take_up",
})  # fmt: skip
"""Verbs whose end must be told."""
ROWS_LOOKED_AT = 200
REVIEW_TURNS, REVIEW_MS = 30, 25
"""How long a person waits for the station's answer to a review: 0.75 s."""


class Operator:
    """Somebody who works with the channels of one window. ``turn`` lets the window live for some milliseconds."""

    def __init__(self, window: MainWindow, chance: Random, turn: Callable[[int], None]) -> None:
        self._window, self._chance, self._turn = window, chance, turn

    def deed(self) -> str:
        """Do something with channels by their menu; returns what. Raises: AssertionError for one that is off unsaid."""
        if QApplication.activePopupWidget() is not None or QApplication.activeModalWidget() is not None:
            return "deed: something else is asked first"
        view, channels = self._view("station"), self._some_channels()
        if view is None or not channels:
            return "deed: no channels"
        view.selection.choose(*channels)
        view.open_menu(view.mapToGlobal(QPoint(200, 200)))
        menu = view.menu
        entries = {action.objectName(): action for action in menu.actions()}
        for deed in WEIGHTS:
            action = entries[deed.value]
            assert action.isEnabled() or action.toolTip(), f"{deed} is off, and nothing says why"
        can = [deed for deed in WEIGHTS if entries[deed.value].isEnabled()]
        if not can:
            QTest.keyClick(menu, Qt.Key.Key_Escape)
            return f"deed: nothing can be done with {channels}"
        deed = self._chance.choices(can, [WEIGHTS[one] for one in can])[0]
        menu.setActiveAction(entries[deed.value])
        QTest.keyClick(menu, Qt.Key.Key_Return)
        self._turn(2)
        self._answer()
        return f"deed {deed.value} {channels}"

    def start(self) -> str:
        """Start tests by the review: channels or cells, a protocol, the button; returns what was done."""
        if QApplication.activePopupWidget() is not None or QApplication.activeModalWidget() is not None:
            return "start: something else is asked first"
        desk = self._window.desk
        cells = [] if desk is None else sorted(desk.lab.cells)
        with_cells = cells and self._chance.random() < 0.3
        target: Any = (
            {"cells": self._chance.sample(cells, 1)} if with_cells else self._some_channels(free=True)
        )
        self._window.go("start", target)
        view = self._view("start", seen=True)
        if view is None or not target:
            return "start: nothing to start"
        view.protocol.chosen.emit(PROTOCOL)
        for _ in range(REVIEW_TURNS):
            if view.starts.ticked():
                break
            self._turn(REVIEW_MS)
        view.start.click()
        return f"start {target}"

    def _view(self, view_id: str, *, seen: bool = False) -> Any:
        if not seen:
            self._window.go(view_id)
        return None if self._window.docks is None else self._window.docks.view(view_id)

    def _some_channels(self, *, free: bool = False) -> list[str]:
        desk = self._window.desk
        known = {} if desk is None else desk.lab.channels
        liked = [name for name, status in known.items() if bool(status.run_id) is not free and status.cell_id]
        names = sorted(liked if liked and self._chance.random() < 0.8 else known)
        return self._chance.sample(names, min(len(names), self._chance.choice((1, 1, 1, 3))))

    def _answer(self) -> None:
        """Answer the question that an act asks: mostly yes, with the word and a reason."""
        for top in QApplication.topLevelWidgets():
            if isinstance(top, Confirm) and top.isVisible():
                top.typed.setText(top._question.typed)
                top.reason.setText("at random")
                (top.act if self._chance.random() < 0.85 else top.safe).click()


def is_told(window: MainWindow, act: Act) -> bool:
    """Tell whether the screen says how an act on hardware ended, where it did not end well: with its reason."""
    if act.verb not in HARDWARE or not act.over or act.state is ActState.CONFIRMED:
        return True
    if any(act.text in str(told) for told in window.trouble._told):
        return True
    station: Any = None if window.docks is None else window.docks.view("station")
    if station is not None and station.acts.on_tile(act.subject):
        return True
    return any(act.text in text for text in texts_on_screen())


def texts_on_screen() -> Iterator[str]:
    """Yield what labels, buttons and tables of all windows say, with their hints."""
    for top in QApplication.topLevelWidgets():
        for widget in (top, *top.findChildren(QWidget)):
            if isinstance(widget, QLabel | QAbstractButton):
                yield widget.text()
            yield widget.toolTip()
            yield widget.accessibleName()
            model: QAbstractItemModel | None = (
                widget.model() if isinstance(widget, QAbstractItemView) else None
            )
            if model is not None:
                yield from _texts_of(model)


def _texts_of(model: QAbstractItemModel) -> Iterator[str]:
    root = QModelIndex()
    for row in range(min(model.rowCount(root), ROWS_LOOKED_AT)):
        for column in range(model.columnCount(root)):
            index = model.index(row, column)
            for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                yield str(index.data(role) or "")
