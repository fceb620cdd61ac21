"""The reports view: cells at the left, the page in the middle, its style at the right; saved as it is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QInputDialog, QStackedWidget, QWidget

from labctl import __version__
from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.fold import Fold
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.parts.why import set_why
from labctl.gui.plots import figure
from labctl.gui.plots.figure import Figure, FigureStyle
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparing import GroupBy, Per
from labctl.gui.viewmodels.panels import Panel
from labctl.gui.viewmodels.reports import (
    TEMPLATE_WORDS,
    Report,
    SavedTemplates,
    Template,
    style_from_plain,
    style_to_plain,
)
from labctl.gui.viewmodels.runpicker import RunPicker
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.compare.picker import PickDialog
from labctl.gui.views.compare.tree import CellsTree
from labctl.gui.views.reports.drawing import GROUNDS, figure_of
from labctl.gui.views.reports.form import StyleForm
from labctl.gui.views.reports.preview import Preview

KEPT = "reports/templates"
NARROW_PX = 960
"""Width of the page below which the fields of the style are a tab."""
REFRESH_MS, TRACE_MS = 60, 400
ENDINGS = ("svg", "pdf", "png", "csv")
ZOOMS = {"1": mark("reports", "true size"), "0": mark("reports", "fit"), "2": mark("reports", "200 %")}


class ReportView(View):
    """Connects, shows, forwards; the figure is ``Report``'s and ``drawing``'s."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.report = Report(context.lab, context.asks, __version__)
        self.saved = SavedTemplates(context.session.get(KEPT, {}))
        selection: Selection = context.share("selection", Selection)
        self.picker = RunPicker(context.lab, context.asks, lambda: selection.channels)
        self.choose_file: Callable[[str], str] = self._ask_file
        self.ask_name: Callable[[], str] = self._ask_name
        self._folder = ""
        self.drawn: tuple[Figure, FigureStyle] | None = None
        self.template, self.style_of, self.zoom = ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.keep = Button(icon="content-save-outline")
        self.head_left.put(self.template, self.style_of, self.keep)
        self.head_right.put(self.zoom)
        self.cells, self.tree = Card(inset=0), CellsTree()
        self.tree.inks = lambda: GROUNDS[self.report.style.palette]
        self.add = Button(icon="plus", rank=Rank.QUIET)
        self.form, self.preview = StyleForm(), Preview()
        self.told = Label("", tone="muted", wrap=True)
        self.empty = Empty()
        self.empty_add = self.empty.add_button(Button(icon="plus"))
        self.empty_compare = self.empty.add_button(Button(icon="chart-multiline"))
        self._lay_out()
        self.saves = {ending: self.bar.add(Button(ending.upper()), right=True) for ending in ENDINGS}
        self.copy = self.bar.add(Button(icon="content-copy"))
        self.copy_data = self.bar.add(Button(icon="table"))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(TRACE_MS)
        self._slow.timeout.connect(self.refresh)
        self._unwatch: list[Callable[[], None]] = []
        self._wire()

    def _lay_out(self) -> None:
        self.cells.head.addWidget(self.add)
        self.cells.body.addWidget(self.tree, 1)
        fix_size(self.cells, width=264)
        desk = QWidget()
        middle = Card(inset=0)
        middle.body.addWidget(self.told)
        middle.body.addWidget(self.preview, 1)
        self.told.setContentsMargins(24, 24, 24, 24)
        drawn = QWidget()
        Row(drawn, gap=8).addWidget(self.cells)
        drawn_row = drawn.layout()
        assert isinstance(drawn_row, Row)
        drawn_row.addWidget(middle, 1)
        row = Row(desk, gap=8)
        row.addWidget(drawn, 1)
        row.addWidget(self.form)
        row.setAlignment(self.form, Qt.AlignmentFlag.AlignLeft)
        self.fold = Fold(desk, {"figure": drawn, "style": self.form}, width_px=NARROW_PX)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.fold)
        self.page.addWidget(self.stack, 1)

    def _wire(self) -> None:
        do, report = self.undo.do, self.report
        compare = report.compare
        self.template.chosen.connect(lambda key: do(report.set(template=Template(key))))
        self.style_of.chosen.connect(self._take_template)
        self.keep.clicked.connect(self.save_template)
        self.zoom.chosen.connect(lambda key: self.preview.sheet.set_zoom(float(key)))
        for button in (self.add, self.empty_add):
            button.clicked.connect(self.add_runs)
        self.empty_compare.clicked.connect(lambda: self.context.go("compare", None))
        self.form.changed.connect(lambda name, value: do(report.set(**{name: value})))
        self.form.per_chosen.connect(lambda key: do(compare.set_per(Per(key))))
        self.form.spread_chosen.connect(lambda on: do(compare.set(spread=on)))
        self.form.cycles_written.connect(self._take_cycles)
        self.tree.hide_asked.connect(lambda runs, hidden: do(compare.change(runs, hidden=hidden)))
        self.tree.remove_asked.connect(lambda runs: do(compare.remove(runs)))
        self.tree.rename_asked.connect(self._rename)
        for ending, button in self.saves.items():
            button.clicked.connect(partial(self.save, ending))
        self.copy.clicked.connect(self.copy_figure)
        self.copy_data.clicked.connect(self.copy_table)
        report.watch(self._soon_refresh)
        for keys, call in (("Ctrl+E", partial(self.save, "svg")), ("F2", self._edit_name)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)

    # -- words ------------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.template.set_name(tr("reports", "figure"))
        self.fold.name_pages({"figure": tr("reports", "Figure"), "style": tr("reports", "Page, style, axes")})
        self.template.show_choices([(one.value, tr("reports", TEMPLATE_WORDS[one])) for one in Template])
        self.style_of.set_name(tr("reports", "template"))
        self.keep.setText(tr("reports", "Save template..."))
        self.zoom.set_name(tr("reports", "view"))
        self.zoom.show_choices([(key, tr("reports", text)) for key, text in ZOOMS.items()])
        self.cells.set_title(tr("reports", "Groups"))
        self.add.setText(tr("compare", "Add"))
        self.tree.setAccessibleName(tr("reports", "Cells of the figure"))
        self.copy.setText(tr("reports", "Copy figure"))
        self.copy_data.setText(tr("reports", "Copy data"))
        for ending, button in self.saves.items():
            button.setAccessibleName(tr("reports", "Save as {kind}").format(kind=ending.upper()))
        self.empty_add.setText(tr("compare", "Add cells..."))
        self.empty_compare.setText(tr("reports", "Take a comparison"))
        self.empty.say(
            tr("reports", "No figure yet"),
            tr("reports", "Add the cells of two groups, or take over what the Compare view shows. "
               "A figure is saved as a vector with the drawn data beside it."),
        )  # fmt: skip
        self.form.retranslate()
        self._say_templates()
        self.refresh()

    def _say_templates(self) -> None:
        usual = [("*", tr("reports", "standard"))]
        self.style_of.show_choices([*usual, *((name, name) for name in self.saved.names)])

    # -- showing ----------------------------------------------------------------------------------------------------

    def _soon_refresh(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        """Draw the figure as it is now."""
        report = self.report
        self.stack.setCurrentIndex(1 if report.compare.members else 0)
        self.template.choose(report.style.template.value)
        self.tree.show_lines(report.compare.lines(), dict(report.compare.colours))
        self.tree.viewport().update()  # the paper may have other colours
        panels = report.panels() if report.compare.members else ()
        words = tuple(f"{axis.quantity} / {axis.unit}" if axis.unit else axis.quantity for axis in
                      ((panels[0].x, panels[0].y) if panels else ())) or ("", "")  # fmt: skip
        self.form.show_report(report, (words[0], words[1]))
        why = report.why_not
        self.told.setText(why)
        self.told.setVisible(bool(why))
        self.preview.setVisible(not why)
        self.drawn = None if why else figure_of(report)
        if self.drawn is not None:
            self.preview.sheet.show_figure(*self.drawn)
        self._watch_traces(panels)
        for button in (*self.saves.values(), self.copy, self.copy_data):
            set_why(button, why)
        self._say(why)

    def _watch_traces(self, panels: Sequence[Panel]) -> None:
        """Draw again, but not at each row, when a curve over time has more; have it asked as finely as it is drawn."""
        for unwatch in self._unwatch:
            unwatch()
        traces = [one.trace for panel in panels for one in panel.traces]
        self._unwatch = [trace.watch(self._later) for trace in traces]
        for trace in traces:
            trace.pump()

    def _later(self) -> None:
        if not self._slow.isActive():
            self._slow.start()

    def _say(self, why: str) -> None:
        if why or self.drawn is None:
            self.bar.say(why)
            return
        width_mm, height_mm = self.preview.sheet.size_mm
        told = tr("reports", "{w} × {h} mm, type {pt} pt, data saved beside the figure")
        self.bar.say(
            told.format(w=f"{width_mm:g}", h=f"{height_mm:.0f}", pt=f"{self.report.style.text_pt:g}")
        )

    # -- edits ------------------------------------------------------------------------------------------------------

    def add_runs(self) -> None:
        """Open the dialog that adds runs."""
        self.picker.taken = frozenset(member.run_id for member in self.report.compare.members)
        dialog = PickDialog(self.picker, self)
        dialog.accepted.connect(lambda: self._added(dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _added(self, dialog: PickDialog) -> None:
        self.undo.do(self.report.compare.add(self.picker.take(), GroupBy(dialog.group_by.key)))

    def _rename(self, run_id: str, group: str, name: str) -> None:
        compare = self.report.compare
        edit = compare.change([run_id], name=name.strip()) if run_id else compare.rename_group(group, name)
        self.undo.do(edit)

    def _edit_name(self) -> None:
        if self.tree.currentIndex().isValid():
            self.tree.edit(self.tree.currentIndex())

    def _take_cycles(self, text: str) -> None:
        edit, problem = self.report.compare.set_cycles(text)
        mark_problem(self.form.cycles, problem)
        self.undo.do(edit)

    # -- templates --------------------------------------------------------------------------------------------------

    def _take_template(self, name: str) -> None:
        style = style_from_plain({}) if name == "*" else self.saved.style(name)
        if style is not None:
            self.undo.do(self.report.take_style(style))

    def save_template(self) -> None:
        """Keep the style under a name, for this user."""
        name = self.ask_name()
        if not name:
            return
        problem = self.saved.save(name, self.report.style)
        if problem:
            self.context.trouble(Trouble(tr("reports", "The template is not saved"), problem))
            return
        self.context.session.put(KEPT, self.saved.to_plain())
        self._say_templates()
        self.style_of.choose(name.strip())
        self.context.say(tr("reports", "Template {name} saved").format(name=name.strip()))

    def _ask_name(self) -> str:
        name, good = QInputDialog.getText(self, tr("reports", "Save template"), tr("reports", "Name"))
        return name if good else ""

    # -- out --------------------------------------------------------------------------------------------------------

    def _ask_file(self, name: str) -> str:
        ending = name.rpartition(".")[2]
        chosen, _ = QFileDialog.getSaveFileName(
            self, tr("reports", "Save figure"), f"{self._folder}{name}", f"{ending.upper()} (*.{ending})"
        )
        return chosen

    def save(self, ending: str) -> None:
        """Save the figure, and the data that are drawn beside it: as it is chosen now, drawn already or not."""
        if self._soon.isActive():
            self.refresh()
        if self.drawn is None:
            return
        chosen = self.choose_file(f"{self.report.style.template.value}.{ending}")
        if not chosen:
            return
        path = Path(chosen) if Path(chosen).suffix else Path(f"{chosen}.{ending}")
        try:
            written = figure.save_figure(path, *self.drawn)
        except (OSError, ValueError) as error:
            self.context.trouble(Trouble(tr("reports", "The figure is not saved"), str(error)))
            return
        self._folder = f"{path.parent}/"
        self.context.say(tr("reports", "Saved {files}").format(files=", ".join(one.name for one in written)))

    def copy_figure(self) -> None:
        """Copy the figure as SVG, PDF and image."""
        if self.drawn is not None:
            figure.copy_vector(*self.drawn)
            self.context.say(tr("reports", "The figure is copied"))

    def copy_table(self) -> None:
        """Copy the drawn data as tab-separated text."""
        if self.drawn is not None:
            figure.copy_data(*self.drawn)
            self.context.say(tr("reports", "The data are copied"))

    # -- what a view answers ----------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Draw anew: runs may have grown."""
        self.refresh()

    def open_on(self, target: Any) -> None:
        """Draw what a comparison shows."""
        if isinstance(target, Compare) and target.members:
            self.undo.do(self.report.take_over(target))

    def search(self) -> None:
        """Add cells by searching them."""
        self.add_runs()

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        why = self.report.why_not
        found = [Command(tr("reports", "Add cells to the figure..."), self.add_runs)]
        for ending in ENDINGS:
            text = tr("reports", "Save as {kind}").format(kind=ending.upper())
            found.append(
                Command(text, partial(self.save, ending), "Ctrl+E" if ending == "svg" else "", why=why)
            )
        for one in Template:
            text = tr("reports", "Draw: {what}").format(what=tr("reports", TEMPLATE_WORDS[one]))
            found.append(Command(text, partial(lambda to: self.undo.do(self.report.set(template=to)), one)))
        return found

    def save_state(self) -> dict[str, Any]:
        """Return the figure."""
        return {"compare": self.report.compare.to_plain(), "style": style_to_plain(self.report.style)}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Draw again what was drawn last."""
        style, kept = state.get("style"), state.get("compare")
        if isinstance(style, dict):
            self.report.style = style_from_plain(style)
        if isinstance(kept, dict):
            self.report.compare.restore(kept)
