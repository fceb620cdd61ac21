"""The empty station's page: why it is safe, three ways on, and the path to the first run (picture 10)."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QProcess, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Rank
from labctl.gui.parts.card import Card
from labctl.gui.parts.empty import GhostTiles
from labctl.gui.parts.labels import ElidedLabel, IconLabel, Label, Line
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.theme.current import theme
from labctl.gui.theme.fonts import Role
from labctl.gui.viewmodels.finding import Finder
from labctl.gui.viewmodels.firstrun import FirstRun, PathStep
from labctl.gui.viewmodels.joining import Joining
from labctl.gui.views.firstrun.wizard import Wizard

WIDE_PX = 960
TALL_PX = 640
"""Height of the view below which the ghost tiles are left out."""
DEMO = ("-m", "labctl", "gui", "--demo")


class Option(Card):
    """One of the three ways on."""

    def __init__(self, icon: str, button: Button) -> None:
        super().__init__(inset=24)
        self.name, self.text, self.button = (
            Label("", Role.SECTION),
            Label("", tone="muted", wrap=True),
            button,
        )
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.MinimumExpanding)
        sign = Row()
        sign.put(IconLabel(icon, "muted", 32), None)
        self.body.addLayout(sign)
        self.body.put(self.name)
        self.body.addWidget(self.text, 1)
        self.body.addSpacing(8)
        self.body.addWidget(button)

    def say(self, name: str, text: str, button: str) -> None:
        """Name the way, say what it does."""
        self.name.setText(name)
        self.text.setText(text)
        self.button.setText(button)
        self.button.setAccessibleDescription(text)


class StepRow(QFrame):
    """One step of the path; Enter or a press goes where it is done."""

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.view = ""
        self.icon, self.number = IconLabel("check", "done", 16), Label("", tone="muted")
        self.name, self.told = Label("", Role.BODY), ElidedLabel("", tone="muted")
        fix_size(self, height=44)
        mark = QWidget()
        fix_size(mark, width=24)
        Row(mark).put(self.icon, self.number)
        fix_size(self.name, width=240)
        row = Row(self, margins=(24, 0, 16, 0), gap=12)
        row.put(mark, self.name)
        row.addWidget(self.told, 1)

    def show_step(self, step: PathStep) -> None:
        """Show how a step stands."""
        self.view = step.view
        self.icon.setVisible(step.done)
        self.number.setVisible(not step.done)
        self.number.setText(str(step.number))
        optional = tr("firstrun", "optional")
        title = f"{step.title} ({optional})" if step.optional else step.title
        self.name.setText(title)
        self.name.setProperty("role", "strong" if step.now or step.done else "body")
        self.name.set_tone("text" if step.now or step.done else "muted")
        self.name.style().unpolish(self.name)
        self.name.style().polish(self.name)
        self.told.setText(step.told)
        self.setAccessibleName(f"{step.number} {title}: {step.told}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go where the step is done."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.wanted.emit(self.view)
            return
        super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go where the step is done."""
        self.wanted.emit(self.view)


class FirstRunView(View):
    """Two pages: the ways on, and the wizard."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.first = FirstRun(context.lab, context.acts)
        self.finder = Finder(context.lab, context.bridge.work)
        self.launch: Callable[[], bool] = launch_demo
        self.joining = Joining(context.lab, context.acts)
        self.stack, self.wizard = QStackedWidget(), Wizard(self.finder, self.first, self.joining)
        self.stack.addWidget(self._ways())
        self.stack.addWidget(self.wizard)
        self.page.addWidget(self.stack, 1)
        self.head.hide()  # the page has a large title of its own
        self.help = self.bar.add(Button(icon="help-circle-outline", keys="F1"), right=True)
        self.help.clicked.connect(self._open_help)
        self.wizard.left.connect(self.show_ways)
        self.wizard.copied.connect(context.say)
        self.first.watch(self.refresh)

    def _ways(self) -> QScrollArea:
        inner = QWidget()
        inner.setMaximumWidth(theme().px(WIDE_PX))
        theme().changed.connect(self._widen)
        self._inner = inner
        self.heading, self.lead = Label("", Role.DISPLAY, wrap=True), Label("", Role.LEAD, "muted", wrap=True)
        self.demo = Option("flask-outline", Button(rank=Rank.PRIMARY))
        self.neware = Option("magnify", Button())
        self.cells = Option("battery-outline", Button())
        ways = Row(gap=24)
        for option in (self.demo, self.neware, self.cells):
            ways.addWidget(option, 1)
        self.demo.button.clicked.connect(self.open_demo)
        self.neware.button.clicked.connect(self.show_wizard)
        self.cells.button.clicked.connect(lambda: self.context.go("cells", None))
        self.path = Card(inset=0)
        self.progress = Label("", tone="muted")
        self.path.head.addWidget(self.progress)
        self.steps = [StepRow() for _ in range(6)]
        self.path.body.setSpacing(0)
        for at, row in enumerate(self.steps):
            if at:
                self.path.body.addWidget(Line())
            self.path.body.addWidget(row)
            row.wanted.connect(self._go_step)
        column = Column(inner, margins=(0, 16, 0, 8), gap=12)
        self.ghosts = GhostTiles()
        column.put(self.ghosts, self.heading, self.lead)
        column.addLayout(ways)
        column.put(self.path, None)
        outer = QWidget()
        around = Row(outer)
        around.addStretch(1)
        around.addWidget(inner, 100)
        around.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(outer)
        return area

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the ornament out where it would push the ways on out of sight."""
        super().resizeEvent(event)
        self.ghosts.setVisible(self.height() >= theme().px(TALL_PX))

    def _widen(self) -> None:
        self._inner.setMaximumWidth(theme().px(WIDE_PX))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.demo.say(
            tr("firstrun", "Try the virtual bench"),
            tr("firstrun", "A second window on simulated testers and chambers, with cells that age and a campaign "
                           "running. It speaks the same bytes as the real ones; time can run faster."),
            tr("firstrun", "Open virtual bench"),
        )  # fmt: skip
        self.neware.say(
            tr("firstrun", "Connect a Neware BTS"),
            tr("firstrun", "Looks at this computer's ports and at the addresses that you type, asks who is there, and "
                           "writes it into the station file. Sends no command that drives an output."),
            tr("firstrun", "Find instruments..."),
        )  # fmt: skip
        self.cells.say(
            tr("firstrun", "Import cells"),
            tr("firstrun", "Paste a batch from a spreadsheet, or take a CSV or Excel file. Cells can be registered "
                           "before any instrument is there."),
            tr("firstrun", "Import cells..."),
        )  # fmt: skip
        self.path.set_title(tr("firstrun", "From here to the first run"))
        self.help.setText(tr("firstrun", "Help for this view"))
        self.wizard.retranslate()
        self.refresh()

    def refresh(self) -> None:
        """Show how far it is."""
        empty = not self.context.lab.instruments
        self.heading.setText(tr("firstrun", "No instruments yet") if empty else tr("firstrun", "First steps"))
        self.lead.setText(tr(
            "firstrun", "Nothing is driven until you add an instrument and start a run. Try everything on the virtual "
            "bench first; it speaks the same bytes as the real one."
        ))  # fmt: skip
        for row, step in zip(self.steps, self.first.steps(), strict=True):
            row.show_step(step)
        self.progress.setText(self.first.progress())

    # -- acts ---------------------------------------------------------------------------------------------------------

    def open_demo(self) -> None:
        """Open a second window on a virtual bench."""
        if self.launch():
            self.context.say(
                tr("firstrun", "The virtual bench opens in a window of its own in a few seconds.")
            )
        else:
            self.bar.say(tr("firstrun", "It could not be started. In a terminal: labctl gui --demo"))

    def show_wizard(self) -> None:
        """Turn to the wizard and look at the ports of this computer."""
        self.stack.setCurrentWidget(self.wizard)
        self.head.show()
        self.wizard.address.setFocus()
        self.finder.look()

    def show_ways(self) -> None:
        """Turn back to the three ways."""
        self.stack.setCurrentIndex(0)
        self.head.hide()
        self.neware.button.setFocus()

    def _go_step(self, view: str) -> None:
        if view == "station" and not self.context.lab.instruments:
            self.show_wizard()
        else:
            self.context.go(view, "notify" if view == "settings" and self.sender() is self.steps[4] else None)

    def _open_help(self) -> None:
        from labctl.gui.helping import open_help

        open_help(self.spec.help)

    def shown(self) -> None:
        """Ask how far it is."""
        self.first.refresh()
        self.refresh()
        if self.stack.currentIndex() == 0:
            self.demo.button.setFocus()

    def open_on(self, target: object) -> None:
        """Open the wizard for ``"wizard"``."""
        if target == "wizard":
            self.show_wizard()

    def commands(self) -> list[Command]:
        """Return what the palette offers here."""
        group = tr("views", "First steps")
        return [
            Command(tr("firstrun", "Open virtual bench"), self.open_demo, "", group),
            Command(tr("firstrun", "Find instruments..."), self.show_wizard, "", group),
            Command(tr("firstrun", "Import cells..."), lambda: self.context.go("cells", None), "", group),
        ]


def launch_demo() -> bool:
    """Start ``labctl gui --demo`` beside this window; it lives on its own."""
    started = QProcess.startDetached(sys.executable, list(DEMO))
    return bool(started[0] if isinstance(started, tuple) else started)
