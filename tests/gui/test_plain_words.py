"""Names and notes of people are plain text wherever they are shown, also in hints and in Qt's own dialogs (R12)."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QInputDialog, QLabel, QMessageBox, QToolTip, QWidget

from labctl.gui.parts.banner import Banner
from labctl.gui.parts.confirm import Confirm
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.toasts import Toast
from labctl.gui.parts.trouble import TroubleBar
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.confirming import Confirmation

pytestmark = pytest.mark.usefixtures("look")
NASTY = "<b>x</b><img src='file:///C0001.png'> &amp; A&B"


def shown_hint() -> QLabel:
    hints = [
        widget
        for widget in QApplication.topLevelWidgets()
        if widget.metaObject().className() == "QTipLabel" and widget.isVisible()
    ]
    assert len(hints) == 1 and isinstance(hints[0], QLabel)
    return hints[0]


def rich(widget: QWidget) -> list[str]:
    return [
        label.text()
        for label in widget.findChildren(QLabel)
        if label.textFormat() is not Qt.TextFormat.PlainText and label.text()
    ]


def test_r12_a_hint_shows_a_name_as_it_was_typed(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    for text in (NASTY, f"{NASTY}\nsecond line", "plain"):
        QToolTip.showText(window.mapToGlobal(QPoint(5, 5)), text, window)
        hint = shown_hint()
        assert hint.textFormat() is Qt.TextFormat.PlainText
        assert hint.text() == text
    QToolTip.hideText()


def test_r12_the_parts_and_the_dialogs_of_qt_read_no_markup(qtbot: Any) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    question = Confirmation(NASTY, (NASTY, NASTY), NASTY, "Stop", "Let run", "5", NASTY, reason_needed=True)
    banner, trouble = Banner(holder), TroubleBar(holder)
    banner.say(NASTY, NASTY)
    trouble.say(Trouble(NASTY, NASTY, NASTY, NASTY))
    box, line = QMessageBox(holder), QInputDialog(holder)
    box.setText(NASTY)
    box.setInformativeText(NASTY)
    line.setLabelText(NASTY)
    parts = [
        Label(NASTY),
        ElidedLabel(NASTY),
        Toast(NASTY, holder),
        Confirm(question, lambda reason, word: None),
        box,
        line,
    ]
    for part in parts:
        part.ensurePolished()
        for child in part.findChildren(QWidget):
            child.ensurePolished()
        assert rich(part) == [], type(part).__name__
    assert rich(banner) == [] and rich(trouble) == []
    for label in parts[:2]:
        assert isinstance(label, QLabel) and label.textFormat() is Qt.TextFormat.PlainText


def test_r12_a_name_with_an_ampersand_is_whole_in_a_menu(qtbot: Any) -> None:
    from labctl.gui.views.station.menu import menu_of

    window = QWidget()
    qtbot.addWidget(window)
    menu = menu_of((), "1-1 R&D", window)
    assert menu.actions()[0].text() == "1-1 R&&D", "Qt shows two as one"
