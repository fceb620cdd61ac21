"""The right column: V(t) with the loops as brackets below, what the protocol needs, and the changes to a revision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHeaderView, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.grouprows import Col, GroupedModel
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.plots.fields import Field
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import look_of
from labctl.gui.plots.marks import LineKind, Mark
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels import text as words_of
from labctl.gui.viewmodels.protocol.editor import Editor
from labctl.gui.viewmodels.protocol.figures import hours
from labctl.gui.viewmodels.protocol.needs import Needs
from labctl.gui.viewmodels.protocol.revisions import Change, Sign
from labctl.gui.viewmodels.protocol.sketch import Bracket, Sketch

LINE_PX, PLOT_PX, LIST_ROWS = 26, 230, 6
LEVELS_MAX = 3


class BracketStrip(QWidget):
    """The loops of a protocol under the plot, aligned with its time axis (h)."""

    def __init__(self, frame: PlotFrame) -> None:
        super().__init__()
        self._frame = frame
        self._brackets: tuple[Bracket, ...] = ()
        self._note = ""
        self.setAccessibleName(tr("protocol", "Loops"))

    def show_loops(self, brackets: Sequence[Bracket], note: str) -> None:
        """Show the loops; the innermost ones in the first line."""
        self._brackets, self._note = tuple(item for item in brackets if item.level < LEVELS_MAX), note
        lines = 1 + max((item.level for item in self._brackets), default=-1) if brackets else 0
        self.setFixedHeight(theme().px(LINE_PX) * lines)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint each loop as a bracket with its words."""
        look, painter = theme(), QPainter(self)
        painter.setFont(look.font(Role.SMALL))
        canvas = self._frame.canvas()
        left, right = canvas.rect.left(), canvas.rect.right()
        painter.setClipRect(QRectF(left - 1, 0, right - left + 2, self.height()))
        for item in self._brackets:
            x0, x1 = canvas.x_at(item.begin_s / 3600.0), canvas.x_at(item.end_s / 3600.0)
            self._paint_one(painter, item, max(x0, left - 8.0), min(x1, right + 8.0))

    def _paint_one(self, painter: QPainter, item: Bracket, x0: float, x1: float) -> None:
        if x1 - x0 < 3:
            return
        look = theme()
        y = item.level * look.px(LINE_PX) + look.px(8)
        painter.setPen(QPen(look.colour("border"), 1.5 * look.scale))
        up = look.px(4)
        painter.drawLine(QLineF(x0, y, x1, y))
        painter.drawLine(QLineF(x0, y, x0, y - up))
        if not item.open:
            painter.drawLine(QLineF(x1, y, x1, y - up))
        words = f"{item.text}, {self._note}" if item.open and self._note else item.text
        metrics = QFontMetrics(painter.font())
        if metrics.horizontalAdvance(words) > x1 - x0:
            words = item.text
        if metrics.horizontalAdvance(words) <= x1 - x0:
            painter.setPen(look.colour("muted"))
            area = QRectF(x0, y + 1, x1 - x0, look.px(LINE_PX - 9))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, words)


class PreviewCard(Card):
    """V(t) as a sketch, or as the station's simulation."""

    def __init__(self) -> None:
        super().__init__(inset=0)
        self._look = look_of(theme().tokens, unit=theme().scale)
        self.frame = PlotFrame(Field("", "h"), Field("", "V"), self._look, x_title=True)
        fix_size(self.frame, height=PLOT_PX)
        self.loops = BracketStrip(self.frame)
        column = Column(margins=(0, 0, 0, 8), gap=0)
        column.put(self.frame, self.loops)
        self.body.addLayout(column)
        self._curve = XYCurve(np.empty(0), np.empty(0))
        self._marks: list[Mark] = []
        self.frame.add(self._curve)
        self.frame.range_changed.connect(lambda begin, end: self.loops.update())
        theme().changed.connect(self._restyle)
        self._shown: Sketch | None = None
        self.retranslate()

    def retranslate(self) -> None:
        """Take the words anew."""
        self.frame.set_fields(Field(tr("protocol", "time"), "h"), Field(tr("protocol", "voltage"), "V"))
        self.frame.setAccessibleName(tr("protocol", "Voltage over time"))
        self._say_loops()
        self._say()

    def _say(self) -> None:
        sketch = self._shown
        told = tr("protocol", "shape only: times and end voltages as written")
        if sketch is not None and sketch.simulated:
            told = tr("protocol", "simulated by the station on a cell model")
        self.set_title(tr("protocol", "Preview V(t)"), told)

    def _restyle(self) -> None:
        self._look = look_of(theme().tokens, unit=theme().scale)
        self.frame.set_look(self._look)

    def show_sketch(self, sketch: Sketch | None) -> None:
        """Show a sketch; None leaves the last one, muted by its note."""
        if sketch is None or sketch is self._shown:
            return
        self._shown = sketch
        time_h = np.asarray(sketch.time_s) / 3600.0
        self._curve.set_data(time_h, np.asarray(sketch.voltage_V))
        self.frame.remove(*self._marks)
        self._marks = [Mark(at / 3600.0, LineKind.MARK, "EIS", at_top=True) for at in sketch.sweeps_s[:12]]
        self.frame.add(*self._marks)
        self.frame.fit()
        self._say_loops()
        self._say()

    def _say_loops(self) -> None:
        sketch = self._shown
        if sketch is None:
            return
        told = tr("protocol", "goes on to {time}")
        self.loops.show_loops(
            sketch.brackets, told.format(time=hours(sketch.total_s)) if sketch.goes_on else ""
        )


PARTS = (
    Col("protocol", mark("protocol", "part"), lambda row: row[0], strong=lambda row: row[4]),
    Col("protocol", mark("protocol", "times"), lambda row: row[1], right=True, tone=lambda row: "muted"),
    Col("protocol", mark("protocol", "time"), lambda row: row[2], right=True, strong=lambda row: row[4]),
    Col("protocol", mark("protocol", "rows"), lambda row: row[3], right=True, strong=lambda row: row[4]),
)


class EstimateCard(Card):
    """What the protocol needs, by kind of step."""

    def __init__(self) -> None:
        super().__init__(inset=0)
        self.model = GroupedModel(PARTS, lambda row: str(row[0]), self)
        self.table = Table(tr("protocol", "Estimate"), row_px=LIST_PX)
        self.table.setModel(self.model)
        self.table.horizontalHeader().setStretchLastSection(False)
        self.end = Label("", Role.SMALL, "muted", wrap=True)
        self.body.addWidget(self.table)
        below = Column(margins=(16, 0, 16, 12))
        below.addWidget(self.end)
        self.body.addLayout(below)

    def show_needs(self, needs: Needs | None, ends: str) -> None:
        """Show parts and sum; ``ends`` says when a start now would be over."""
        self.set_title(tr("protocol", "Estimate"), tr("protocol", "likely; a dead cell ends earlier"))
        if needs is not None:
            rows = [(part.word, str(part.times), hours(part.time_s) if part.bounded else "?",
                     words_of.count(round(part.rows)), False) for part in needs.parts]  # fmt: skip
            total = hours(needs.time_s) if needs.bounded else f"> {hours(needs.time_s)}"
            rows.append((tr("protocol", "all"), "", total, words_of.count(needs.rows), True))
            self.model.show(rows)
        self.end.setText(ends)
        self._fit()

    def _fit(self) -> None:
        look, head = theme(), self.table.horizontalHeader()
        for at in range(4):
            head.setSectionResizeMode(
                at, QHeaderView.ResizeMode.Stretch if at == 0 else QHeaderView.ResizeMode.Fixed
            )
        for at, wide in ((1, 64), (2, 128), (3, 84)):
            self.table.setColumnWidth(at, look.px(wide))
        lines = min(LIST_ROWS, self.model.rowCount())
        self.table.setFixedHeight(look.px(32) + lines * look.px(LIST_PX) + 2)


def _tone(row: Change) -> str:
    return {Sign.ADDED: "done", Sign.REMOVED: "hard"}.get(row.sign, "")


CHANGES = (
    Col("protocol", "", lambda row: row.sign.value, strong=lambda row: True, tone=_tone),
    Col("protocol", mark("protocol", "where"), lambda row: row.where, tone=lambda row: "muted"),
    Col("protocol", mark("protocol", "what"), lambda row: row.what),
    Col("protocol", mark("protocol", "before → after"), lambda row: _both(row), right=False),
)


def _both(row: Change) -> str:
    if row.before and row.after:
        return f"{row.before} → {row.after}"
    return row.after or row.before


class ChangesCard(Card):
    """What differs from another revision; Enter or a double click goes to the row."""

    revision_chosen = Signal(int)
    row_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__(inset=0)
        self.against = ChoiceBox()
        self.against.chosen.connect(lambda key: self.revision_chosen.emit(int(key)))
        self.head.addWidget(self.against)
        self.model = GroupedModel(CHANGES, lambda row: f"{row.sign}{row.where}{row.what}{row.row}", self)
        self.table = Table(tr("protocol", "Changes"), row_px=LIST_PX)
        self.table.setModel(self.model)
        self.table.opened.connect(self._opened)
        self.none = Label("", Role.BODY, "muted", wrap=True)
        self.none.setMargin(theme().px(12))
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.put(self.none)
        self.body.addWidget(self.table, 1)

    def _opened(self, index: object) -> None:
        row = self.model.row_at(index)  # type: ignore[arg-type]  # the signal carries a QModelIndex
        if isinstance(row, Change) and row.row and row.sign is not Sign.REMOVED:
            self.row_asked.emit(row.row)

    def show_changes(self, editor: Editor, undo_steps: int) -> None:
        """Show the changes to the compared revision."""
        found = editor.differences()
        base, _ = editor.compared
        title = tr("protocol", "Changes to rev {n}").format(n=base) if base else tr("protocol", "Changes")
        if editor.origin.read_only or (not base and editor.origin.text):
            title = tr("protocol", "Changes to the template")
        counted = tr("protocol", "{n} changes, {steps} undo steps").format(n=len(found), steps=undo_steps)
        self.set_title(title, counted)
        choices = [
            (str(item.revision), f"rev {item.revision}  {item.by}") for item in reversed(editor.revisions)
        ]
        self.against.setVisible(len(choices) > 1)
        if [key for key, _ in choices] != [
            str(self.against.itemData(at)) for at in range(self.against.count())
        ]:
            self.against.show_choices(choices)
        self.against.choose(str(base))
        self.none.setText(tr("protocol", "Nothing differs in rows, head and variables."))
        if not editor.compared[1]:
            self.none.setText(tr("protocol", "It was never saved: there is nothing to compare with."))
        self.none.setVisible(not found)
        self.table.setVisible(bool(found))
        self.model.show(_unique(found))
        for at, wide in ((0, 28), (1, 64), (2, 100)):
            self.table.setColumnWidth(at, theme().px(wide))


def _unique(found: Sequence[Change]) -> list[Change]:
    seen: dict[str, Change] = {}
    for item in found:
        seen.setdefault(f"{item.sign}{item.where}{item.what}{item.row}", item)
    return list(seen.values())
