"""The form of a figure's style: every field tells what a person wants; the view-model keeps it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QScrollArea, QWidget

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.card import Card
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.comparing import Per, per_word
from labctl.gui.viewmodels.reports import Legend, Palette, Report, number_of

WIDTHS = ("85", "170")
NUMBERS: dict[str, str] = {
    "height_mm": mark("reports", "height / mm"),
    "text_pt": mark("reports", "type / pt"),
    "line_pt": mark("reports", "line / pt"),
    "marker_pt": mark("reports", "size / pt"),
    "x_min": mark("reports", "x from"),
    "x_max": mark("reports", "x to"),
    "y_min": mark("reports", "y from"),
    "y_max": mark("reports", "y to"),
}
MARKERS = {
    "": mark("reports", "by cell"), "-": mark("reports", "lines"), "o": mark("reports", "circles"),
    "s": mark("reports", "squares"), "^": mark("reports", "triangles"), "d": mark("reports", "diamonds"),
}  # fmt: skip
PALETTES = {
    Palette.STUDY: mark("reports", "colour"),
    Palette.GREY: mark("reports", "grey"),
    Palette.DARK: mark("reports", "dark ground"),
}
LEGENDS = {
    Legend.GROUPS: mark("reports", "groups"),
    Legend.CELLS: mark("reports", "cells"),
    Legend.NONE: mark("reports", "none"),
}


class StyleForm(QScrollArea):
    """Fields of a style. ``changed`` carries the name of a field and its value, ``per_chosen`` a unit of charges."""

    changed = Signal(str, object)
    per_chosen = Signal(str)
    cycles_written = Signal(str)
    spread_chosen = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        fix_size(self, width=376)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._labels: dict[str, Label] = {}
        self._first: list[Label] = []
        self.width_mm = Segment("", [Choice(one, f"{one} mm") for one in WIDTHS])
        self.numbers = {name: QLineEdit() for name in NUMBERS}
        self.titles = {"x_title": QLineEdit(), "y_title": QLineEdit()}
        self.marker, self.palette_box, self.legend = ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.per, self.volts = ChoiceBox(), ChoiceBox()
        self.cycles = QLineEdit()
        self.spread, self.provenance = Chip(checkable=True), Chip(checkable=True)
        self.page, self.style_card, self.axes = Card(inset=12), Card(inset=12), Card(inset=12)
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        inner = QWidget()
        outer = Column(inner, gap=8)
        outer.put(self.page, self.style_card, self.axes, None)
        self.setWidget(inner)
        self._grid(self.page, [[("width", self.width_mm)], [("height_mm", self.numbers["height_mm"])]])
        self.page.body.addWidget(self.provenance)
        numbers, titles = self.numbers, self.titles
        self._grid(
            self.style_card,
            [[("text_pt", numbers["text_pt"]), ("line_pt", numbers["line_pt"])],
             [("marker", self.marker), ("marker_pt", numbers["marker_pt"])],
             [("palette", self.palette_box)], [("legend", self.legend)]],
        )  # fmt: skip
        self.style_card.body.addWidget(self.spread)
        self._grid(
            self.axes,
            [[("per", self.per), ("volts", self.volts)], [("cycles", self.cycles)],
             [("x_title", titles["x_title"])], [("y_title", titles["y_title"])],
             [("x_min", numbers["x_min"]), ("x_max", numbers["x_max"])],
             [("y_min", numbers["y_min"]), ("y_max", numbers["y_max"])]],
        )  # fmt: skip

    def _grid(self, card: Card, rows: list[list[tuple[str, QWidget]]]) -> None:
        """Lay rows of one or two fields out; a single one takes the whole width."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme().px(8))
        grid.setVerticalSpacing(theme().px(6))
        grid.setColumnStretch(1, 2)
        grid.setColumnStretch(3, 2)
        for row, fields in enumerate(rows):
            for place, (name, widget) in enumerate(fields):
                label = self._labels[name] = Label("", tone="muted")
                label.setBuddy(widget)
                self._first += [label] if not place else []
                grid.addWidget(label, row, 2 * place)
                grid.addWidget(widget, row, 2 * place + 1, 1, 3 if len(fields) == 1 else 1)
                if isinstance(widget, QLineEdit):
                    widget.setMinimumWidth(theme().px(48))
                    fix_size(widget, height=32)
        card.body.addLayout(grid)

    def _wire(self) -> None:
        self.width_mm.chosen.connect(lambda key: self.changed.emit("width_mm", float(key)))
        for name, field in self.numbers.items():
            field.editingFinished.connect(lambda one=name: self._number(one))
            field.textEdited.connect(
                lambda text, one=name: mark_problem(self.numbers[one], number_of(one, text)[1])
            )
        for name, field in self.titles.items():
            field.editingFinished.connect(
                lambda one=name: self.changed.emit(one, self.titles[one].text().strip())
            )
        self.marker.chosen.connect(lambda key: self.changed.emit("marker", key if key != "*" else ""))
        self.palette_box.chosen.connect(lambda key: self.changed.emit("palette", Palette(key)))
        self.legend.chosen.connect(lambda key: self.changed.emit("legend", Legend(key)))
        self.volts.chosen.connect(lambda key: self.changed.emit("millivolt", key == "mV"))
        self.per.chosen.connect(self.per_chosen)
        self.provenance.clicked.connect(lambda on: self.changed.emit("provenance", on))
        self.spread.clicked.connect(self.spread_chosen)
        self.cycles.editingFinished.connect(lambda: self.cycles_written.emit(self.cycles.text()))

    def _number(self, name: str) -> None:
        value, problem = number_of(name, self.numbers[name].text())
        mark_problem(self.numbers[name], problem)
        if not problem:
            self.changed.emit(name, value)

    def _align(self) -> None:
        """Give the fields of all cards the same left edge."""
        for label in self._first:
            label.setMinimumWidth(0)
        widest = max(label.sizeHint().width() for label in self._first)
        for label in self._first:
            label.setMinimumWidth(widest)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the person's size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._first:
            self._align()

    def retranslate(self) -> None:
        """Take the words anew."""
        words = {
            "width": tr("reports", "width"), "marker": tr("reports", "marker"), "palette": tr("reports", "palette"),
            "legend": tr("reports", "legend"), "per": tr("reports", "charges"), "volts": tr("reports", "voltages"),
            "cycles": tr("reports", "cycles"), "x_title": tr("reports", "x title"), "y_title": tr("reports", "y title"),
            **{name: tr("reports", text) for name, text in NUMBERS.items()},
        }  # fmt: skip
        for name, label in self._labels.items():
            label.setText(words[name])
            buddy = label.buddy()
            if buddy is not None:
                buddy.setAccessibleName(words[name])
        self.page.set_title(tr("reports", "Page"))
        self.style_card.set_title(tr("reports", "Style"))
        self.axes.set_title(tr("reports", "Axes"), tr("reports", "empty = by the data"))
        self.marker.show_choices([(key or "*", tr("reports", text)) for key, text in MARKERS.items()])
        self.palette_box.show_choices([(one.value, tr("reports", PALETTES[one])) for one in Palette])
        self.legend.show_choices([(one.value, tr("reports", LEGENDS[one])) for one in Legend])
        self.volts.show_choices([("V", "V"), ("mV", "mV")])
        self.per.show_choices([(per.value, per_word(per)) for per in Per])
        self.provenance.show_words(tr("reports", "Provenance below the figure"))
        self.spread.show_words(tr("reports", "Mean ± s of each group"))

    def show_report(self, report: Report, axis_words: tuple[str, str]) -> None:
        """Show the style as it is; a field that is being written stays as it is."""
        style = report.style
        width = f"{style.width_mm:g}"
        if width in WIDTHS:
            self.width_mm.choose(width)
        for name, field in self.numbers.items():
            value = getattr(style, name)
            self._fill(field, "" if value is None else f"{value:g}")
        for (name, field), usual in zip(self.titles.items(), axis_words, strict=True):
            field.setPlaceholderText(usual)
            self._fill(field, getattr(style, name))
        self.marker.choose(style.marker or "*")
        self.palette_box.choose(style.palette.value)
        self.legend.choose(style.legend.value)
        self.volts.choose("mV" if style.millivolt else "V")
        self.per.choose(report.compare.per.value)
        self.provenance.setChecked(style.provenance)
        self.spread.setChecked(report.compare.options.spread)
        self._fill(self.cycles, report.compare.options.cycles)

    @staticmethod
    def _fill(field: QLineEdit, text: str) -> None:
        if not field.hasFocus() and field.text() != text:
            field.setText(text)
            mark_problem(field, "")
