"""The fit table: element, value with its unit and 95 % interval, against the spectrum before; the circuit above it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.rows import Field, Head, RowModel, give_widths, keep_widths
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.viewmodels.eis.model import EisModel
from labctl.gui.viewmodels.eis.words import FitRow, fit_rows, outcome_words

CIRCUIT_PX = 210


class FitCard(Card):
    """``circuit_wanted`` carries a circuit that a person has typed; empty is the cell's own."""

    circuit_wanted = Signal(str)

    def __init__(self, model: EisModel) -> None:
        super().__init__("-", inset=0)
        self._model = model
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.circuit = QLineEdit()
        fix_size(self.circuit, width=CIRCUIT_PX, height=28)
        self.head.addWidget(self.circuit)
        self.rows = RowModel()
        self.table = Table("", row_px=LIST_PX)
        keep_widths(self.table, self.rows)
        self.nothing = Label("", tone="muted", wrap=True)
        self.nothing.setContentsMargins(16, 12, 16, 12)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.table, 1)
        self.table.setMinimumHeight(80)
        self.circuit.returnPressed.connect(lambda: self.circuit_wanted.emit(self.circuit.text().strip()))

    def refresh(self) -> None:
        """Show the fit of the spectrum that is looked at."""
        history = self._model.history
        entry, before = history.current, history.before
        fit = history.fit(entry)
        rows = fit_rows(fit, history.fit(before))
        self.rows.show([_row(row) for row in rows], [row.key for row in rows])
        self._show_heads("" if before is None else history.named(before))
        title = (
            tr("eis", "Fit") if entry is None else tr("eis", "Fit: {name}").format(name=history.named(entry))
        )
        self.set_title(title, "" if fit is None else self._note())
        trouble = "" if entry is None else self._model.shelf.trouble(entry.spectrum_id, history.circuit)
        told = trouble or outcome_words(fit)
        if not told and entry is None:
            told = tr("eis", "What is fitted stands here when the first sweep is over.")
        if not told and fit is None:
            told = tr("eis", "The station is fitting …")
        self.nothing.setText(told if not rows else "")
        self.nothing.setVisible(not rows)
        self.table.setVisible(bool(rows))
        mark_problem(self.circuit, trouble if history.circuit else "")
        self.circuit.setPlaceholderText("" if fit is None else fit.circuit)

    def _note(self) -> str:
        """Return what limits the fit, in words: arcs that cannot be told apart, what the checks have found."""
        fit = self._model.history.fit(self._model.history.current)
        if fit is None:
            return ""
        told = [flag.text for flag in fit.flags]
        if fit.resistances and not fit.separate:
            told.insert(0, tr("eis", "R SEI and R ct are not to be told apart: believe their sum"))
        return "; ".join(told)

    def _show_heads(self, before: str) -> None:
        last = tr("eis", "before: {name}").format(name=before) if before else tr("eis", "before")
        self.rows.show_heads((
            Head("name", tr("eis", "element"), 100, fit=True), Head("value", tr("eis", "value"), 84, right=True),
            Head("unit", tr("eis", "unit"), 56), Head("interval", tr("eis", "95 % interval"), 164, right=True),
            Head("before", last, 124, right=True), Head("change", tr("eis", "change / %"), 80, right=True),
            Head("", "", 8),  # takes the room that is left: figures of one row stand together
        ))  # fmt: skip

    def retranslate(self) -> None:
        """Take every word anew."""
        self.table.setAccessibleName(tr("eis", "Fitted values"))
        self.circuit.setAccessibleName(tr("eis", "Circuit; empty is the cell's own. Enter fits."))
        self.circuit.setToolTip(tr("eis", "Circuit; empty is the cell's own. Enter fits."))
        self.refresh()
        give_widths(self.table, self.rows)


def _row(row: FitRow) -> tuple[Field, ...]:
    tone = "muted" if row.muted else ""
    return (
        Field(row.name, strong=row.strong), Field(row.value, tone=tone, strong=row.strong),
        Field(row.unit, tone="muted"), Field(row.interval, tone="muted"), Field(row.before, tone="muted"),
        Field(row.change, tone=tone), Field(),
    )  # fmt: skip
