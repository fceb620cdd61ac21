"""Views side by side, as tabs, or in windows of their own on a second screen: QtAds behind a small face.

Nothing outside this file knows QtAds, so that QMainWindow's docks can take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import PySide6QtAds as ads  # noqa: N813
from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.stopall import StopAllButton, give_chord
from labctl.gui.theme.fonts import Role

WINDOW_SIZE = (1200, 800)
"""Of a view that goes to a second screen, before a person changes it."""


class Holder(QWidget):
    """Around each view: in a window of its own it carries a bar with the view's name and Stop all outputs."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = Label(name, Role.STRONG)
        self.stop = StopAllButton()
        self.bar = QWidget()
        fix_size(self.bar, height=44)
        row = Row(self.bar, margins=(16, 0, 0, 0))
        row.put(self.name, None, self.stop)
        self.column = Column(self, gap=0)
        self.column.addWidget(self.bar)
        self.bar.hide()
        self.room: Room | None = None
        self._apart: QWidget | None = None

    def fill(self, view: QWidget) -> None:
        """Put the view in; it is made when it is first seen. Where room is short it scrolls, and nothing is cut."""
        self.room = Room()
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidget(view)
        self.column.addWidget(self.room, 1)

    def take_out(self) -> None:
        """Keep the view apart while docks are moved: Qt dresses what is moved anew, several times for a layout."""
        if self.room is not None and self._apart is None:
            self._apart = self.room.takeWidget()

    def put_back(self) -> None:
        """Put the view in again."""
        view, self._apart = self._apart, None
        if self.room is not None and view is not None:
            self.room.setWidget(view)


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


class Docks(QWidget):
    """The page area. ``opened`` says which view is in front now; ``seen`` says that one came into or out of sight."""

    opened = Signal(str)
    seen = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        manager = ads.CDockManager
        manager.setConfigFlags(manager.DefaultOpaqueConfig)
        for flag in ("DockAreaHasTabsMenuButton", "DockAreaHasUndockButton"):
            manager.setConfigFlag(getattr(manager, flag), False)
        manager.setConfigFlag(manager.FocusHighlighting, False)
        manager.setConfigFlag(manager.DockAreaHasCloseButton, False)
        self._manager = manager(self)
        self._manager.setStyleSheet("")  # the one style sheet of the theme dresses docks too
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._manager)
        self._docks: dict[str, ads.CDockWidget] = {}
        self._holders: dict[str, Holder] = {}
        self._makers: dict[str, Callable[[], QWidget]] = {}
        self._views: dict[str, QWidget] = {}
        self.front = ""
        self._main = ""
        self._settling = False

    # -- views ------------------------------------------------------------------------------------------------------

    def add(self, view_id: str, title: str, make: Callable[[], QWidget]) -> None:
        """Make a view known, closed; ``make`` is called when it is first seen."""
        dock = self._manager.createDockWidget(title)
        dock.setObjectName(view_id)
        dock.setFeature(ads.CDockWidget.DockWidgetDeleteOnClose, False)
        holder = Holder(title)
        dock.setWidget(holder, ads.CDockWidget.ForceNoScrollArea)
        self._docks[view_id], self._holders[view_id], self._makers[view_id] = dock, holder, make
        dock.visibilityChanged.connect(lambda visible: self._visible(view_id, bool(visible)))
        dock.topLevelChanged.connect(lambda floating: self._top_level(view_id))
        dock.closed.connect(lambda: self._closed(view_id))
        # The manager knows a dock only once it was placed; a toggle before that ends the process.
        self._settling = True
        # All in one area: a dock that is moved has everything in it dressed anew, which takes 0.1 s and more.
        area = next((one.dockAreaWidget() for one in self._docks.values() if one is not dock), None)
        self._manager.addDockWidget(ads.CenterDockWidgetArea, dock, area)
        dock.toggleView(False)
        self._settling = False

    def rename(self, view_id: str, title: str) -> None:
        """Give a view its title in another language."""
        self._docks[view_id].setWindowTitle(title)
        self._holders[view_id].name.setText(title)
        self._holders[view_id].stop.retranslate()

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
        return tuple(name for name, dock in self._docks.items() if not dock.isClosed())

    def is_floating(self, view_id: str) -> bool:
        """Tell whether a view is in a window of its own."""
        return bool(self._docks[view_id].isInFloatingContainer())

    # -- where they stand -------------------------------------------------------------------------------------------

    def open(self, view_id: str) -> None:
        """Bring a view to the front: where it is open already, else in place of the one in the main area."""
        dock = self._docks[view_id]
        if dock.isClosed():
            self._replace(view_id)
        dock.setAsCurrentTab()
        if dock.isInFloatingContainer():
            window = dock.window()
            window.raise_()
            window.activateWindow()
        self._fill(view_id)
        self._come_front(view_id)

    def _replace(self, view_id: str) -> None:
        """Put a closed view where the main one stands, and close that one."""
        dock, before = self._docks[view_id], self._docks.get(self._main)
        docked = before is not None and not before.isClosed() and not before.isInFloatingContainer()
        if before is not None and docked:
            area = before.dockAreaWidget()
            if dock.dockAreaWidget() != area:
                self._manager.addDockWidgetTabToArea(dock, area)
            dock.toggleView(True)
            before.toggleView(False)
        else:
            self._manager.addDockWidget(ads.CenterDockWidgetArea, dock)
            dock.toggleView(True)
        self._calm()
        self._main = view_id

    def open_beside(self, view_id: str) -> None:
        """Put a view to the right of the main one."""
        dock, main = self._docks[view_id], self._docks.get(self._main)
        if view_id == self._main or main is None:
            self.open(view_id)
            return
        area = main.dockAreaWidget() if not main.isClosed() else None
        self._manager.addDockWidget(ads.RightDockWidgetArea, dock, area)
        dock.toggleView(True)
        self._calm()
        self._share(dock)
        self._fill(view_id)
        self._come_front(view_id)

    def open_window(self, view_id: str) -> None:
        """Put a view into a window of its own, for a second screen."""
        dock = self._docks[view_id]
        if dock.isClosed():
            self._manager.addDockWidgetFloating(dock)
            dock.toggleView(True)
        elif not dock.isInFloatingContainer():
            dock.setFloating()
        self._fill(view_id)
        self._top_level(view_id)
        self._calm()
        dock.window().resize(*WINDOW_SIZE)
        self._come_front(view_id)

    def close_view(self, view_id: str) -> None:
        """Close a view; the last one stays."""
        if len(self.shown_ids) > 1:
            self._docks[view_id].toggleView(False)
            self._calm()

    def reset(self, first: str) -> None:
        """Close everything but one view, in the main area."""
        for view_id, dock in self._docks.items():
            if view_id != first and not dock.isClosed():
                dock.toggleView(False)
        dock = self._docks[first]
        if dock.isClosed() or dock.isInFloatingContainer():
            self._manager.addDockWidget(ads.CenterDockWidgetArea, dock)
        dock.toggleView(True)
        self._main = first
        self._calm()
        self.open(first)

    def _land(self) -> None:
        """Bring views home from windows of their own, also from closed ones that Qt keeps hidden.

        QtAds deletes such windows when it takes an arrangement, a turn later, and with them the docks that are still in
        them: the next touch of one crashed the window.
        """
        for dock in self._docks.values():
            if dock.isInFloatingContainer():
                closed = dock.isClosed()
                self._manager.addDockWidget(ads.RightDockWidgetArea, dock)
                if closed:
                    dock.toggleView(False)

    def save(self) -> tuple[bytes, str]:
        """Return the arrangement and the view in the main area."""
        return bytes(self._manager.saveState().data()), self._main

    def restore(self, state: bytes, main: str) -> bool:
        """Take an arrangement; False, and nothing changed, where it does not fit any more."""
        if main not in self._docks:
            return False
        for view_id in self._views:
            self._holders[view_id].take_out()
            QTimer.singleShot(0, self, partial(self._fill, view_id))
        self._land()
        if not self._manager.restoreState(QByteArray(state)):
            return False
        self._main = main
        if not self.shown_ids:
            return False
        for view_id in self.shown_ids:
            self._top_level(view_id)
            # A turn each: making one view takes some time, making several would keep a person waiting.
            QTimer.singleShot(0, self, partial(self._fill, view_id))
        self._calm()
        self.open(main if main in self.shown_ids else self.shown_ids[0])
        return True

    # -- inside -----------------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        """Hide the title bar of a lone view: the rail names it. Side by side each has its own, to drag and close."""
        docked = [
            dock for dock in self._docks.values() if not dock.isClosed() and not dock.isInFloatingContainer()
        ]
        for dock in docked:
            area = dock.dockAreaWidget()
            if area is not None:
                area.setDockAreaFlag(ads.CDockAreaWidget.HideSingleWidgetTitleBar, len(docked) <= 1)
                area.updateTitleBarVisibility()
                dock.tabWidget().setVisible(True)  # one that was placed closed stays hidden otherwise

    def _share(self, dock: ads.CDockWidget) -> None:
        """Give the views of a row the same room."""
        area = dock.dockAreaWidget()
        sizes = self._manager.splitterSizes(area)
        if len(sizes) > 1:
            self._manager.setSplitterSizes(area, [max(1, sum(sizes) // len(sizes))] * len(sizes))

    def _fill(self, view_id: str) -> None:
        make = self._makers.pop(view_id, None)
        if make is not None:
            self._views[view_id] = view = make()
            self._holders[view_id].fill(view)
        else:
            self._holders[view_id].put_back()

    def _visible(self, view_id: str, visible: bool) -> None:
        if self._settling or self._manager.isRestoringState():
            return
        if visible:
            self._fill(view_id)
            self._come_front(view_id)
        self.seen.emit(view_id, visible)

    def _closed(self, view_id: str) -> None:
        self.seen.emit(view_id, False)
        if not self._settling:
            self._calm()

    def _come_front(self, view_id: str) -> None:
        if self.front != view_id:
            self.front = view_id
            self.opened.emit(view_id)

    def _top_level(self, view_id: str) -> None:
        """Give a window of its own the bar with Stop all outputs and its chord."""
        dock, holder = self._docks[view_id], self._holders[view_id]
        floating = bool(dock.isInFloatingContainer())
        holder.bar.setVisible(floating)
        container = dock.floatingDockContainer() if floating else None
        if container is not None and not container.property("labctl_chord"):
            container.setProperty("labctl_chord", True)
            give_chord(container)

    def close_windows(self) -> None:
        """Close the windows of their own, with the main one."""
        for window in list(self._manager.floatingWidgets()):
            window.close()
        self._manager.deleteLater()
