"""Views side by side, as tabs, or in windows of their own on a second screen: the docks of Qt behind a small face.

QtAds was here before: it deletes windows of its own with the views that are in them, and crashed the window when views
were dragged about. A dock of Qt belongs to the room from its beginning to its end, wherever it stands; so nothing that
is moved has to be dressed anew either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import (
    QByteArray,
    QChildEvent,
    QCoreApplication,
    QEvent,
    QObject,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QScrollArea, QTabBar, QTabWidget, QVBoxLayout, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.stopall import StopAllButton, give_chord
from labctl.gui.theme.current import theme

WINDOW_SIZE = (1200, 800)
"""Of a view that goes to a second screen, before a person changes it."""
AREA = Qt.DockWidgetArea.LeftDockWidgetArea
"""All views share one area, which may be divided as people like: there is no other middle."""
VERSION = 2
"""Of the arrangements that are kept."""
MARK = b"\x00\x00\x00\xff" + VERSION.to_bytes(4, "big")
"""How they begin: what Qt writes before everything else, and the version."""


class Holder(QWidget):
    """Around each view: in a window of its own it carries a bar with Stop all outputs; its title has the name."""

    def __init__(self) -> None:
        super().__init__()
        self.stop = StopAllButton()
        self.bar = QWidget()
        fix_size(self.bar, height=44)
        row = Row(self.bar, margins=(16, 0, 0, 0))
        row.put(None, self.stop)
        self.column = Column(self, gap=0)
        self.column.addWidget(self.bar)
        self.bar.hide()
        self.room: Room | None = None

    def fill(self, view: QWidget) -> None:
        """Put the view in; it is made when it is first seen. Where room is short it scrolls, and nothing is cut."""
        self.room = Room()
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidget(view)
        self.column.addWidget(self.room, 1)

    def show_view(self, shown: bool) -> None:
        """Hide the view while an arrangement is taken, and show it again: laying one out takes its time."""
        if self.room is not None:
            self.room.setVisible(shown)


class Room(QScrollArea):
    """Gives a view the height there is: only what it cannot do without makes it scroll, not words that wrap.

    Qt's own asks a view with wrapping words for the height that follows from its width, and hands it that height.
    """

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the view the room, at least its smallest size."""
        super().resizeEvent(event)
        self._give()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow what the view needs."""
        done = super().eventFilter(watched, event)
        if watched is self.widget() and event.type() == QEvent.Type.LayoutRequest:
            self._give()
        return done

    def _give(self) -> None:
        view = self.widget()
        if view is None:
            return
        room = self.maximumViewportSize()
        least = _least(view, room.width())
        if least.height() > room.height():
            room.setWidth(room.width() - self.verticalScrollBar().sizeHint().width())
            least = _least(view, room.width())
        if least.width() > room.width():
            room.setHeight(room.height() - self.horizontalScrollBar().sizeHint().height())
        view.resize(room.expandedTo(least))


def _least(view: QWidget, width: int) -> QSize:
    """Return the smallest size of a view, its words wrapped at a width."""
    layout, size = view.layout(), view.minimumSizeHint()
    if layout is not None and layout.hasHeightForWidth():
        size.setHeight(max(size.height(), layout.totalMinimumHeightForWidth(max(width, size.width()))))
    return size


class Floor(QMainWindow):
    """Where views stand: Qt's window for docks, without a frame. Its bars of tabs are dressed and named here."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.setDocumentMode(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._bars: list[QTabBar] = []

    def childEvent(self, event: QChildEvent) -> None:
        """Take in a bar of tabs that Qt has made."""
        super().childEvent(event)
        if event.type() == QEvent.Type.ChildPolished:
            bar = event.child()
            if isinstance(bar, QTabBar) and not bar.styleSheet():
                self._bars.append(bar)
                bar.setAccessibleName(tr("rail", "Views"))
                theme().dress(bar)


class Dock(QDockWidget):
    """One view's place. Its title is there where several views stand side by side: the rail names a lone one."""

    spoken_to = Signal()
    """The language is another one: ``hear`` tells the view, which takes its time."""

    def __init__(self, view_id: str, title: str, room: Floor) -> None:
        super().__init__(title, room)
        self.setObjectName(view_id)
        self.setAllowedAreas(AREA)
        self.holder = Holder()
        self.setWidget(self.holder)
        self._no_title = QWidget()
        self._has_chord = self._hearing = False
        self.hide()

    @property
    def is_open(self) -> bool:
        """Tell whether it has been opened, also behind another tab."""
        return not self.isHidden()

    def show_title(self, shown: bool) -> None:
        """Show the title by which a view is dragged and closed; a window of its own has the system's."""
        wanted = None if shown or self.isFloating() else self._no_title
        if self.titleBarWidget() is not wanted:
            self.setTitleBarWidget(wanted)  # type: ignore[arg-type]  # None brings Qt's own title back

    def fill(self, view: QWidget) -> None:
        """Take the view in, made when it is first seen. Each is dressed by itself; a bare dock quickest."""
        theme().dress(self)
        self.holder.fill(view)

    def event(self, event: QEvent) -> bool:
        """Leave the words of another language to a turn of their own."""
        if event.type() == QEvent.Type.LanguageChange and not self._hearing:
            self.spoken_to.emit()
            return True
        return super().event(event)

    def hear(self) -> None:
        """Let the view take its words anew."""
        self._hearing = True
        QCoreApplication.sendEvent(self, QEvent(QEvent.Type.LanguageChange))
        self._hearing = False

    def dress_apart(self) -> None:
        """Give a window of its own the bar with Stop all outputs and its chord."""
        self.holder.bar.setVisible(self.isFloating())
        if self.isFloating() and not self._has_chord:
            self._has_chord = True
            give_chord(self)


class Docks(QWidget):
    """The page area. ``opened`` says which view is in front now; ``seen`` says that one came into or out of sight."""

    opened = Signal(str)
    seen = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = Floor()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._room)
        self._docks: dict[str, Dock] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._views: dict[str, QWidget] = {}
        self.front = ""
        self._main = ""
        self._settling = False
        self._todo: dict[tuple[str, str], Callable[[], None]] = {}
        """What is done with views in the turns that come, one a turn; by what it is, and the view."""
        self._wanted: tuple[bytes, str] | None = None
        """An arrangement that is taken in the turns that come."""

    # -- views ------------------------------------------------------------------------------------------------------

    def add(self, view_id: str, title: str, make: Callable[[], QWidget]) -> None:
        """Make a view known, closed; ``make`` is called when it is first seen."""
        self._docks[view_id] = dock = Dock(view_id, title, self._room)
        self._makers[view_id] = make
        dock.visibilityChanged.connect(lambda visible: self._visible(view_id, bool(visible)))
        dock.topLevelChanged.connect(lambda floating: self._calm())
        dock.spoken_to.connect(lambda: self._later("hear", view_id, dock.hear))

    def rename(self, view_id: str, title: str) -> None:
        """Give a view its title in another language."""
        dock = self._docks[view_id]
        dock.setWindowTitle(title)
        dock.holder.stop.retranslate()

    def view(self, view_id: str) -> QWidget | None:
        """Return a view that has been made, None before."""
        return self._views.get(view_id)

    @property
    def views(self) -> dict[str, QWidget]:
        """Return the views that have been made."""
        return dict(self._views)

    @property
    def shown_ids(self) -> tuple[str, ...]:
        """Return the views that are open."""
        return tuple(name for name, dock in self._docks.items() if dock.is_open)

    def is_floating(self, view_id: str) -> bool:
        """Tell whether a view is in a window of its own."""
        return self._docks[view_id].isFloating()

    # -- where they stand -------------------------------------------------------------------------------------------

    def open(self, view_id: str) -> None:
        """Bring a view to the front: where it is open already, else in place of the one in the main area."""
        dock = self._docks[view_id]
        if not dock.is_open:
            self._replace(view_id)
        dock.raise_()
        if dock.isFloating():
            dock.activateWindow()
        self._come_into_sight(view_id)

    def _replace(self, view_id: str) -> None:
        """Put a closed view where the main one stands, and close that one."""
        dock, before = self._docks[view_id], self._docks.get(self._main)
        self._take_away(dock)
        if before is not None and before.is_open and not before.isFloating():
            sizes = {dock if one is before else one: one.size() for one in self._docked()}
            # Not as a tab that takes the other's place: Qt makes a bar of tabs each time, and keeps them all.
            self._room.splitDockWidget(before, dock, Qt.Orientation.Horizontal)
            self._take_away(before)
            dock.show()
            self._give_sizes(sizes)
        else:
            self._room.addDockWidget(AREA, dock, Qt.Orientation.Horizontal)
            dock.show()
        self._main = view_id
        self._calm()

    def open_beside(self, view_id: str) -> None:
        """Put a view to the right of the others."""
        if view_id == self._main or not self._main:
            self.open(view_id)
            return
        dock = self._docks[view_id]
        self._take_away(dock)
        self._room.addDockWidget(AREA, dock, Qt.Orientation.Horizontal)
        dock.show()
        self._calm()
        self._share()
        self._come_into_sight(view_id)

    def open_window(self, view_id: str) -> None:
        """Put a view into a window of its own, for a second screen."""
        dock = self._docks[view_id]
        if not dock.isFloating() or not dock.is_open:
            self._take_away(dock)
            self._room.addDockWidget(AREA, dock, Qt.Orientation.Horizontal)
            dock.show_title(True)
            dock.setFloating(True)
            dock.resize(*WINDOW_SIZE)
            dock.show()
        self._calm()
        dock.raise_()
        self._come_into_sight(view_id)

    def close_view(self, view_id: str) -> None:
        """Close a view; the last one stays."""
        if len(self.shown_ids) > 1:
            self._take_away(self._docks[view_id])
            self._calm()

    def reset(self, first: str) -> None:
        """Close everything but one view, in the main area."""
        self._wanted = None
        for view_id, dock in self._docks.items():
            if view_id != first or dock.isFloating():
                self._take_away(dock)
        self._main = first
        if not self._docks[first].is_open:
            self._room.addDockWidget(AREA, self._docks[first])
            self._docks[first].show()
        self._calm()
        self.open(first)

    def save(self) -> tuple[bytes, str]:
        """Return the arrangement and the view in the main area."""
        return bytes(self._room.saveState(VERSION).data()), self._main

    def restore(self, state: bytes, main: str) -> bool:
        """Take an arrangement, once no view is in a window of its own; False where it does not fit any more."""
        if main not in self._docks or not state.startswith(MARK):
            return False
        self._wanted = (state, main)
        self._come_home()
        return True

    def _come_home(self) -> None:
        """Close the windows of their own, one a turn: each takes some time. Then take what is wanted."""
        away = next((dock for dock in self._docks.values() if dock.isFloating()), None)
        if self._wanted is None:
            return
        if away is not None:
            self._take_away(away)
            QTimer.singleShot(0, self, self._come_home)
            return
        wanted, self._wanted = self._wanted, None
        self._take(*wanted)

    def _take(self, state: bytes, main: str) -> None:
        self._settling = True
        for dock in self._docks.values():
            dock.holder.show_view(False)
            self._take_away(dock)
        taken = self._room.restoreState(QByteArray(state), VERSION)
        self._settling = False
        self._main = main
        for view_id in self._docks:
            self._later("follow", view_id, partial(self._follow, view_id))
        if not taken or not self.shown_ids:
            self.reset(main)
            return
        self._calm()
        self.open(main if main in self.shown_ids else self.shown_ids[0])

    # -- inside -----------------------------------------------------------------------------------------------------

    def _take_away(self, dock: Dock) -> None:
        """Close a view, and give its place to others."""
        dock.hide()  # first: what is seen when it is removed would be opened with the arrangement that is kept
        dock.setFloating(False)
        self._room.removeDockWidget(dock)

    def _calm(self) -> None:
        """Hide the title of a lone view: the rail names it. Side by side each has its own, to drag and close."""
        docked = [dock for dock in self._docks.values() if dock.is_open and not dock.isFloating()]
        for dock in self._docks.values():
            if dock.is_open:
                dock.show_title(len(docked) > 1)
                dock.dress_apart()

    def _docked(self) -> list[Dock]:
        """Return the views that stand in the room, not behind another tab."""
        return [dock for dock in self._docks.values() if dock.isVisible() and not dock.isFloating()]

    def _share(self) -> None:
        """Give the views of the room the same width."""
        docked = self._docked()
        width = max(1, self._room.width() // max(1, len(docked)))
        self._room.resizeDocks(docked, [width] * len(docked), Qt.Orientation.Horizontal)

    def _give_sizes(self, sizes: dict[Dock, QSize]) -> None:
        """Give the views of the room these sizes again."""
        if len(sizes) > 1:
            docks = list(sizes)
            self._room.resizeDocks(
                docks, [size.width() for size in sizes.values()], Qt.Orientation.Horizontal
            )
            self._room.resizeDocks(docks, [size.height() for size in sizes.values()], Qt.Orientation.Vertical)

    def _fill(self, view_id: str) -> bool:
        """Make a view unless it was made before; returns whether it is made now."""
        make = self._makers.pop(view_id, None)
        if make is None:
            return False
        self._views[view_id] = view = make()
        self._docks[view_id].fill(view)
        return True

    def _later(self, what: str, view_id: str, act: Callable[[], None]) -> None:
        """Do something with a view in a turn of its own: all in one would keep a person waiting."""
        if not self._todo:
            QTimer.singleShot(0, self, self._do_next)
        self._todo[what, view_id] = act

    def _do_next(self) -> None:
        """Do the first thing; the next one comes after what a person has pressed meanwhile."""
        first = next(iter(self._todo), None)
        if first is None:
            return
        act = self._todo.pop(first)
        if self._todo:
            QTimer.singleShot(0, self, self._do_next)
        act()

    def _follow(self, view_id: str) -> None:
        """Make and show what an arrangement has opened, unless it has been closed meanwhile."""
        dock = self._docks[view_id]
        if dock.is_open:
            self._fill(view_id)
        dock.holder.show_view(True)
        if dock.is_open:
            self.seen.emit(view_id, dock.isVisible())

    def _visible(self, view_id: str, visible: bool) -> None:
        if self._settling:
            return
        if visible and self._come_into_sight(view_id):
            QTimer.singleShot(
                0, self, partial(self._follow, view_id)
            )  # it was made in this turn: that is enough
            return
        if not visible and not self._docks[view_id].is_open:
            QTimer.singleShot(0, self, self._calm)  # closed by a person: the title of the last one goes
        self.seen.emit(view_id, visible)

    def _come_into_sight(self, view_id: str) -> bool:
        """Say that a view is in front; returns whether it was made just now."""
        made = self._fill(view_id)
        if self.front != view_id:
            self.front = view_id
            self.opened.emit(view_id)
        return made

    def close_windows(self) -> None:
        """Close the windows of their own, with the main one."""
        self._settling, self._wanted = True, None
        for dock in self._docks.values():
            if dock.isFloating():
                dock.hide()
