"""V-Q, dQ/dV and overlay: chosen cycles of the run on the ramp of cycles, with their list, slider and swatches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget
from superqt import QRangeSlider

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import ElidedLabel, Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.plots.cursors import Reading
from labctl.gui.plots.fields import Field
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.xy import XYCurve
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import BESIDE_THE_RAMP
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.plotchoice import SWEEP_TABS, PlotChoice, Tab, ends_of, sampled
from labctl.gui.viewmodels.sweeps import Sweep, Sweeps, charge_unit
from labctl.model.cell import Cell

SLIDER_MS = 120
SWATCHES_MAX = 8


class Swatches(QWidget):
    """Cycle numbers with their colours, in one row."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def show_swatches(self, shown: Sequence[tuple[str, str]]) -> None:
        """Show names with colours."""
        self._shown = tuple(shown)
        self.setAccessibleName(
            tr("channel", "cycles {list}").format(list=", ".join(name for name, _ in shown))
        )
        self.updateGeometry()
        self.update()

    def _width(self, name: str) -> int:
        return theme().px(14 + 6 + 12) + self.fontMetrics().horizontalAdvance(name)

    def sizeHint(self) -> QSize:
        """Return the room of all of them."""
        return QSize(sum(self._width(name) for name, _ in self._shown), theme().px(24))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a line of each colour with its number."""
        look, painter, x = theme(), QPainter(self), 0
        painter.setFont(look.font(Role.SMALL))
        for name, colour in self._shown:
            painter.fillRect(
                QRectF(x, self.height() / 2 - look.px(2), look.px(14), look.px(4)), QColor(colour)
            )
            painter.setPen(look.colour("text"))
            area = QRectF(x + look.px(14 + 6), 0, self._width(name), self.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            x += self._width(name)


class SweepPlots(QWidget):
    """One plot of chosen cycles. ``do`` takes the edits."""

    def __init__(
        self, model: Sweeps, choice: PlotChoice, cell: Callable[[], Cell | None], do: Callable[[Edit | None], None],
        look: PlotLook, executor: Executor | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._model, self._choice, self._cell, self._do = model, choice, cell, do
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.frame = PlotFrame(
            Field("capacity", "mAh"), Field("voltage", "V"), look, header=True, executor=executor
        )
        self.frame.setMinimumHeight(160)
        self.label, self.list = Label("", Role.BODY, "muted"), QLineEdit()
        fix_size(self.list, width=200, height=32)
        self.label.setBuddy(self.list)
        self.slider: Any = QRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]  # no types told
        self.slider.setMinimumWidth(160)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.range_words = Label("", Role.SMALL, "muted")
        self.swatches, self.problem = Swatches(), ElidedLabel("", Role.SMALL, "muted")
        row = Row(margins=(16, 8, 16, 0), gap=8)
        row.put(self.label, self.list)
        row.addWidget(self.slider, 2)
        row.put(self.range_words, self.swatches)
        row.addWidget(self.problem, 1)
        outer = Column(self, gap=0)
        outer.addLayout(row)
        outer.addWidget(self.frame, 1)
        self._slid = QTimer(self)
        self._slid.setSingleShot(True)
        self._slid.setInterval(SLIDER_MS)
        self._slid.timeout.connect(self._take_slider)
        self.slider.valueChanged.connect(lambda _: self._slid.start())
        self.list.returnPressed.connect(self._take_list)
        self.list.editingFinished.connect(self._take_list)
        self.frame.cursors_changed.connect(self._show_reading)
        self._shape: tuple[object, ...] = ()
        self._drawn: tuple[Sweep, ...] = ()
        self._turn = 0
        model.watch(self.show_model)
        choice.watch(lambda before: self.show_model())
        self.retranslate()

    def set_look(self, look: PlotLook) -> None:
        """Follow theme and scale: the ramp has other colours on dark."""
        self.frame.set_look(look)
        self.show_model()

    # -- what is shown ----------------------------------------------------------------------------------------------

    def show_model(self) -> None:
        """Draw the chosen cycles; nothing while another plot is shown."""
        if self._choice.now.tab not in SWEEP_TABS:
            return
        self._show_choice()
        cell = self._cell()
        self._turn += 1
        turn, drawn = self._turn, self._model.drawn(cell)
        if turn != self._turn:
            return  # an answer came while it was asked for: that one is drawn already
        self._drawn = drawn
        self._name_axes(cell)
        look = self.frame.look
        self.frame.clear()
        for sweep in self._drawn:
            colour = BESIDE_THE_RAMP if sweep.open else look.cycle_colour(sweep.share)
            self.frame.add(XYCurve(sweep.x, sweep.y, colour=colour, width_px=1.5 if sweep.open else 1.25,
                                   name=tr("channel", "cycle {n}").format(n=sweep.name)))  # fmt: skip
        self._show_swatches()
        chosen = self._choice.now
        shape = (chosen.tab, chosen.axis, chosen.cycles, len(self._drawn), chosen.log_x, chosen.log_y)
        if shape != self._shape:
            self._shape = shape
            self.frame.fit()
        self._say()

    def _show_choice(self) -> None:
        last = max(1, self._model.last)
        first, end = ends_of(self._choice.now.cycles, last)
        self.slider.blockSignals(True)
        self.slider.setRange(1, max(2, last))
        self.slider.setValue((first, max(first, end)))
        self.slider.blockSignals(False)
        self.slider.setEnabled(last > 1)
        self.range_words.setText(f"{first} – {end}")
        if not self.list.hasFocus():
            self.list.setText(self._choice.now.cycles)

    def _name_axes(self, cell: Cell | None) -> None:
        chosen = self._choice.now
        if chosen.tab is Tab.DQDV:
            unit = self._model.dq_unit(cell).name
            self.frame.set_fields(Field(tr("channel", "voltage"), "V"), Field("dQ/dV", f"{unit} V⁻¹"))
        else:
            unit = charge_unit(chosen.axis, cell).name
            self.frame.set_fields(
                Field(tr("channel", "capacity"), unit), Field(tr("channel", "voltage"), "V")
            )
        self.frame.setAccessibleName(
            f"{self.frame.sheet.y_field.title()}, {self.frame.sheet.x_field.title()}"
        )

    def _show_swatches(self) -> None:
        look = self.frame.look
        seen: dict[int, tuple[str, str]] = {}
        for sweep in self._drawn:
            seen[sweep.cycle] = (
                sweep.name,
                BESIDE_THE_RAMP if sweep.open else look.cycle_colour(sweep.share),
            )
        shown = list(seen.values())
        step = max(1, -(-len(shown) // SWATCHES_MAX))
        self.swatches.show_swatches(shown[::step])

    def _say(self) -> None:
        cell, chosen = self._cell(), self._choice.now
        why = charge_unit(chosen.axis, cell).why if chosen.tab is not Tab.DQDV else ""
        problem = self._model.problem or why
        if not problem and not self._drawn:
            problem = (
                tr("channel", "No cycle is there yet.")
                if not self._model.last
                else tr("channel", "loading …")
            )
        self.problem.setText(problem)

    def _show_reading(self, reading: Reading | None) -> None:
        self.frame.set_words(note="" if reading is None else self.frame.reading_text(reading))

    # -- choosing ---------------------------------------------------------------------------------------------------

    def _take_list(self) -> None:
        text = self.list.text().strip()
        if text == self._choice.now.cycles:
            mark_problem(self.list, "")
            return
        from labctl.gui.viewmodels.cyclecurves import cycle_list

        problem = cycle_list(text).problem
        mark_problem(self.list, problem)
        if not problem:
            self._do(self._choice.list_cycles(text))

    def _take_slider(self) -> None:
        first, last = self.slider.value()
        self._do(self._choice.list_cycles(sampled(int(first), int(last))))

    def ask_list(self) -> None:
        """Put the keyboard into the list of cycles (key V)."""
        self.list.setFocus()
        self.list.selectAll()

    def retranslate(self) -> None:
        """Take every word anew."""
        self.label.setText(tr("channel", "Cycles"))
        self.list.setPlaceholderText("1,2,5,10:100:10")
        self.list.setAccessibleName(tr("channel", "Cycles, as a list: 1,2,5,10:100:10"))
        self.list.setToolTip(tr("channel", "Cycles, as a list: 1,2,5,10:100:10"))
        self.slider.setAccessibleName(tr("channel", "Range of cycles"))
        self.show_model()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LanguageChange and hasattr(self, "_shape"):
            self.retranslate()
