"""The compare view: cells at the left, plots in the middle, chosen cycles at the right; one edit undoes one change."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMenu, QStackedWidget, QWidget
from superqt import QRangeSlider

from labctl.gui.i18n.translating import mark, tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import ChoiceBox, mark_problem
from labctl.gui.parts.labels import Label, in_menu
from labctl.gui.parts.layouts import Row, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.parts.table import Table
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.plots import figure
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparing import ColourBy, DashBy, GroupBy, Per, XBy, group_word, per_word
from labctl.gui.viewmodels.runpicker import RunPicker
from labctl.gui.viewmodels.selection import Selection
from labctl.gui.views.compare.board import Board
from labctl.gui.views.compare.figuretable import FigureModel
from labctl.gui.views.compare.picker import PickDialog
from labctl.gui.views.compare.plotcard import PlotCard
from labctl.gui.views.compare.side import Side

X_WORDS = {
    XBy.AUTO: mark("compare", "auto"),
    XBy.TIME: mark("compare", "time"),
    XBy.CAPACITY: mark("compare", "capacity"),
    XBy.CYCLE: mark("compare", "cycle"),
}
REFRESH_MS = 60
NARROW_PX, SMALL_PX, LEAST_PX = 1450, 1280, 600
"""Below the first width the overlay column becomes a tab, below the second the tools take a row of their own."""
FILTERS = "SVG (*.svg);;PDF (*.pdf);;PNG (*.png);;CSV (*.csv)"


class CompareView(View):
    """Connects, shows, forwards; what is compared and how is ``Compare``'s."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.selection: Selection = context.share("selection", Selection)
        self.compare: Compare = Compare(context.lab, context.asks)
        self.picker = RunPicker(context.lab, context.asks, lambda: self.selection.channels)
        self.choose_file: Callable[[str], str] = self._ask_file
        self._seen, self._last_dir = False, ""
        self._make_head()
        self.side = Side()
        self.board = Board(self)
        self.table = Table("")
        self.figures = FigureModel(self.compare, self)
        self.table.setModel(self.figures)
        self.table.horizontalHeader().setStretchLastSection(False)
        self.empty = Empty()
        self.empty_add = self.empty.add_button(Button(icon="plus"))
        self.empty_station = self.empty.add_button(Button(icon="view-grid-outline"))
        self._make_page()
        self._make_bar()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(REFRESH_MS)
        self._soon.timeout.connect(self.refresh)
        self._wire()
        self.setMinimumWidth(theme().px(LEAST_PX))
        self.refresh()

    # -- building ---------------------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self.x_by, self.colour_by, self.dash_by = ChoiceBox(), ChoiceBox(), ChoiceBox()
        self.per = Segment("", [Choice(per.value, per.value) for per in Per])
        self.cycles = QLineEdit()
        fix_size(self.cycles, width=170, height=32)
        self.spread = Chip("mean ± s", checkable=True)
        self.pages = Segment("", [Choice("plots", "plots"), Choice("figures", "figures")])
        self.look = Button(chevron=True)
        self.copy = Button(icon="content-copy")
        self.report = Button(icon="file-chart-outline")
        self.tools = QWidget()
        Row(self.tools, gap=8).put(
            self.x_by, self.per, self.colour_by, self.dash_by, self.cycles, self.spread, None
        )
        self.head_left.put(self.pages, self.tools)
        for button in (self.look, self.copy, self.report):
            self.head_right.addWidget(button)

    def _make_page(self) -> None:
        self.middle = QStackedWidget()
        self.middle.addWidget(self.board.middle)
        self.middle.addWidget(self.table)
        self.content = QWidget()
        row = Row(self.content, gap=8)
        row.addWidget(self.side)
        row.addWidget(self.middle, 1)
        row.addWidget(self.board.column)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.content)
        self.page.addWidget(self.stack, 1)

    def _make_bar(self) -> None:
        self.range_name, self.range_text = Label("", tone="muted"), Label("")
        self.range: Any = QRangeSlider(Qt.Orientation.Horizontal)  # type: ignore[no-untyped-call]  # superqt has no types
        fix_size(self.range, width=260)
        tools = QWidget()
        row = Row(tools, gap=8)
        row.put(self.range_name, self.range, self.range_text)
        self.bar.add(cast(Any, tools))  # the bar holds any widget
        self.range_tools = tools
        self.export = self.bar.add(Button(icon="export-variant", keys="Ctrl+E"), right=True)

    def _wire(self) -> None:
        do, compare = self.undo.do, self.compare
        self.side.add.clicked.connect(self.add_runs)
        self.empty_add.clicked.connect(self.add_runs)
        self.empty_station.clicked.connect(lambda: self.context.go("station", None))
        tree = self.side.tree
        tree.hide_asked.connect(lambda runs, hidden: do(compare.change(runs, hidden=hidden)))
        tree.remove_asked.connect(lambda runs: do(compare.remove(runs)))
        tree.rename_asked.connect(self._rename)
        tree.menu_asked.connect(self._tree_menu)
        self.x_by.chosen.connect(lambda key: do(compare.set(x_by=XBy(key), kinds={})))
        self.per.chosen.connect(lambda key: do(compare.set_per(Per(key))))
        self.colour_by.chosen.connect(lambda key: do(compare.set(colour_by=ColourBy(key))))
        self.dash_by.chosen.connect(lambda key: do(compare.set(dash_by=DashBy(key))))
        self.spread.clicked.connect(lambda on: do(compare.set(spread=on)))
        self.cycles.editingFinished.connect(self._take_cycles)
        self.cycles.textEdited.connect(lambda text: mark_problem(self.cycles, compare.set_cycles(text)[1]))
        self.range.sliderReleased.connect(self._take_range)
        self.range.valueChanged.connect(self._say_range)
        self.pages.chosen.connect(self._show_page)
        self.look.clicked.connect(
            lambda: self._look_menu().popup(self.look.mapToGlobal(QPoint(0, self.look.height())))
        )
        self.copy.clicked.connect(self._copy)
        self.report.clicked.connect(lambda: self.context.go("reports", self.compare))
        self.export.clicked.connect(self.save_front)
        self.board.kind_chosen.connect(
            lambda key, kind: do(compare.set(kinds={**compare.options.kinds, key: kind}))
        )
        self.board.overlay_asked.connect(self._focus_cycles)
        self.board.save_asked.connect(self.save)
        compare.watch(self._soon_refresh)
        for keys, call in (("Ctrl+E", self.save_front), ("F2", self._edit_name)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)

    # -- words ------------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.x_by.set_name("x")
        self.x_by.show_choices([(one.value, tr("compare", X_WORDS[one])) for one in XBy])
        self.per.show_choices([Choice(per.value, per_word(per)) for per in Per])
        self.per.setAccessibleName(tr("compare", "Unit of charges"))
        self.colour_by.set_name(tr("compare", "colour"))
        self.colour_by.show_choices([("group", tr("compare", "group")), ("cell", tr("compare", "cell"))])
        self.dash_by.set_name(tr("compare", "dash"))
        self.dash_by.show_choices([("cell", tr("compare", "cell")), ("none", tr("compare", "none"))])
        self.cycles.setPlaceholderText(tr("compare", "cycles 1,2,5,10:100:10"))
        self.cycles.setAccessibleName(tr("compare", "Cycles to overlay"))
        self.spread.show_words(tr("compare", "mean ± s"))
        self.look.setText(tr("compare", "View"))
        self.copy.setText(tr("compare", "Copy"))
        self.report.setText(tr("compare", "Report..."))
        self.export.setText(tr("compare", "Export figure..."))
        self.range_name.setText(tr("compare", "cycle range"))
        self.range.setAccessibleName(tr("compare", "Cycle range"))
        self.table.setAccessibleName(tr("compare", "Figures of cells and groups"))
        self.empty_add.setText(tr("compare", "Add cells..."))
        self.empty_station.setText(tr("compare", "Select channels"))
        self.empty.say(
            tr("compare", "Nothing is compared yet"),
            tr("compare", "Choose two groups of cells, for example pristine and coated: running and ended tests alike. "
               "Comparing reads data only; no run is touched."),
        )  # fmt: skip
        self.side.retranslate()
        self.board.retranslate()
        self._show_pages()
        self.refresh()

    # -- showing ----------------------------------------------------------------------------------------------------

    def _soon_refresh(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        """Show the comparison as it is now."""
        compare, options = self.compare, self.compare.options
        self.stack.setCurrentIndex(1 if compare.members else 0)
        for widget, key in ((self.x_by, options.x_by), (self.colour_by, options.colour_by)):
            widget.choose(key.value)
        self.dash_by.choose(options.dash_by.value)
        self.per.choose(options.per.value)
        self.spread.setChecked(options.spread)
        if not self.cycles.hasFocus():
            self.cycles.setText(options.cycles)
            mark_problem(self.cycles, "")
        self._show_range()
        self._say()
        if not compare.members:
            self.board.clear()
            self._follow()
            return
        self.side.show_compare(compare)
        if self.pages.key == "figures":
            self.figures.take()
            self._widen_table()
        elif self._seen:
            self.board.show_compare(compare)
        self._follow()

    def _say(self) -> None:
        compare = self.compare
        none = "" if compare.members else tr("compare", "Add cells first.")
        self.bar.set_why(self.export, none)
        for button in (self.copy, self.report, self.look):
            button.setEnabled(not none)
            button.setToolTip(none)
        dashed = compare.options.dash_by is DashBy.CELL
        both = tr("compare", "Colour is the {what}, dash is the cell.")
        told = both if dashed else tr("compare", "Colour is the {what}.")
        told = told.format(what=self.colour_by.currentText())
        missing = [line.title for line in compare.lines() if line.why_not]
        if missing:
            names = ", ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
            told = tr("compare", "Without mass or area, not drawn: {names}").format(names=names)
        self.bar.say("" if none else told)

    def _show_range(self) -> None:
        last, options = self.compare.last_cycle, self.compare.options
        self.range_tools.setVisible(bool(self.compare.members) and last > 1)
        if last > 1 and not self.range.isSliderDown():
            self.range.blockSignals(True)
            self.range.setRange(1, last)
            self.range.setValue((min(options.first_cycle, last), min(options.last_cycle or last, last)))
            self.range.blockSignals(False)
        self._say_range()

    def _say_range(self, *_: object) -> None:
        first, last = (int(end) for end in self.range.value())
        self.range_text.setText(f"{first} … {last}")

    def _widen_table(self) -> None:
        """Give each column what it needs, and the first what is left."""
        self.table.resizeColumnsToContents()
        head = self.table.horizontalHeader()
        spare = self.table.viewport().width() - head.length()
        self.table.setColumnWidth(0, self.table.columnWidth(0) + max(0, spare))

    def _follow(self) -> None:
        self.context.bridge.follow(self, self.compare.running() if self._seen else ())

    def _narrow(self) -> bool:
        return self.width() < theme().px(NARROW_PX)

    def _place_tools(self) -> None:
        small = self.width() < theme().px(SMALL_PX)
        if small and self.page.indexOf(self.tools) < 0:
            self.page.insertWidget(0, self.tools)
        elif not small and self.page.indexOf(self.tools) >= 0:
            self.head_left.addWidget(self.tools)

    def _show_pages(self) -> None:
        found = [Choice("plots", tr("compare", "plots")), Choice("figures", tr("compare", "figures"))]
        if self._narrow():
            found.insert(1, Choice("overlay", tr("compare", "overlay")))
        self.pages.show_choices(found)
        self.pages.setAccessibleName(tr("compare", "Plots or figures"))
        self._show_page(self.pages.key)

    def _show_page(self, key: str) -> None:
        narrow = self._narrow()
        self.middle.setCurrentIndex(1 if key == "figures" else 0)
        self.middle.setVisible(key != "overlay")
        self.board.column.setVisible(key == "overlay" or (key == "plots" and not narrow))
        self.board.widen(key == "overlay")
        for box in (self.colour_by, self.dash_by):
            box.setVisible(not narrow)
        self._soon_refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the overlay column a tab where the page is narrow."""
        super().resizeEvent(event)
        self._place_tools()
        self._show_pages()

    def changeEvent(self, event: QEvent) -> None:
        """Follow language and style."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_soon"):
            self.setMinimumWidth(theme().px(LEAST_PX))
            self._place_tools()
            self._show_pages()

    # -- edits ------------------------------------------------------------------------------------------------------

    def add_runs(self) -> None:
        """Open the dialog that adds runs."""
        self.picker.taken = frozenset(member.run_id for member in self.compare.members)
        dialog = PickDialog(self.picker, self)
        dialog.accepted.connect(partial(self._added, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _added(self, dialog: PickDialog) -> None:
        self.undo.do(self.compare.add(self.picker.take(), GroupBy(dialog.group_by.key)))
        self.side.tree.setFocus()

    def _rename(self, run_id: str, group: str, name: str) -> None:
        if run_id:
            self.undo.do(self.compare.change([run_id], name=name.strip()))
        else:
            self.undo.do(self.compare.rename_group(group, name))

    def _edit_name(self) -> None:
        tree = self.side.tree
        if tree.currentIndex().isValid():
            tree.edit(tree.currentIndex())

    def _take_cycles(self) -> None:
        edit, problem = self.compare.set_cycles(self.cycles.text())
        mark_problem(self.cycles, problem)
        if not problem:
            self.undo.do(edit)

    def _take_range(self) -> None:
        first, last = (int(end) for end in self.range.value())
        last = 0 if last == self.compare.last_cycle else last
        self.undo.do(self.compare.set(first_cycle=first, last_cycle=last))

    def _focus_cycles(self) -> None:
        self.cycles.setFocus()
        self.cycles.selectAll()

    def _tree_menu(self, at: QPoint) -> None:
        self.make_tree_menu().popup(at)

    def make_tree_menu(self) -> QMenu:
        """Return what can be done with the selected cells."""
        menu, tree, compare, do = QMenu(self), self.side.tree, self.compare, self.undo.do
        runs, group = tree.run_ids, tree.group
        menu.addAction(tr("compare", "Rename (F2)"), self._edit_name)
        menu.addAction(tr("compare", "Hide or show (Space)"), lambda: tree._toggle(runs))
        pinned = all(member.pinned for member in compare.members if member.run_id in runs)
        word = tr("compare", "Unpin") if pinned else tr("compare", "Pin: drawn in the overlay")
        menu.addAction(word, lambda: do(compare.change(runs, pinned=not pinned)))
        moving = menu.addMenu(tr("compare", "Move to group"))
        for name in compare.groups:
            moving.addAction(
                in_menu(group_word(name)), partial(lambda to: do(compare.change(runs, group=to)), name)
            )
        moving.addAction(tr("compare", "New group..."), lambda: self._new_group(runs))
        colours = menu.addMenu(tr("compare", "Colour of the group"))
        for place in range(len(theme().tokens.curves)):
            action = colours.addAction(tr("compare", "Colour {n}").format(n=place + 1))
            action.setIcon(self.side.swatch(place))
            action.triggered.connect(partial(lambda to: do(compare.recolour(group, to)), place))
        menu.addSeparator()
        menu.addAction(tr("compare", "Take out (Del)"), lambda: do(compare.remove(runs)))
        return menu

    def _new_group(self, runs: list[str]) -> None:
        name, good = QInputDialog.getText(self, tr("compare", "New group"), tr("compare", "Name"))
        if good and name.strip():
            self.undo.do(self.compare.change(runs, group=self.compare.group_named(name)))

    def _look_menu(self) -> QMenu:
        menu, options, do = QMenu(self), self.compare.options, self.undo.do
        for text, on, act in (
            (tr("compare", "Move plots together"), self.board.linked, self.board.set_linked),
            (tr("compare", "Tests of a cell one behind another"), options.chained,
             lambda on: do(self.compare.set(chained=on))),
            (tr("compare", "Colour by cell"), options.colour_by is ColourBy.CELL,
             lambda on: do(self.compare.set(colour_by=ColourBy.CELL if on else ColourBy.GROUP))),
            (tr("compare", "Dash by cell"), options.dash_by is DashBy.CELL,
             lambda on: do(self.compare.set(dash_by=DashBy.CELL if on else DashBy.NONE))),
        ):  # fmt: skip
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(on)
            action.toggled.connect(act)
        menu.addAction(tr("compare", "Fit all"), self.board.fit)
        return menu

    # -- out --------------------------------------------------------------------------------------------------------

    def _ask_file(self, name: str) -> str:
        path, _ = QFileDialog.getSaveFileName(
            self, tr("compare", "Save figure"), f"{self._last_dir}{name}", FILTERS
        )
        return path

    def save_front(self) -> None:
        """Save the plot that has the focus, else the first one."""
        card = self.board.front
        if card is not None:
            self.save(card)

    def save(self, card: PlotCard) -> None:
        """Save a plot as SVG, PDF, PNG or CSV, with the data beside it."""
        chosen = self.choose_file("figure.svg")
        if not chosen:
            return
        path = Path(chosen) if Path(chosen).suffix else Path(f"{chosen}.svg")
        try:
            written = figure.save_figure(path, [card.frame.sheet], card.figure_style())
        except (OSError, ValueError) as error:
            self.context.trouble(Trouble(tr("compare", "The figure is not saved"), str(error)))
            return
        self._last_dir = f"{path.parent}/"
        self.context.say(tr("compare", "Saved {files}").format(files=", ".join(one.name for one in written)))

    def _copy(self) -> None:
        if self.pages.key == "figures":
            self.table.copy()
            self.context.say(tr("compare", "The table is copied"))
        elif self.board.front is not None:
            figure.copy_vector([self.board.front.frame.sheet], self.board.front.figure_style())
            self.context.say(tr("compare", "The figure is copied"))

    # -- what a view answers ----------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Begin to follow running runs."""
        self._seen = True
        self.refresh()

    def hidden(self) -> None:
        """Ask for nothing that nobody sees."""
        self._seen = False
        self._follow()

    def open_on(self, target: Any) -> None:
        """Compare runs: of channels or cells (ids), of the selection (None)."""
        wanted = (
            {str(one) for one in target}
            if isinstance(target, list | tuple | set | frozenset)
            else {str(target)}
        )

        def take(runs: Any) -> None:
            found = [run for run in runs if {run.run_id, run.cell_id, str(run.channel)} & wanted]
            newest = {run.cell_id: run for run in found}
            chosen = [run for run in found if run.run_id in wanted or newest[run.cell_id] is run]
            self.undo.do(self.compare.add(chosen))

        self.context.asks.ask("runs.list", then=take, failed=self.context.trouble)

    def search(self) -> None:
        """Add cells by searching them."""
        self.add_runs()

    def commands(self) -> list[Command]:
        """Return what the palette offers."""
        none = "" if self.compare.members else tr("compare", "Add cells first.")
        found = [Command(tr("compare", "Add cells to compare..."), self.add_runs)]
        for per in Per:
            text = tr("compare", "Charges in {unit}").format(unit=per_word(per))
            found.append(
                Command(text, partial(lambda to: self.undo.do(self.compare.set_per(to)), per), why=none)
            )
        found.append(Command(tr("compare", "Export figure..."), self.save_front, "Ctrl+E", why=none))
        found.append(Command(tr("compare", "Fit all"), self.board.fit, why=none))
        return found

    def save_state(self) -> dict[str, Any]:
        """Return what is compared, and how."""
        return {"compare": self.compare.to_plain(), "linked": self.board.linked}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Compare again what was compared last."""
        kept = state.get("compare")
        if isinstance(kept, dict):
            self.compare.restore(kept)
        self.board.set_linked(bool(state.get("linked", True)))
