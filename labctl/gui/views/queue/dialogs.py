"""The two dialogs of the queue: insert a protocol of the library for cells, and change what waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QListWidget, QListWidgetItem, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.grouprows import Col, GroupedModel
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.parts.table import LIST_PX, Table
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.queueinsert import EditJobs, InsertJobs, Preview
from labctl.gui.views.queue.fields import Variables, named, priority_field, protocol_box, when_field

CHECK_MS, AGAIN_MS = 400, 5_000
"""The station is asked a moment after the last change."""

PREVIEW = (
    Col("queue", mark("queue", "cell"), lambda row: row.cell, strong=lambda row: True),
    Col("queue", mark("queue", "channel"), lambda row: row.place),
    Col("queue", mark("queue", "starts ~"), lambda row: row.starts, right=True),
    Col("queue", mark("queue", "ends ~"), lambda row: row.ends, right=True),
    Col("queue", mark("queue", "problem"), lambda row: "; ".join((*row.errors, *row.warnings)),
        tone=lambda row: "paused" if row.errors else "muted"),
)  # fmt: skip


class InsertDialog(Dialog):
    """Queue a protocol of the library for cells; the station shows first what would start where and when."""

    def __init__(
        self,
        model: InsertJobs,
        done: Callable[[str], None],
        places: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        """``places`` are the waiting items before which the new ones may go: id and words."""
        super().__init__(tr("queue", "Insert into the queue"), parent)
        fix_size(self, width=860)
        self._model, self._done = model, done
        model.watch(self._show)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(CHECK_MS)
        self._soon.timeout.connect(self._check)
        self._again = QTimer(self)
        self._again.timeout.connect(model.look_again)
        self._again.start(AGAIN_MS)
        columns = Row(gap=16)
        columns.addLayout(self._wish(places), 1)
        columns.addLayout(self._cells(), 1)
        self.body.addLayout(columns)
        self.preview = GroupedModel(PREVIEW, lambda row: f"{row.cell}:{row.place}", self)
        self.table = Table(tr("queue", "What would start where and when"), row_px=LIST_PX)
        self.table.setModel(self.preview)
        self.table.setMinimumHeight(theme().px(72))
        self.body.addWidget(self.table)
        self.note = Label("", tone="muted", wrap=True)
        self.body.addWidget(self.note)
        self.insert = self.add_button(Button(tr("queue", "Queue"), rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("queue", "Cancel")))
        self.insert.clicked.connect(self._submit)
        self.cancel.clicked.connect(self.reject)
        model.library.want(self._library_came)
        self._show()
        self.protocol.setFocus()

    def _wish(self, places: Mapping[str, str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.protocol = protocol_box(self._model.library.choices)
        self.protocol.chosen.connect(self._take_protocol)
        self.variables = Variables()
        self.variables.typed.connect(self._take_variable)
        self.priority = priority_field(self._model.priority)
        self.priority.valueChanged.connect(self._take_priority)
        self.when = when_field("", self._take_when)
        self.label = QLineEdit()
        self.label.setAccessibleName(tr("queue", "Label"))
        self.label.textEdited.connect(self._take_label)
        self.hold = QCheckBox(tr("queue", "hold it, do not start by itself"))
        self.hold.toggled.connect(self._take_hold)
        self.before = protocol_box(())
        self.before.set_name(tr("queue", "Place"))
        self.before.show_choices([("", tr("queue", "at the end")), *places.items()])
        self.before.chosen.connect(self._take_before)
        grid.addWidget(self.protocol, 0, 0, 1, 2)
        grid.addWidget(self.variables, 1, 0, 1, 2)
        named(grid, tr("queue", "Not before"), self.when)
        named(grid, tr("queue", "Priority"), self.priority)
        named(grid, tr("queue", "Label"), self.label)
        grid.addWidget(self.before, grid.rowCount(), 0, 1, 2)
        grid.addWidget(self.hold, grid.rowCount(), 0, 1, 2)
        return grid

    def _cells(self) -> QGridLayout:
        grid = QGridLayout()
        grid.addWidget(Label(tr("queue", "Cells"), Role.STRONG), 0, 0)
        self.cells = QListWidget()
        self.cells.setAccessibleName(tr("queue", "Cells"))
        self.cells.setMinimumHeight(theme().px(140))
        self.cells.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for target in self._model.targets():
            item = QListWidgetItem(
                "   ".join(part for part in (target.place, target.name, target.note) if part)
            )
            item.setData(Qt.ItemDataRole.UserRole, target.cell_id)
            item.setSizeHint(QSize(0, theme().px(LIST_PX)))
            item.setToolTip(item.text())
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if target.chosen else Qt.CheckState.Unchecked)
            self.cells.addItem(item)
        self.cells.itemChanged.connect(self._take_cell)
        grid.addWidget(self.cells, 1, 0)
        return grid

    # -- what a person does -----------------------------------------------------------------------------------------

    def _library_came(self) -> None:
        first = [("", tr("queue", "choose..."))]
        good = [(choice.name, choice.name) for choice in self._model.library.choices if not choice.problem]
        self.protocol.show_choices(first + good)
        self._show()

    def _take_protocol(self, name: str) -> None:
        self._model.set_protocol(name)
        self._changed()

    def _take_variable(self, name: str, text: str) -> None:
        self._model.set_variable(name, text)
        self._changed()

    def _take_priority(self, value: int) -> None:
        self._model.priority = value
        self._model.changed()
        self._changed()

    def _take_when(self, text: str) -> str:
        problem = self._model.set_when(text)
        self._changed()
        return problem

    def _take_label(self, text: str) -> None:
        self._model.label = text

    def _take_hold(self, on: bool) -> None:
        self._model.hold = on
        self._model.changed()
        self._changed()

    def _take_before(self, job_id: str) -> None:
        self._model.before = job_id

    def _take_cell(self, item: QListWidgetItem) -> None:
        on = item.checkState() == Qt.CheckState.Checked
        self._model.choose(str(item.data(Qt.ItemDataRole.UserRole)), on)
        self._changed()

    def _changed(self) -> None:
        self._soon.start()
        self._show()

    def _check(self) -> None:
        self._model.check()
        self._show()

    def _submit(self) -> None:
        def done(text: str) -> None:
            self._done(text)
            self.accept()

        self._model.submit(done)

    # -- what is shown ----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        model = self._model
        defaults = model.library.variables(model.protocol, self._show) if model.protocol else {}
        shown = None if defaults is None else {
            name: (model.variables.get(name, value), value) for name, value in defaults.items()
        }  # fmt: skip
        self.variables.show_values(shown)
        self.variables.setVisible(bool(model.protocol))
        self.preview.show([preview for preview in model.previews if isinstance(preview, Preview)])
        for column in range(len(PREVIEW) - 1):
            self.table.resizeColumnToContents(column)
        why = model.submit_why_not()
        set_why(self.insert, why)
        trouble = model.library.trouble
        self.note.setText(str(trouble) if trouble is not None and not model.library.choices else why)


class EditDialog(Dialog):
    """Change items that wait: protocol, variables, priority, moment, label, note."""

    def __init__(
        self, model: EditJobs, take: Callable[[Mapping[str, Any]], None], parent: QWidget | None = None
    ) -> None:
        """``take`` is called with what was changed, once."""
        one = len(model.names) == 1
        title = (
            tr("queue", "Change {name}").format(name=model.names[0])
            if one
            else tr("queue", "Change {n} items").format(n=len(model.names))
        )
        super().__init__(title, parent)
        fix_size(self, width=560)
        self._model, self._take = model, take
        if not one:
            self.body.addWidget(Label(", ".join(model.names[:12]), tone="muted", wrap=True))
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.protocol = protocol_box(model.library.choices, model.protocol_name or tr("queue", "several"))
        self.protocol.chosen.connect(self._take_protocol)
        self.variables = Variables()
        self.variables.typed.connect(self._take_variable)
        self.priority = priority_field(model.priority)
        self.priority.valueChanged.connect(self._take_priority)
        self.when = when_field(model.when, self._take_when)
        self.label, self.notes = QLineEdit(model.text("label")), QLineEdit(model.text("notes"))
        grid.addWidget(self.protocol, 0, 0, 1, 2)
        grid.addWidget(self.variables, 1, 0, 1, 2)
        named(grid, tr("queue", "Not before"), self.when)
        named(grid, tr("queue", "Priority"), self.priority)
        for name, field, word in (
            ("label", self.label, tr("queue", "Label")),
            ("notes", self.notes, tr("queue", "Note")),
        ):
            field.setAccessibleName(word)
            field.textEdited.connect(lambda text, name=name: self._take_text(name, text))
            named(grid, word, field)
        self.body.addLayout(grid)
        self.note = Label("", tone="muted", wrap=True)
        self.body.addWidget(self.note)
        self.change = self.add_button(Button(tr("queue", "Change"), rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("queue", "Cancel")))
        self.change.clicked.connect(self._do)
        self.cancel.clicked.connect(self.reject)
        model.library.want(self._library_came)
        self._show()
        self.priority.setFocus()

    def _library_came(self) -> None:
        present = self._model.protocol_name or tr("queue", "several")
        good = [(choice.name, choice.name) for choice in self._model.library.choices if not choice.problem]
        self.protocol.show_choices([("", present), *good])
        self._show()

    def _take_protocol(self, name: str) -> None:
        if name:
            self._model.set_protocol(name)
        else:
            self._model.changes.pop("protocol", None)
            self._model.changes.pop("variables", None)
        self._show()

    def _take_variable(self, name: str, text: str) -> None:
        self._model.set_variable(name, text)
        self._show()

    def _take_priority(self, value: int) -> None:
        self._model.set_priority(value)
        self._show()

    def _take_when(self, text: str) -> str:
        problem = self._model.set_when(text)
        self._show()
        return problem

    def _take_text(self, name: str, text: str) -> None:
        self._model.set_text(name, text)
        self._show()

    def _do(self) -> None:
        if not self._model.why_not():
            self._take(dict(self._model.changes))
            self.accept()

    def _show(self) -> None:
        self.variables.show_values(self._model.variables(self._show))
        why = self._model.why_not()
        set_why(self.change, why)
        self.note.setText(why)
