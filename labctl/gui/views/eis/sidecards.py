"""The right column: who has the potentiostats and who waits, the history of the cell, the trend of its resistances."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QSizePolicy

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.labels import Label
from labctl.gui.parts.rows import Field, Head
from labctl.gui.parts.sidelist import SideTable, Sign
from labctl.gui.plots.look import PlotLook
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.eis.history import HistoryRow
from labctl.gui.viewmodels.eis.model import EisModel
from labctl.gui.viewmodels.eis.stages import Lane, Waiting
from labctl.gui.views.eis.curves import TrendPlot

ROW_PX, HEAD_PX = 28, 41
QUEUE_SHOWN, HISTORY_PX = 6, 92
TREND_PX = 116


class QueueCard(Card):
    """The queues of all potentiostats in one list: who has it, who waits, what a person must do. Enter shows a cell."""

    cell_wanted = Signal(str)
    """A run, or a potentiostat without one."""

    def __init__(self, model: EisModel) -> None:
        super().__init__("-", inset=0)
        self._model = model
        self.table = SideTable("", row_px=ROW_PX, headed=True)
        self.table.opened.connect(self._open)
        self.table.clicked.connect(self._open)
        self.body.addWidget(self.table)
        self.table.setMinimumHeight(self.table.height_for(1))

    def height_wanted(self) -> int:
        """Return the height that shows the whole queue, as long as it is not too long."""
        lines = min(max(1, len(self.table.rows.keys)), QUEUE_SHOWN)
        return self.table.height_for(lines) + theme().px(HEAD_PX) + 4

    def refresh(self) -> None:
        """Show the queues as they are."""
        lanes = self._model.lanes()
        rows: list[tuple[Field, ...]] = []
        keys: list[str] = []
        for lane in lanes:
            for at, (key, row) in enumerate(_rows_of(lane)):
                rows.append(row if at == 0 else (Field("", why=lane.name), *row[1:]))
                keys.append(key)
        self.table.rows.show(rows, keys)
        waiting = sum(len(lane.rows) for lane in lanes)
        asked = sum(1 for lane in lanes for row in lane.rows if row.asked)
        note = tr("eis", "{n} on the way").format(n=waiting) if waiting else ""
        note = tr("eis", "{n} need you").format(n=asked) if asked else note
        self.set_title(tr("eis", "Potentiostats"), note)
        self.table.setAccessibleName(tr("eis", "Queue of the potentiostats"))
        self._mark()

    def _mark(self) -> None:
        """Select the line of the cell that is shown."""
        mine = self._model.handover
        keys = self.table.rows.keys
        if mine is not None and mine.run_id in keys:
            self.table.selectRow(keys.index(mine.run_id))
        else:
            self.table.clearSelection()

    def _open(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self.table.rows.keys):
            self.cell_wanted.emit(self.table.rows.keys[index.row()])

    def retranslate(self) -> None:
        """Take every word anew."""
        self.table.show_heads((Head("where", tr("eis", "potentiostat"), 96), Head("cell", tr("eis", "cell"), 118),
                               Head("state", tr("eis", "state"), 120)))  # fmt: skip
        self.refresh()


def _rows_of(lane: Lane) -> list[tuple[str, tuple[Field, ...]]]:
    name = Field(lane.name, strong=True, why=lane.told or lane.name)
    state = Sign(lane.word, glyph=lane.glyph, token=lane.token, why=lane.told or lane.word)
    if not lane.rows:
        return [(lane.name, (name, Field("-", tone="muted"), state))]
    found: list[tuple[str, tuple[Field, ...]]] = []
    for at, row in enumerate(lane.rows):
        own = at == 0 and not row.asked and row.place == "1" and row.glyph == lane.glyph
        found.append((row.run_id, (name, _cell(row), state if own else _state(row))))
    return found


def _cell(row: Waiting) -> Field:
    return Field(f"{row.cell}  {row.channel}".strip(), strong=row.asked, why=row.why)


def _state(row: Waiting) -> Sign:
    word = row.word if row.asked or row.place == "1" else f"{row.place}  {row.word}"
    return Sign(word, strong=row.asked, glyph=row.glyph, token=row.token, why=row.why)


class HistoryList(SideTable):
    """Spectra of a cell. Space or a press on the eye shows and hides a curve; the selected line is looked at."""

    toggled = Signal(str)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show or hide with Space."""
        at = self.currentIndex().row()
        if event.key() == Qt.Key.Key_Space and 0 <= at < len(self.rows.keys):
            self.toggled.emit(self.rows.keys[at])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show or hide with the eye."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() == 0:
            self.toggled.emit(self.rows.keys[index.row()])
        else:
            super().mousePressEvent(event)


class HistoryCard(Card):
    """The spectra of the cell, oldest first, and the trend of R_SEI, R_ct and R_b below."""

    chosen = Signal(str)
    toggled = Signal(str)

    def __init__(self, model: EisModel, look: PlotLook) -> None:
        super().__init__("-", inset=0)
        self._model = model
        self._choosing = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.table = HistoryList("", row_px=ROW_PX, headed=True)
        self.table.setMinimumHeight(HISTORY_PX)
        self.nothing = Label("", tone="muted", wrap=True)
        self.nothing.setContentsMargins(16, 8, 16, 8)
        self.trend = TrendPlot(look)
        self.trend.setMinimumHeight(TREND_PX)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.table, 3)
        self.body.addWidget(self.trend, 4)
        self.table.toggled.connect(self.toggled)
        self.table.selectionModel().selectionChanged.connect(lambda on, off: self._select())

    def refresh(self) -> None:
        """Show the spectra and the trend."""
        rows, live = self._model.history.rows(), self._model.live
        look = self.trend.look
        self.table.rows.show([self._row(row, look) for row in rows], [row.spectrum_id for row in rows])
        note = tr("eis", "{n} spectra").format(n=len(rows)) if rows else ""
        self.set_title(tr("eis", "History"), note)
        self.nothing.setVisible(not rows)
        told = tr("eis", "The first spectrum of this cell is being taken.") if live.running else ""
        self.nothing.setText(told or tr("eis", "There is no spectrum of this cell yet."))
        self.table.setVisible(bool(rows))
        self._mark()
        tracks = self._model.history.tracks()
        self.trend.setVisible(any(len(one.cycle) > 1 for one in tracks))
        self.trend.show_tracks(tracks)

    @staticmethod
    def _row(row: HistoryRow, look: PlotLook) -> tuple[Field, ...]:
        eye = Sign("", icon="eye-outline" if row.shown else "eye-off-outline", token="text" if row.shown else "off",
                   why=tr("eis", "shown (Space)") if row.shown else tr("eis", "hidden (Space)"))  # fmt: skip
        value = f"{row.resistance} {row.unit}".strip()
        return (
            eye, Sign(row.name, curve=look.cycle_colour(row.share), why=row.tip),
            Field(value, why=row.tip), Field(row.verdict, tone="" if row.bad else "muted", strong=row.bad, why=row.tip),
        )  # fmt: skip

    def _mark(self) -> None:
        current = self._model.history.current
        keys = self.table.rows.keys
        at = keys.index(current.spectrum_id) if current is not None and current.spectrum_id in keys else -1
        selected = self.table.selectionModel().selectedRows()
        if at >= 0 and (not selected or selected[0].row() != at):
            self._choosing = True
            try:
                self.table.selectRow(at)
            finally:
                self._choosing = False

    def _select(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows and not self._choosing:
            self.chosen.emit(self.table.rows.keys[rows[0].row()])

    def retranslate(self) -> None:
        """Take every word anew."""
        self.table.setAccessibleName(tr("eis", "Spectra of this cell. Space shows or hides a curve."))
        self.table.show_heads((
            Head("eye", "", 28), Head("name", tr("eis", "spectrum"), 138),
            Head("value", tr("eis", "SEI + ct"), 84, right=True), Head("verdict", tr("eis", "validity"), 96),
        ))  # fmt: skip
        self.refresh()
