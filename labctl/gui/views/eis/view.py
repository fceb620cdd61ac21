"""The EIS view: who has the cell and what a person must do; the sweep as it grows; validity, fit, history (U08)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QSplitter, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.chips import Chip
from labctl.gui.parts.confirm import confirm_or_do
from labctl.gui.parts.empty import Empty
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.fold import Fold
from labctl.gui.parts.labels import Line
from labctl.gui.parts.readout import Readout, ReadoutStrip
from labctl.gui.parts.side import SIDE_PX
from labctl.gui.parts.view import Command, Context, View, ViewSpec
from labctl.gui.plots.figure import FigureStyle, save_figure
from labctl.gui.plots.look import look_of
from labctl.gui.theme.current import theme
from labctl.gui.viewmodels.acts import Act, ActState, Trouble, button_text
from labctl.gui.viewmodels.eis.model import CELL_OFF, CONFIRM, SKIP, EisModel
from labctl.gui.viewmodels.eis.readouts import COUNT, readouts
from labctl.gui.viewmodels.lab import utc_of
from labctl.gui.viewmodels.text import age
from labctl.gui.views.channel.dialogs import Export
from labctl.gui.views.eis.fitcard import FitCard
from labctl.gui.views.eis.plotcards import BodeCard, NyquistCard, ResidualCard
from labctl.gui.views.eis.prompt import CONFIRM_KEY, PromptCard
from labctl.gui.views.eis.sidecards import HistoryCard, QueueCard

TICK_MS = 500
STOP_KEY, EXPORT_KEY = "Ctrl+F8", "Ctrl+E"
FOLD_WIDTH_PX, FOLD_HEIGHT_PX = 1040, 400
"""Room of the plots below which they stand behind tabs."""
LOW_PX = 700
"""Height of the view below which figures and steps give way to the plots while a prompt is shown."""
READOUT_PX = 128
PHASES = {
    ActState.SENDING: Phase.SENDING, ActState.CONFIRMED: Phase.CONFIRMED, ActState.NOT_CONFIRMED: Phase.TROUBLE,
    ActState.REFUSED: Phase.TROUBLE, ActState.FAILED: Phase.TROUBLE,
}  # fmt: skip


class EisView(View):
    """One cell's impedance. Opened on a cell, channel, run, potentiostat or spectrum."""

    def __init__(self, context: Context, spec: ViewSpec) -> None:
        super().__init__(context, spec)
        self.model = EisModel(context.lab, context.asks, context.acts)
        self._queue_px = 0
        self._seen, self._standing = False, dict[str, tuple[ActState, str] | None]()
        self._build_head()
        self._build_page()
        self._build_bar()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._tick = QTimer(self)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self._ticked)
        self.model.watch(self._changed)
        theme().changed.connect(self._restyle)
        self.destroyed.connect(self.model.close)

    # -- building ---------------------------------------------------------------------------------------------------

    def _build_head(self) -> None:
        self.cells, self.owner = ChoiceBox(), Chip(glyph="eis", token="paused")
        self.cells.chosen.connect(self.open_on)
        self.head_left.addWidget(self.cells)
        self.head_right.addWidget(self.owner)

    def _build_page(self) -> None:
        look = look_of(theme().tokens, unit=theme().scale)
        self.prompt = PromptCard()
        self.figures = tuple(Readout() for _ in range(COUNT))
        self.strip = ReadoutStrip(self.figures)
        self._lines = self.strip.findChildren(Line)
        self.nyquist, self.bode = NyquistCard(look), BodeCard(look)
        self.residuals, self.fit = ResidualCard(look), FitCard(self.model)
        self.cards = (self.nyquist, self.bode, self.residuals)
        rows = (self._split(self.nyquist, self.bode, 16, 9), self._split(self.fit, self.residuals, 10, 6))
        self.plots = QSplitter(Qt.Orientation.Vertical)
        self.plots.setChildrenCollapsible(False)
        for row, share in zip(rows, (5, 2), strict=True):
            self.plots.addWidget(row)
            self.plots.setStretchFactor(self.plots.count() - 1, share)
        self.plots.setSizes([500, 270])
        self.queue, self.history = QueueCard(self.model), HistoryCard(self.model, look)
        self.side = self._split(self.queue, self.history, 0, 1, lying=False)
        whole = self._split(self.plots, self.side, 1, 0)
        whole.setSizes([4 * theme().px(SIDE_PX), theme().px(SIDE_PX)])
        pages = {"nyquist": self.nyquist, "bode": self.bode, "residuals": self.residuals, "fit": self.fit,
                 "queue": self.queue, "history": self.history}  # fmt: skip
        self.fold = Fold(whole, pages, width_px=FOLD_WIDTH_PX, height_px=FOLD_HEIGHT_PX)
        self.empty = Empty()
        for part in (self.empty, self.prompt, self.strip):
            self.page.addWidget(part)
        self.page.addWidget(self.fold, 1)
        self._wire()

    @staticmethod
    def _split(left: QWidget, right: QWidget, *shares: int, lying: bool = True) -> QSplitter:
        row = QSplitter(Qt.Orientation.Horizontal if lying else Qt.Orientation.Vertical)
        row.setChildrenCollapsible(False)
        for at, part in enumerate((left, right)):
            row.addWidget(part)
            row.setStretchFactor(at, shares[at])
        row.setSizes([share * 100 for share in shares])
        return row

    def _wire(self) -> None:
        self.prompt.confirmed.connect(self.confirm)
        self.prompt.accepted.connect(self.accept)
        self.prompt.next_wanted.connect(self._next_prompt)
        self.prompt.reason_changed.connect(self._show_acts)
        self.queue.cell_wanted.connect(self.open_on)
        self.history.chosen.connect(self._choose)
        self.history.toggled.connect(self._toggle)
        self.nyquist.fit_wanted.connect(self._show_fit)
        self.fit.circuit_wanted.connect(self._fit_with)
        for card in self.cards:
            card.export_asked.connect(self.ask_export)

    def _build_bar(self) -> None:
        self.stop = self.bar.add(Button(icon="stop", keys=STOP_KEY, act=True))
        self.skip = self.bar.add(Button(icon="swap-horizontal", act=True))
        self.export_button = self.bar.add(Button(icon="export-variant", keys=EXPORT_KEY), right=True)
        self.buttons = {CELL_OFF: self.stop, SKIP: self.skip}
        self.stop.clicked.connect(partial(self._press, CELL_OFF))
        self.skip.clicked.connect(partial(self._press, SKIP))
        self.export_button.clicked.connect(self.ask_export)
        for keys, act in (
            (CONFIRM_KEY, self.confirm), ("Ctrl+Enter", self.confirm), (STOP_KEY, self.ask_cell_off),
            (EXPORT_KEY, self.ask_export),
        ):  # fmt: skip
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)

    # -- life -------------------------------------------------------------------------------------------------------

    def shown(self) -> None:
        """Show a cell, follow its sweep, count ages."""
        self._seen = True
        if not self.model.cell_id:
            self.model.choose_one()
        self.model.tick()
        self._tick.start()
        self.refresh()
        self._take_keyboard()

    def _take_keyboard(self) -> None:
        """Have the keyboard where no other view has it: the key that confirms works as soon as the view is there."""
        holder = QApplication.focusWidget()
        while holder is not None and not (isinstance(holder, View) and holder.isVisible()):
            holder = holder.parentWidget()
        if holder is None:
            target = self.prompt if self.prompt.isVisibleTo(self) else self.nyquist.plot
            target.setFocus(Qt.FocusReason.OtherFocusReason)

    def hidden(self) -> None:
        """Follow nothing: what was missed is fetched when it is shown again."""
        self._seen = False
        self._tick.stop()

    def _ticked(self) -> None:
        self.model.tick()
        self._show_prompt()
        self._show_figures()

    def _changed(self) -> None:
        if self._seen:
            self._soon.start()  # many answers and news come together: shown once

    # -- what is shown ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now."""
        if not self._seen:
            return
        model = self.model
        known = bool(model.cell_id) or bool(model.lab.potentiostats)
        self.empty.setVisible(not known)
        self.fold.setVisible(known)
        if not known:
            self._say_empty()
        self._show_head()
        self._show_prompt()
        self._show_figures()
        drawn = model.history.drawn(fitted=model.fit_shown, live=model.live.points)
        self.nyquist.show_fit(model.fit_shown)
        for card in self.cards:
            card.show_spectra(drawn)
        self.residuals.show_test(*self._test())
        for listing in (self.queue, self.history, self.fit):
            listing.refresh()
        self._share_side()
        self._show_acts()

    def _share_side(self) -> None:
        """Give the queue the height of its lines, the history the rest; a person's own share stays while they do."""
        wanted = self.queue.height_wanted()
        if wanted != self._queue_px and not self.fold.folded and self.side.height() > wanted:
            self._queue_px = wanted
            self.side.setSizes([wanted, self.side.height() - wanted])

    def _test(self) -> tuple[Any, bool, bool]:
        """Return the Kramers-Kronig test that is shown, whether it is of the live sweep, whether it is awaited."""
        model = self.model
        if len(model.live.points):
            return model.live.test(), True, False
        fit = model.history.fit(model.history.current)
        return (None if fit is None else fit.kk), False, fit is None and model.history.current is not None

    def _show_head(self) -> None:
        head = self.model.head()
        cells = self.model.cells()
        self.cells.show_choices(list(cells.items()))
        self.cells.choose(self.model.cell_id)
        self.cells.setVisible(len(cells) > 1)
        named = "" if len(cells) > 1 else f"  {head.cell}"
        self.title.setText(f"{self.spec.name}{named}")
        self.subtitle.setText(" · ".join(part for part in (head.facts, head.sweep) if part))
        self.owner.show_words(head.owner, head.owner_since)
        self.owner.setVisible(bool(head.owner))
        self.title_changed.emit(f"{self.spec.name} {head.cell}".strip())

    def _show_prompt(self) -> None:
        prompt, place, count = self.model.prompt()
        since = utc_of(prompt.since_utc) if prompt is not None else None
        waited_s = (
            max(0.0, (self.context.lab.plant_utc - since).total_seconds()) if since is not None else 0.0
        )
        told = tr("eis", "asked {age} ago").format(age=age(waited_s)) if since is not None else ""
        other = prompt is not None and prompt.title != self.prompt.title.text()
        self.prompt.show_prompt(prompt, place, count, told)
        if other and self.isVisible():
            self._take_keyboard()  # a button that was pressed before may be off now, and the keyboard with the rail
        self._make_room()

    def _show_figures(self) -> None:
        figures = readouts(self.model)
        self.strip.setVisible(bool(figures) and not self._low)
        for part, one in zip(self.figures, figures, strict=False):
            part.set_name(one.title)
            part.show_value(one.value, one.unit, one.under, stale=one.stale)

    @property
    def _low(self) -> bool:
        """Tell whether there is no height for figures beside a prompt and the plots."""
        return self.prompt.isVisibleTo(self) and self.height() < theme().px(LOW_PX)

    def _make_room(self) -> None:
        self.prompt.set_low(self._low)
        least = theme().px(READOUT_PX)
        shown = max(3, min(COUNT, (self.width() - theme().px(32)) // max(1, least)))
        for at, part in enumerate(self.figures):
            part.setVisible(at < shown)
        for at, line in enumerate(self._lines, 1):
            line.setVisible(at < shown)

    def _say_empty(self) -> None:
        if not self.context.lab.link.live:
            self.empty.say(tr("eis", "No station answers"), tr("eis", "Spectra are shown when it does."))
            return
        told = tr(
            "eis", "A potentiostat in the station file, or a spectrum in the store, brings this view to life."
        )
        self.empty.say(tr("eis", "This station has no potentiostat and no spectrum"), told)

    def retranslate(self) -> None:
        """Take every word anew."""
        super().retranslate()
        self.cells.set_name(tr("eis", "Cell"))
        self.stop.setText(tr("eis", "Stop, cell off"))
        self.skip.setText(tr("eis", "Skip spectrum, return cell"))
        self.export_button.setText(tr("eis", "Export"))
        self.fold.name_pages({
            "nyquist": "Nyquist", "bode": "Bode", "residuals": tr("eis", "Validity"), "fit": tr("eis", "Fit"),
            "queue": tr("eis", "Queue"), "history": tr("eis", "History"),
        })  # fmt: skip
        self.prompt.retranslate()
        for part in (*self.cards, self.queue, self.history, self.fit):
            part.retranslate()
        self.refresh()

    def _restyle(self) -> None:
        look = look_of(theme().tokens, unit=theme().scale)
        for card in self.cards:
            card.set_look(look)
        self.history.trend.set_look(look)
        self._changed()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Follow the room: figures that have none are left out."""
        super().resizeEvent(event)
        self._make_room()

    # -- choosing ---------------------------------------------------------------------------------------------------

    def open_on(self, target: Any) -> None:
        """Show the cell of a channel, run, potentiostat or spectrum, or a cell."""
        if isinstance(target, str) and target:
            self.model.show(target)

    def _next_prompt(self) -> None:
        self.model.next_prompt()
        self.refresh()

    def _choose(self, spectrum_id: str) -> None:
        self.undo.do(self.model.choose(spectrum_id))

    def _toggle(self, spectrum_id: str) -> None:
        self.undo.do(self.model.toggle(spectrum_id))

    def _show_fit(self, shown: bool) -> None:
        self.undo.do(self.model.show_fit(shown))

    def _fit_with(self, circuit: str) -> None:
        self.model.history.circuit = circuit
        self.model.shelf.forget_troubles()
        self.refresh()

    # -- acts -------------------------------------------------------------------------------------------------------

    def _show_acts(self) -> None:
        """Show what may be done, why the rest is off, and how acts stand (R3, R5)."""
        model = self.model
        for verb, why in ((CELL_OFF, model.cell_off_why_not()), (SKIP, model.skip_why_not())):
            button = self.buttons[verb]
            self._show_standing(button, model.standing(verb), verb)
            self.bar.set_why(button, "" if button.phase is Phase.TROUBLE else why)
            if button.phase is Phase.TROUBLE and (act := model.standing(verb)) is not None:
                button.setToolTip(act.text)
        sent = model.standing(CONFIRM)
        phase, told = (Phase.IDLE, "") if sent is None else (PHASES[sent.state], sent.text)
        self.prompt.show_acts(
            model.confirm_why_not(), model.accept_why_not(self.prompt.reason.text()), phase, told
        )
        drawn = bool(self.nyquist.drawn)
        self.bar.set_why(self.export_button, "" if drawn else tr("eis", "No spectrum is drawn."))
        self.bar.say(tr("eis", "Runs go on by themselves once their cell is back and its voltage fits."))

    def _show_standing(self, button: Button, act: Act | None, verb: str) -> None:
        shown = None if act is None else (act.state, act.text)
        if shown == self._standing.get(verb):
            return  # once: the button itself puts "confirmed" away after a while
        self._standing[verb] = shown
        button.show_phase(
            Phase.IDLE if act is None else PHASES[act.state], button_text(act, "") if act else ""
        )

    def _press(self, verb: str) -> None:
        """Do an act; on a button that shows trouble, tell it and put it away."""
        act = self.model.standing(verb)
        if act is not None and act.over and act.state is not ActState.CONFIRMED:
            self.context.trouble(Trouble(self.buttons[verb].accessibleName(), act.text))
            self.model.put_away(verb)
            self._show_acts()
            return
        self.ask_cell_off() if verb == CELL_OFF else self.ask_skip()

    def _refused(self, why: str) -> bool:
        """Say why something is not done; False where there is no reason against it."""
        if why:
            self.bar.say(why, first=True)
            self.context.say(why)
        return bool(why)

    def confirm(self) -> None:
        """Say that the leads were moved (Ctrl+Enter)."""
        act = self.model.standing(CONFIRM)
        if act is not None and act.over and act.state is not ActState.CONFIRMED:
            self.model.put_away(CONFIRM)
        self._refused(self.model.confirm())

    def accept(self, reason: str) -> None:
        """Accept an open circuit that does not fit, for a reason."""
        if reason.strip():
            self._refused(self.model.confirm(reason))
        else:
            self._refused(self.model.accept_why_not(reason))

    def ask_cell_off(self) -> None:
        """Switch the cell off, after a question where a sweep is lost by it."""
        if not self._refused(self.model.cell_off_why_not()):
            confirm_or_do(self.model.cell_off_question(), lambda reason, typed: self._cell_off(), self)

    def _cell_off(self) -> None:
        self._refused(self.model.cell_off())

    def ask_skip(self) -> None:
        """Give the spectrum up, for a reason."""
        if not self._refused(self.model.skip_why_not()):
            confirm_or_do(self.model.skip_question(), lambda reason, typed: self._skip(reason), self)

    def _skip(self, reason: str) -> None:
        self._refused(self.model.skip(reason))

    # -- export, palette, state -------------------------------------------------------------------------------------

    def ask_export(self) -> None:
        """Ask where the figure goes: Nyquist, or what is in front where plots stand behind tabs."""
        if self._refused("" if self.nyquist.drawn else tr("eis", "No spectrum is drawn.")):
            return
        plain = "".join(letter if letter.isalnum() else "-" for letter in self.model.head().cell)
        Export(f"{plain}-eis", self.export, self.window()).open()

    def export(self, path: Path, style: FigureStyle) -> None:
        """Write the plots: Nyquist and both of Bode, below each other."""
        sheets = [frame.sheet for card in (self.nyquist, self.bode) for frame in card.frames()]
        try:
            made = save_figure(path, sheets, style)
        except OSError as error:
            what, then = tr("eis", "The figure was not written."), tr("eis", "Choose another folder.")
            self.context.trouble(Trouble(what, str(error), then))
            return
        self.context.say(tr("eis", "Written: {files}").format(files=", ".join(one.name for one in made)))

    def commands(self) -> list[Command]:
        """Return what the palette offers: acts, and the cells that have spectra."""
        group, model = tr("eis", "EIS"), self.model
        found = [
            Command(tr("eis", "Leads are moved"), self.confirm, CONFIRM_KEY, group, model.confirm_why_not()),
            Command(
                tr("eis", "Stop, cell off"), self.ask_cell_off, STOP_KEY, group, model.cell_off_why_not()
            ),
            Command(tr("eis", "Skip spectrum, return cell"), self.ask_skip, "", group, model.skip_why_not()),
            Command(tr("eis", "Export"), self.ask_export, EXPORT_KEY, group),
        ]
        show = tr("eis", "Show {cell}")
        found += [
            Command(show.format(cell=name), partial(self.open_on, cell_id), "", group)
            for cell_id, name in model.cells().items()
        ]
        return found

    def search(self) -> None:
        """Put the keyboard into the choice of cells."""
        target = self.cells if self.cells.isVisible() else self.history.table
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def save_state(self) -> dict[str, Any]:
        """Keep what is drawn of the fit."""
        return {"fit": self.model.fit_shown}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take what was kept."""
        self.model.fit_shown = bool(state.get("fit", True))
