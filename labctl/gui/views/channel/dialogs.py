"""Questions of the channel view: a note, more cycles, another revision of the protocol, where a figure goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.why import set_why
from labctl.gui.plots.figure import WIDTHS_MM, FigureStyle

CYCLES_MAX = 10_000
KINDS = ("svg", "pdf", "png", "csv")


class AskText(Dialog):
    """Asks for one line. ``take`` gets it, stripped; an empty one is not taken."""

    def __init__(self, title: str, name: str, act: str, take: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(title, parent)
        fix_size(self, width=520)
        self._take = take
        self.field = QLineEdit()
        self.field.setAccessibleName(name)
        label = Label(name, tone="muted")
        label.setBuddy(self.field)
        self.body.put(label, self.field)
        self.act = self.add_button(Button(act, rank=Rank.PRIMARY))
        self.add_button(Button(tr("channel", "Cancel"))).clicked.connect(self.reject)
        self.act.setDefault(True)
        self.act.clicked.connect(self._do)
        self.field.textChanged.connect(self._check)
        self._check()
        self.field.setFocus()

    def _check(self) -> None:
        set_why(self.act, "" if self.field.text().strip() else tr("channel", "Nothing is written yet."))

    def _do(self) -> None:
        self.accept()
        self._take(self.field.text().strip())


class AddCycles(Dialog):
    """Asks how many cycles the last loop shall have more, and why."""

    def __init__(self, subject: str, take: Callable[[int, str], None], parent: QWidget) -> None:
        super().__init__(tr("channel", "Add cycles to {name}").format(name=subject), parent)
        fix_size(self, width=520)
        self._take = take
        self.count, self.reason = QSpinBox(), QLineEdit()
        self.count.setRange(1, CYCLES_MAX)
        self.count.setValue(10)
        for field, name in (
            (self.count, tr("channel", "Cycles more")),
            (self.reason, tr("channel", "Reason")),
        ):
            field.setAccessibleName(name)
            label = Label(name, tone="muted")
            label.setBuddy(field)
            self.body.put(label, field)
        told = tr(
            "channel",
            "The last loop goes on for so many more; taken over at the next boundary between segments.",
        )
        self.body.addWidget(Label(told, tone="muted", wrap=True))
        act = self.add_button(Button(tr("channel", "Add"), rank=Rank.PRIMARY))
        self.add_button(Button(tr("channel", "Cancel"))).clicked.connect(self.reject)
        act.setDefault(True)
        act.clicked.connect(self._do)
        self.count.setFocus()

    def _do(self) -> None:
        self.accept()
        self._take(self.count.value(), self.reason.text().strip())


class Revise(Dialog):
    """The protocol's text with a reason; what has begun cannot be changed, the station says so where it would be."""

    def __init__(self, subject: str, text: str, take: Callable[[str, str], None], parent: QWidget) -> None:
        super().__init__(tr("channel", "Change the protocol of {name}").format(name=subject), parent)
        fix_size(self, width=760)
        self.setMinimumHeight(480)
        self._take, self._before = take, text
        self.text, self.reason = QPlainTextEdit(text), QLineEdit()
        self.text.setAccessibleName(tr("channel", "Protocol"))
        self.reason.setAccessibleName(tr("channel", "Reason, for the journal"))
        told = tr("channel", "Steps, limits and loops that have not begun may change. The new revision is taken "
                  "over at the next boundary between segments; what has begun stays as it is.")  # fmt: skip
        label = Label(tr("channel", "Reason, for the journal"), tone="muted")
        label.setBuddy(self.reason)
        self.body.addWidget(Label(told, tone="muted", wrap=True))
        self.body.addWidget(self.text, 1)
        self.body.put(label, self.reason)
        self.act = self.add_button(Button(tr("channel", "Save revision"), rank=Rank.PRIMARY))
        self.add_button(Button(tr("channel", "Cancel"))).clicked.connect(self.reject)
        self.act.clicked.connect(self._do)
        self.text.textChanged.connect(self._check)
        self.reason.textChanged.connect(self._check)
        self._check()
        self.text.setFocus()

    def _check(self) -> None:
        same = self.text.toPlainText().strip() == self._before.strip()
        why = tr("channel", "Nothing is changed yet.") if same else ""
        why = why or (
            "" if self.reason.text().strip() else tr("channel", "Say why; it goes into the journal.")
        )
        set_why(self.act, why)

    def _do(self) -> None:
        self.accept()
        self._take(self.text.toPlainText(), self.reason.text().strip())


class Export(Dialog):
    """Asks for file, kind and width of a figure. ``take`` gets the path and the style; CSV lies beside a picture."""

    def __init__(self, name: str, take: Callable[[Path, FigureStyle], None], parent: QWidget) -> None:
        super().__init__(tr("channel", "Export the plot"), parent)
        fix_size(self, width=560)
        self._take = take
        self.kind = Segment(tr("channel", "Kind of file"), [Choice(kind, kind.upper()) for kind in KINDS])
        widths = [Choice(f"{width:g}", f"{width:g} mm") for width in WIDTHS_MM]
        self.width_mm = Segment(tr("channel", "Width"), widths)
        self.path = QLineEdit(str(Path.home() / name))
        self.path.setAccessibleName(tr("channel", "File"))
        browse = Button(tr("channel", "Browse…"))
        browse.clicked.connect(self._browse)
        row = Row(gap=8)
        row.addWidget(self.path, 1)
        row.addWidget(browse)
        choices = Row(gap=16)
        choices.put(self.kind, self.width_mm, None)
        self.body.addLayout(choices)
        self.body.addWidget(Label(tr("channel", "File"), tone="muted"))
        self.body.addLayout(row)
        told = tr(
            "channel",
            "The data that are drawn are saved beside it as CSV. Figures are white, 7 pt, fonts embedded.",
        )
        self.body.addWidget(Label(told, tone="muted", wrap=True))
        self.act = self.add_button(Button(tr("channel", "Export"), rank=Rank.PRIMARY))
        self.add_button(Button(tr("channel", "Cancel"))).clicked.connect(self.reject)
        self.act.setDefault(True)
        self.act.clicked.connect(self._do)
        self.path.setFocus()

    def _file(self) -> Path:
        path = Path(self.path.text().strip()).expanduser()
        return path.with_suffix(f".{self.kind.key}") if path.suffix.casefold().lstrip(".") in KINDS else (
            path.with_name(f"{path.name}.{self.kind.key}"))  # fmt: skip

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, tr("channel", "Export the plot"), str(self._file()))
        if chosen:
            self.path.setText(chosen)

    def _do(self) -> None:
        self.accept()
        self._take(self._file(), FigureStyle(width_mm=float(self.width_mm.key)))
