"""Send to EIS: asks which sweep on which potentiostat, and says what will happen (U08)."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.eis.sending import SendToEis, Typed


class SendDialog(Dialog):
    """One request. Enter sends where everything can be done."""

    def __init__(self, model: SendToEis, parent: QWidget) -> None:
        super().__init__(tr("eis", "Spectrum of {name} out of turn").format(name=model.label), parent)
        fix_size(self, width=560)
        self._model = model
        told = tr(
            "eis",
            "The run pauses when the part that the tester works on by itself is over: the present step, or the loop "
            "that it is in. You are asked to move the leads to the potentiostat, later back; then the run goes on.",
        )
        self.body.addWidget(Label(told, tone="muted", wrap=True))
        self.potentiostat = ChoiceBox()
        self.potentiostat.show_choices([(name, name) for name in model.potentiostats])
        self.fields = {
            name: QLineEdit() for name in ("f_start", "f_end", "per_decade", "amplitude", "reason")
        }
        self._lay_out()
        usual = model.usual()
        for name in ("f_start", "f_end", "per_decade", "amplitude"):
            self.fields[name].setText(getattr(usual, name))
        self.told = Label("", tone="muted", wrap=True)
        self.body.addWidget(self.told)
        self.act = self.add_button(Button(tr("eis", "Send to EIS"), rank=Rank.PRIMARY))
        self.add_button(Button(tr("eis", "Cancel"))).clicked.connect(self.reject)
        self.act.setDefault(True)
        self.act.clicked.connect(self._do)
        self.potentiostat.chosen.connect(lambda key: self._check())
        for field in self.fields.values():
            field.textChanged.connect(self._check)
        self._check()
        self.act.setFocus()

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme().px(12))
        names = {
            "potentiostat": tr("eis", "Potentiostat"), "f_start": tr("eis", "From"), "f_end": tr("eis", "to"),
            "per_decade": tr("eis", "Points per decade"), "amplitude": tr("eis", "Amplitude, rms"),
            "reason": tr("eis", "Reason, for the journal"),
        }  # fmt: skip
        for at, (name, text) in enumerate(names.items()):
            field: QWidget = self.potentiostat if name == "potentiostat" else self.fields[name]
            field.setAccessibleName(text)
            label = Label(text, tone="muted")
            label.setBuddy(field)
            grid.addWidget(label, at, 0)
            grid.addWidget(field, at, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)

    def typed(self) -> Typed:
        """Return what the fields hold."""
        texts = (self.fields[name].text() for name in ("f_start", "f_end", "per_decade", "amplitude"))
        return Typed(self.potentiostat.key, *texts)

    def _check(self) -> None:
        wish = self._model.wish(self.typed())
        for name, field in self.fields.items():
            mark_problem(field, wish.problem if name == wish.field else "")
        count = tr("eis", "{n} points").format(n=wish.points)
        self.told.setText(wish.problem or count)
        set_why(self.act, self._model.why_not() or wish.problem)

    def _do(self) -> None:
        if self._model.send(self.typed(), self.fields["reason"].text().strip()) is not None:
            self.accept()
        else:
            self._check()
