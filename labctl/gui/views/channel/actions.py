"""The action bar of a channel: pause, continue, stop, note, snapshot, and what is rarer behind a menu (U21)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu, QWidget

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.actionbar import ActionBar
from labctl.gui.parts.buttons import Button, Phase
from labctl.gui.parts.confirm import confirm_or_do
from labctl.gui.parts.view import Command, Context
from labctl.gui.viewmodels.acts import Act, ActState
from labctl.gui.viewmodels.allowed import channel_why_not
from labctl.gui.viewmodels.channelacts import KEYS, Deed
from labctl.gui.views.channel.dialogs import AddCycles, AskText, Revise
from labctl.gui.views.channel.models import ChannelModels

BUTTONS = {Deed.PAUSE_AT_STEP_END: "pause", Deed.CONTINUE: "play", Deed.STOP: "stop"}
PHASES = {
    ActState.SENDING: Phase.SENDING, ActState.CONFIRMED: Phase.CONFIRMED, ActState.NOT_CONFIRMED: Phase.TROUBLE,
    ActState.REFUSED: Phase.TROUBLE, ActState.FAILED: Phase.TROUBLE,
}  # fmt: skip
SEND = "runs.take_spectrum"
OTHERS = ("runs.note", "runs.add_cycles", "runs.revise", SEND)
"""Acts of this view that other views do not have."""


class ChannelActions:
    """Buttons, keys and menu; ``snapshot`` and ``say`` belong to the view."""

    def __init__(self, view: QWidget, bar: ActionBar, context: Context, models: ChannelModels,
                 snapshot: Callable[[], None]) -> None:  # fmt: skip
        self._view, self._bar, self._context, self._models = view, bar, context, models
        self.buttons = {
            deed: bar.add(Button(icon=icon, keys=KEYS[deed], act=True)) for deed, icon in BUTTONS.items()
        }
        self._shown: dict[Deed, tuple[ActState, str] | None] = {}
        self.more = bar.add(Button(chevron=True))
        self.note = bar.add(Button(icon="note-text-outline"))
        self.snapshot = bar.add(Button(icon="camera-outline"))
        self.eis = bar.add(Button(icon="sine-wave"))
        for deed, button in self.buttons.items():
            button.clicked.connect(partial(self._press, deed))
        self.more.clicked.connect(self._pop_up)
        self.note.clicked.connect(self.ask_note)
        self.snapshot.clicked.connect(snapshot)
        self.eis.clicked.connect(self.ask_spectrum)
        for deed in (Deed.PAUSE_AT_STEP_END, Deed.PAUSE, Deed.CONTINUE, Deed.STOP):
            shortcut = QShortcut(QKeySequence(KEYS[deed]), view)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(partial(self.do, deed))
        models.acts.watch(lambda deed, channel: self.refresh())
        context.acts.watch(self._told)

    @property
    def _channels(self) -> list[str]:
        return [self._models.channel.channel] if self._models.channel.status is not None else []

    # -- what is shown ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what may be done, why the rest is off, and how acts stand."""
        acts, channels = self._models.acts, self._channels
        paused = not acts.why_not(Deed.CONTINUE, channels)
        for deed, button in self.buttons.items():
            standing = acts.standing(deed)
            shown = None if standing is None else (standing.state, standing.text)
            if shown != self._shown.get(deed):  # once: the button itself puts "confirmed" away after a while
                self._shown[deed] = shown
                button.show_phase(
                    Phase.IDLE if shown is None else PHASES[shown[0]], "" if shown is None else shown[1]
                )
            trouble = acts.trouble(deed)
            why = "" if button.phase is Phase.TROUBLE else acts.why_not(deed, channels)
            self._bar.set_why(button, why)
            if deed is not Deed.STOP:  # one of the two is possible at most: the other is no news
                useful = paused if deed is Deed.CONTINUE else not paused
                button.setVisible(useful or button.phase is not Phase.IDLE)
                if button.isHidden():
                    self._bar.set_why(button, "")
            if trouble is not None:
                button.setToolTip(str(trouble))
        self._bar.set_why(self.note, self._why("runs.note"))
        self.eis.setVisible(bool(self._context.lab.potentiostats))
        away = self._models.run_id in self._context.lab.handovers
        self.eis.setText(tr("channel", "Show in EIS") if away else tr("channel", "Send to EIS…"))
        self._bar.set_why(self.eis, "" if away or not self._context.lab.potentiostats else self._why(SEND))
        self._bar.set_why(self.snapshot, "" if channels else tr("channel", "No channel is shown."))
        self._bar.set_why(self.more, "" if channels else tr("channel", "No channel is shown."))
        self._bar.say(self._models.forecast() if channels else tr("channel", "No channel is shown."))

    def _why(self, verb: str) -> str:
        known = "runs.note" if verb in OTHERS and verb != SEND else verb
        return channel_why_not(self._context.lab, known, self._models.channel.channel)

    def retranslate(self) -> None:
        """Take every word anew."""
        for deed, button in self.buttons.items():
            button.setText(self._models.acts.label(deed))
        self.more.setText(tr("channel", "More"))
        self.note.setText(tr("channel", "Note"))
        self.snapshot.setText(tr("channel", "Snapshot"))
        self.refresh()

    # -- doing ------------------------------------------------------------------------------------------------------

    def _press(self, deed: Deed) -> None:
        """Do an act; on a button that shows trouble, tell it and put it away."""
        trouble = self._models.acts.trouble(deed)
        if trouble is not None:
            self._models.acts.dismiss(deed)
            self._context.trouble(trouble)
            self.buttons[deed].show_phase(Phase.IDLE)
            self.refresh()
            return
        self.do(deed)

    def do(self, deed: Deed) -> None:
        """Do an act, after the question where there is one; where it cannot be done, say why."""
        channels = self._channels
        why = self._models.acts.why_not(deed, channels)
        if why:
            self._bar.say(why)
            self._context.say(why)
            return
        question = self._models.acts.question(deed, channels)
        confirm_or_do(question, lambda reason, typed: self._send(deed, channels, reason, typed), self._view)

    def _send(self, deed: Deed, channels: list[str], reason: str, typed: str) -> None:
        why = self._models.acts.do(deed, channels, reason, typed)
        if why:
            self._bar.say(why)
        self.refresh()

    def ask_note(self) -> None:
        """Ask for a note and write it to the run."""
        why = self._why("runs.note")
        if why:
            self._bar.say(why)
            return
        AskText(tr("channel", "Note to this run"), tr("channel", "Note"), tr("channel", "Write"), self.write_note,
                self._view.window()).open()  # fmt: skip

    def write_note(self, text: str) -> None:
        """Write a note to the run."""
        self._send_other("runs.note", tr("channel", "Note"), text)

    def ask_spectrum(self) -> None:
        """Ask for a spectrum out of turn; while the cell is on its way, show where it is."""
        channel = self._models.channel.channel
        if self._models.run_id in self._context.lab.handovers:
            self._context.go("eis", self._models.run_id)
            return
        why = self._why(SEND)
        if why:
            self._bar.say(why, first=True)
            self._context.say(why)
            return
        from labctl.gui.viewmodels.eis.sending import SendToEis  # with it comes the analysis of spectra
        from labctl.gui.views.channel.eisdialog import SendDialog

        SendDialog(SendToEis(self._context.lab, self._context.acts, channel), self._view.window()).open()

    def ask_cycles(self) -> None:
        """Ask how many cycles more."""
        AddCycles(self._models.channel.head().label,
                  lambda count, reason: self._send_other("runs.add_cycles", tr("channel", "Add cycles"), count,
                                                         reason=reason), self._view.window()).open()  # fmt: skip

    def ask_revision(self) -> None:
        """Ask for another text of the protocol."""
        detail = self._models.channel.detail
        text = detail.revisions[-1].protocol_text if detail is not None and detail.revisions else ""
        Revise(self._models.channel.head().label, text,
               lambda made, reason: self._send_other("runs.revise", tr("channel", "Change protocol"), made,
                                                     reason=reason), self._view.window()).open()  # fmt: skip

    def _send_other(self, verb: str, name: str, *args: Any, **words: Any) -> None:
        channel = self._models.channel.channel
        self._context.acts.send(verb, channel, self._models.run_id, *args, text=name, **words)

    def _told(self, act: Act) -> None:
        """Tell how an act without a button of its own ended."""
        if act.verb not in OTHERS or not act.over or act.subject != self._models.channel.channel:
            return
        if act.state is ActState.CONFIRMED:
            done = tr("channel", "{act}: done").format(act=act.text or act.verb)
            taken = tr("channel", "A spectrum is taken when the tester's present part is over.")
            self._context.say(taken if act.verb == SEND else done)
            self._models.channel.refresh()
        else:
            self._bar.say(act.text)

    # -- menu -------------------------------------------------------------------------------------------------------

    def menu(self) -> QMenu:
        """Return what else can be done; what cannot be says why."""
        menu, acts, channels = QMenu(self._view), self._models.acts, self._channels
        menu.setToolTipsVisible(True)
        for deed in (Deed.PAUSE, Deed.JUMP):
            self._entry(menu, acts.label(deed), acts.why_not(deed, channels), partial(self.do, deed),
                        KEYS.get(deed, ""))  # fmt: skip
        menu.addSeparator()
        why = self._why("runs.revise")
        text = (
            "" if self._models.channel.detail is not None else tr("channel", "The protocol is not known yet.")
        )
        self._entry(menu, tr("channel", "Add cycles…"), why, self.ask_cycles)
        self._entry(menu, tr("channel", "Change protocol and limits…"), why or text, self.ask_revision)
        menu.addSeparator()
        for deed in (Deed.EJECT, Deed.RESET):
            self._entry(menu, acts.label(deed), acts.why_not(deed, channels), partial(self.do, deed))
        return menu

    @staticmethod
    def _entry(menu: QMenu, text: str, why: str, run: Callable[[], None], keys: str = "") -> None:
        action = menu.addAction(f"{text}\t{keys}" if keys else text, run)
        action.setEnabled(not why)
        action.setToolTip(why)
        action.setStatusTip(why)

    def _pop_up(self) -> None:
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.more.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def commands(self) -> list[Command]:
        """Return the entries of the palette."""
        acts, channels = self._models.acts, self._channels
        group = tr("channel", "Channel")
        deeds = (Deed.PAUSE_AT_STEP_END, Deed.PAUSE, Deed.CONTINUE, Deed.JUMP, Deed.STOP)
        found = [Command(acts.label(deed), partial(self.do, deed), KEYS.get(deed, ""), group,
                         acts.why_not(deed, channels)) for deed in deeds]  # fmt: skip
        note = self._why("runs.note")
        found.append(Command(tr("channel", "Note"), self.ask_note, "", group, note))
        if self._context.lab.potentiostats:
            found.append(
                Command(tr("channel", "Send to EIS…"), self.ask_spectrum, "", group, self._why(SEND))
            )
        found.append(Command(tr("channel", "Add cycles…"), self.ask_cycles, "", group, note))
        found.append(
            Command(tr("channel", "Change protocol and limits…"), self.ask_revision, "", group, note)
        )
        return found
