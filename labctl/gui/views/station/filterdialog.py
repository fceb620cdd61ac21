"""The small editor of saved filters for dead cells (U09): tick what makes a cell one to look at, and its limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.dialog import Dialog
from labctl.gui.parts.fields import mark_problem
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import fix_size
from labctl.gui.parts.why import set_why
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.filterdraft import FilterDraft
from labctl.gui.viewmodels.filters import Quantity, SavedFilter

Saved = Callable[[SavedFilter], None]


class FilterDialog(Dialog):
    """Edits a draft. ``save`` takes what was made, ``remove`` is None for a new filter; ``preview`` counts hits."""

    def __init__(
        self,
        draft: FilterDraft,
        preview: Callable[[FilterDraft], str],
        save: Saved,
        remove: Callable[[], None] | None,
        parent: QWidget,
    ) -> None:
        super().__init__(
            tr("filterdialog", "New filter") if remove is None else tr("filterdialog", "Edit filter"), parent
        )
        self._draft, self._preview, self._save = draft, preview, save
        fix_size(self, width=560)
        self.name = QLineEdit(draft.name)
        self.name.setAccessibleName(tr("filterdialog", "Name"))
        label = Label(tr("filterdialog", "Name"), tone="muted")
        label.setBuddy(self.name)
        self.body.put(label, self.name)
        self.body.addWidget(Label(tr("filterdialog", "Show a channel where any of these is met:"), wrap=True))
        self.ticks: dict[Quantity, QCheckBox] = {}
        self.limits: dict[Quantity, QLineEdit] = {}
        self.body.addLayout(self._rules())
        self.told = Label("", tone="muted", wrap=True)
        self.body.addWidget(self.told)
        if remove is not None:
            away = Button(tr("filterdialog", "Delete filter"), rank=Rank.QUIET)
            away.setAutoDefault(False)
            away.clicked.connect(partial(self._remove, remove))
            self.foot.insertWidget(0, away)
        self.keep = self.add_button(Button(tr("filterdialog", "Save filter"), rank=Rank.PRIMARY))
        self.cancel = self.add_button(Button(tr("filterdialog", "Cancel")))
        self.keep.clicked.connect(self._keep)
        self.cancel.clicked.connect(self.reject)
        self.keep.setDefault(True)
        self.name.textChanged.connect(self._named)
        self.name.setFocus()
        self._check()

    def _rules(self) -> QGridLayout:
        rows = QGridLayout()
        rows.setHorizontalSpacing(theme().px(8))
        rows.setVerticalSpacing(theme().px(8))
        rows.setColumnStretch(2, 1)
        for at, quantity in enumerate(Quantity):
            before, behind = self._draft.label(quantity)
            tick = QCheckBox(before)
            tick.setChecked(self._draft.on[quantity])
            tick.toggled.connect(partial(self._ticked, quantity))
            self.ticks[quantity] = tick
            rows.addWidget(tick, at, 0)
            if quantity is not Quantity.SHORT:
                field = QLineEdit(self._draft.limits[quantity])
                field.setAccessibleName(f"{before} … {behind}")
                fix_size(field, width=96)
                field.setEnabled(self._draft.on[quantity])
                field.textChanged.connect(partial(self._typed, quantity))
                self.limits[quantity] = field
                rows.addWidget(field, at, 1)
                rows.addWidget(Label(behind, tone="muted"), at, 2)
        return rows

    def _named(self, text: str) -> None:
        self._draft.name = text
        self._check()

    def _ticked(self, quantity: Quantity, on: bool) -> None:
        self._draft.on[quantity] = on
        if quantity in self.limits:
            self.limits[quantity].setEnabled(on)
        self._check()

    def _typed(self, quantity: Quantity, text: str) -> None:
        self._draft.limits[quantity] = text
        self._check()

    def _check(self) -> None:
        for quantity, field in self.limits.items():
            mark_problem(field, self._draft.problem(quantity))
        why = self._draft.why_not()
        set_why(self.keep, why)
        self.told.setText(why or self._preview(self._draft))

    def _keep(self) -> None:
        self.accept()
        self._save(self._draft.made())

    def _remove(self, remove: Callable[[], None]) -> None:
        self.accept()
        remove()
