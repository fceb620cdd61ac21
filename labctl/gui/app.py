"""The start of the window, in the order in which a person waits: paint first, then views, then the station.

Client, numpy, pandas and pyqtgraph are imported behind the first paint (budgets F2 and C).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from labctl.gui.i18n.translating import Languages
from labctl.gui.session import Session
from labctl.gui.theme.current import theme
from labctl.gui.theme.palette import dress
from labctl.gui.window import MainWindow

if TYPE_CHECKING:
    from labctl.gui.desk import Desk
    from labctl.gui.parts.view import ViewSpec
    from labctl.gui.qt_bridge import Connect

SIGNALS_MS = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What the window is opened on. ``end`` is called when the window has gone."""

    connect: Connect
    end: Callable[[], None] = lambda: None


def application() -> QApplication:
    """Return the dressed application; made where there is none. Raises: LabctlError for a broken installation."""
    found = QApplication.instance()
    if not isinstance(found, QApplication):
        QGuiApplication.setDesktopFileName("labctl")
        # The system's own file dialogs take all keys: in Qt's the chord of Stop all outputs works.
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
        found = QApplication([sys.argv[0] if sys.argv else "labctl"])
    QCoreApplication.setApplicationName("labctl")
    dress(found)
    return found


def build(plan: Plan, session: Session) -> MainWindow:
    """Return the painted window; views and station follow in the turns of the event loop that come next."""
    languages = Languages()
    languages.put_on(session.language)
    theme().put_on(session.theme, session.scale)
    window = MainWindow(session, languages)
    window.show()
    QCoreApplication.processEvents()
    QTimer.singleShot(0, window, lambda: _go_on(window, plan))
    return window


def _go_on(window: MainWindow, plan: Plan) -> None:
    """Bring the desk, then the views, then connect: a turn of the loop each, so that none takes long."""
    if window.closed:
        return
    from labctl.gui.desk import Desk

    desk = Desk(plan.connect, window)
    window.attach(desk)
    QTimer.singleShot(0, window, lambda: _show_views(window, desk))


def _show_views(window: MainWindow, desk: Desk) -> None:
    if window.closed:
        return
    from labctl.gui.views.registry import find_views

    views = find_views()
    QTimer.singleShot(0, window, lambda: _connect(window, desk, views))


def _connect(window: MainWindow, desk: Desk, views: Sequence[ViewSpec]) -> None:
    if window.closed:
        return
    from labctl.gui.loading import load_behind
    from labctl.gui.opening import Opener

    window.show_views(views)
    window.opener = Opener(window)
    desk.start()
    load_behind(desk.bridge)


def show(plan: Plan, settings: Path | None = None) -> int:
    """Show the window until it is closed; returns the exit code."""
    running = application()
    window = build(plan, Session(settings))
    # Python runs its signal handlers between two of its own steps: without a timer Ctrl-C waits for the next event.
    signal.signal(signal.SIGINT, lambda number, frame: window.close())
    signal.signal(signal.SIGTERM, lambda number, frame: window.close())
    beat = QTimer()
    beat.timeout.connect(lambda: None)
    beat.start(SIGNALS_MS)
    try:
        return running.exec()
    finally:
        beat.stop()
        plan.end()
