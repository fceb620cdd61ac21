"""The menu of every plot (R9, R10): copy as image, vector or data, fit, axes, cursors, curves, export."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QInputDialog, QMenu

from labctl.gui.i18n.translating import tr
from labctl.gui.plots.figure import FigureStyle, copy_data, copy_image, copy_vector
from labctl.gui.plots.frame import PlotFrame

COPY_STYLE = FigureStyle(width_mm=170.0, text_pt=8.0, notes=True)


@dataclass(frozen=True, slots=True)
class CurveEntry:
    """A curve that can be hidden, pinned and named; ``key`` is the view's own."""

    key: str
    name: str
    hidden: bool = False
    pinned: bool | None = None
    """None: this curve cannot be pinned."""


class PlotMenu(QObject):
    """Lives with its frame. Without ``export`` there is no export entry; ``change`` takes key, word and value."""

    def __init__(
        self, frame: PlotFrame, *, export: Callable[[], None] | None = None,
        curves: Callable[[], Sequence[CurveEntry]] = tuple,
        change: Callable[[str, str, object], None] | None = None,
    ) -> None:  # fmt: skip
        """Answer the frame's right click and menu key."""
        super().__init__(frame)
        self._frame, self._export, self._curves, self._change = frame, export, curves, change
        frame.menu_asked.connect(self.pop_up)

    def pop_up(self, at: QPoint) -> QMenu:
        """Show the menu; returns it."""
        menu = self.made()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)
        return menu

    def made(self) -> QMenu:
        """Return the menu as things are now."""
        frame, menu = self._frame, QMenu(self._frame)
        sheets = [frame.sheet]
        menu.addAction(tr("plots", "Copy image"), lambda: copy_image(sheets, COPY_STYLE))
        menu.addAction(tr("plots", "Copy vector"), lambda: copy_vector(sheets, COPY_STYLE))
        menu.addAction(tr("plots", "Copy data"), lambda: copy_data(sheets))
        if self._export is not None:
            menu.addAction(tr("plots", "Export…") + "\tCtrl+E", self._export)
        menu.addSeparator()
        menu.addAction(tr("plots", "Fit") + "\tF", frame.fit)
        if not frame.sheet.equal:  # one scale for both axes is what such a plot is for
            self._tick(
                menu, tr("plots", "Logarithmic x") + "\tX", frame.sheet.log_x, lambda on: frame.set_log(x=on)
            )
            self._tick(
                menu, tr("plots", "Logarithmic y") + "\tL", frame.sheet.log_y, lambda on: frame.set_log(y=on)
            )
        self._tick(menu, tr("plots", "Cursors A and B") + "\tC", frame.cursors.visible, frame.show_cursors)
        if any(curve.live for curve in frame.curves()):
            self._tick(menu, tr("plots", "Follow live") + "\tR", frame.follow, frame.set_follow)
        self._add_curves(menu)
        return menu

    @staticmethod
    def _tick(menu: QMenu, text: str, on: bool, change: Callable[[bool], None]) -> None:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.triggered.connect(lambda checked: change(checked))

    def _add_curves(self, menu: QMenu) -> None:
        entries = self._curves()
        change = self._change
        if not entries or change is None:
            return
        menu.addSeparator()
        whole = menu.addMenu(tr("plots", "Curves"))
        for entry in entries:
            part = whole.addMenu(entry.name.replace("&", "&&"))  # a name, not a key (R12)
            self._tick(part, tr("plots", "Hidden"), entry.hidden, partial(change, entry.key, "hidden"))
            if entry.pinned is not None:
                self._tick(part, tr("plots", "Pinned"), entry.pinned, partial(change, entry.key, "pinned"))
            part.addAction(tr("plots", "Name…"), partial(self._rename, entry))

    def _rename(self, entry: CurveEntry) -> None:
        dialog = QInputDialog(self._frame.window())
        dialog.setWindowTitle(tr("plots", "Name of the curve"))
        dialog.setLabelText(tr("plots", "Name of the curve"))
        dialog.setTextValue(entry.name)
        dialog.textValueSelected.connect(self._named(entry.key))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _named(self, key: str) -> Callable[[str], None]:
        change = self._change
        assert change is not None
        return lambda name: change(key, "name", name.strip())
