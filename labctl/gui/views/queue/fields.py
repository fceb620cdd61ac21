"""Fields that both dialogs of the queue have: protocol, its variables, priority, moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QScrollArea, QSpinBox, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.queueinsert import PRIORITY_MAX, Choice


class Variables(QScrollArea):
    """A line for each variable of a protocol: name, value, default. ``typed`` carries name and text."""

    typed = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.fields: dict[str, QLineEdit] = {}
        self._shown: tuple[str, ...] | None = None

    def show_values(self, values: Mapping[str, tuple[str, str]] | None) -> None:
        """Show value and default of each variable; None: they are asked for. Texts being typed are left alone."""
        names = None if values is None else tuple(values)
        if names != self._shown or names is None:
            self._shown = names
            self._build(values)
            return
        for name, (value, _) in (values or {}).items():
            field = self.fields[name]
            if not field.hasFocus() and field.text() != value:
                field.setText(value)

    def _build(self, values: Mapping[str, tuple[str, str]] | None) -> None:
        self.fields = {}
        inner = QWidget()
        grid = QGridLayout(inner)
        look = theme()
        grid.setContentsMargins(0, 0, look.px(8), 0)
        grid.setHorizontalSpacing(look.px(8))
        grid.setVerticalSpacing(look.px(4))
        if values is None:
            grid.addWidget(Label(tr("queue", "The station is asked for the variables."), tone="muted"), 0, 0)
        elif not values:
            grid.addWidget(Label(tr("queue", "It has no variables."), tone="muted"), 0, 0)
        for at, (name, (value, default)) in enumerate((values or {}).items()):
            field = QLineEdit(value)
            field.setAccessibleName(name)
            field.textEdited.connect(lambda text, name=name: self.typed.emit(name, text))
            self.fields[name] = field
            note = Label(
                tr("queue", "default {value}").format(value=default) if default else "", Role.SMALL, "muted"
            )
            grid.addWidget(Label(name), at, 0)
            grid.addWidget(field, at, 1)
            grid.addWidget(note, at, 2)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(grid.rowCount(), 1)
        self.setWidget(inner)
        inner.setAutoFillBackground(False)
        rows = max(1, len(values or {}))
        self.setMinimumHeight(look.px(min(4, rows) * 38 + 4))


def protocol_box(choices: tuple[Choice, ...], present: str = "") -> ChoiceBox:
    """Return a choice of the library's protocols; ``present`` is shown first: it stays as it is."""
    box = ChoiceBox(tr("queue", "Protocol"))
    first = [("", present)] if present else [("", tr("queue", "choose..."))]
    good = [(choice.name, choice.name) for choice in choices if not choice.problem]
    box.show_choices([*first, *good])
    return box


def priority_field(value: int) -> QSpinBox:
    """Return a field for a priority; larger goes first."""
    field = QSpinBox()
    field.setRange(-PRIORITY_MAX, PRIORITY_MAX)
    field.setValue(value)
    field.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    field.setAccessibleName(tr("queue", "Priority"))
    fix_size(field, width=96)
    return field


def when_field(text: str, set_when: Callable[[str], str]) -> QLineEdit:
    """Return a field for the moment before which nothing starts; it says at once what is wrong."""
    field = QLineEdit(text)
    field.setPlaceholderText(tr("queue", "at any time, or 2026-04-21 14:00"))
    field.setAccessibleName(tr("queue", "Not before"))
    field.textEdited.connect(lambda typed: mark_problem(field, set_when(typed)))
    return field


def named(grid: QGridLayout, name: str, field: QWidget, note: str = "") -> None:
    """Put a field with its name, and a note behind it, into the next line."""
    at = grid.rowCount()
    label = Label(name, tone="muted")
    label.setBuddy(field)
    grid.addWidget(label, at, 0)
    grid.addWidget(field, at, 1)
    if note:
        grid.addWidget(Label(note, Role.SMALL, "muted"), at, 2)
