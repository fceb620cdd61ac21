"""What can be done with the selected channels: one list for buttons, menu, keys and palette (U21), with the reasons
against, the questions before, and how each act stands once it was sent (R2, R3, R5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.acts import Act, Acts, ActState, Trouble, button_text
from labctl.gui.viewmodels.allowed import label_of, selection_why_not
from labctl.gui.viewmodels.confirming import Confirmation, confirmation
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.palette import KEY_OF
from labctl.gui.viewmodels.words import mark, tr

NAMES_SHOWN = 6


class Deed(StrEnum):
    """The acts on channels, by the verb that the station knows."""

    START = "queue.submit"
    PAUSE_AT_STEP_END = "runs.pause_at_step_end"
    PAUSE = "runs.pause"
    CONTINUE = "runs.resume"
    JUMP = "runs.skip"
    STOP = "runs.stop"
    EJECT = "channels.eject"
    RESET = "channels.reset"


LABELS: dict[Deed, str] = {
    Deed.START: mark("deeds", "Start..."),
    Deed.PAUSE_AT_STEP_END: mark("deeds", "Pause at step end"),
    Deed.PAUSE: mark("deeds", "Pause now"),
    Deed.CONTINUE: mark("deeds", "Continue"),
    Deed.JUMP: mark("deeds", "Jump to next step..."),
    Deed.STOP: mark("deeds", "Stop"),
    Deed.EJECT: mark("deeds", "Take cell out"),
    Deed.RESET: mark("deeds", "Reset trip..."),
}
KEYS: dict[Deed, str] = {
    Deed.START: KEY_OF["start"].keys[0],
    Deed.PAUSE_AT_STEP_END: KEY_OF["pause_at_step_end"].keys[0],
    Deed.PAUSE: KEY_OF["pause"].keys[0],
    Deed.CONTINUE: KEY_OF["resume"].keys[0],
    Deed.STOP: KEY_OF["stop"].keys[0],
}
NAMES: dict[Deed, str] = {Deed.START: mark("deeds", "Start"), Deed.JUMP: mark("deeds", "Jump"),
                          Deed.RESET: mark("deeds", "Reset")}  # fmt: skip
"""How an act is called within a sentence, where its label has three dots."""
_ONE_BY_ONE = frozenset({Deed.RESET})
_BY_RUN = frozenset({Deed.PAUSE_AT_STEP_END, Deed.PAUSE, Deed.CONTINUE, Deed.JUMP, Deed.STOP})


@dataclass(frozen=True, slots=True)
class Standing:
    """How the newest use of an act stands, for its button. ``text`` is short; ``told`` names what is not well."""

    state: ActState
    text: str
    told: str = ""


class ChannelActs:
    """Acts on channels. ``watch`` tells which act stands otherwise now, and of which channel."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab = lab
        self._acts = acts
        self._sent: dict[Deed, dict[int, Act]] = {}
        self._awaited: dict[Deed, set[int]] = {}
        self._said: set[Deed] = set()  # acts whose button says "sending" already
        self._asked: dict[tuple[Deed, tuple[str, ...]], dict[str, str]] = {}  # what runs were asked about
        self._sending: Deed | None = None
        self._watchers: list[Callable[[Deed | None, str], None]] = []
        self._unwatch = acts.watch(self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[Deed | None, str], None]) -> Callable[[], None]:
        """Call ``observer`` with act and channel at each change; returns unwatch.

        The act is None where another view has sent it, or where its button says "sending" already: only the
        channel's tile tells of it.
        """
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    # -- before -----------------------------------------------------------------------------------------------------

    def label(self, deed: Deed) -> str:
        """Return the act as buttons and menus say it."""
        return tr("deeds", LABELS[deed])

    def why_not(self, deed: Deed, channels: Sequence[str]) -> str:
        """Return why an act is off for these channels, in words; empty = it may be done (R5)."""
        name = tr("deeds", NAMES.get(deed, LABELS[deed]))
        if deed in _ONE_BY_ONE and len(channels) > 1:
            return tr("deeds", "{act} is off: one channel at a time.").format(act=name)
        return selection_why_not(self._lab, deed.value, channels, name)

    def question(self, deed: Deed, channels: Sequence[str]) -> Confirmation | None:
        """Return what is asked before it is done, None where nothing is (R2)."""
        asked = confirmation(self._lab, deed.value, channels)
        if asked is not None and deed in _BY_RUN:
            self._asked[deed, tuple(channels)] = self._runs(channels)
        return asked

    def _runs(self, channels: Sequence[str]) -> dict[str, str]:
        found = self._lab.channels
        return {name: str(found[name].run_id or "") for name in channels if name in found}

    def _other_runs(self, deed: Deed, channels: Sequence[str]) -> str:
        """Return that other runs are there now than the question named, empty where they are the same."""
        asked = self._asked.pop((deed, tuple(channels)), None)
        if asked is None:
            return ""
        now = self._runs(channels)
        other = [label_of(self._lab, name) for name in channels if asked.get(name) != now.get(name)]
        if not other:
            return ""
        told = tr("deeds", "Meanwhile another run has begun on {names}: look again.")
        return told.format(names=", ".join(other[:NAMES_SHOWN]))

    # -- doing ------------------------------------------------------------------------------------------------------

    def do(self, deed: Deed, channels: Sequence[str], reason: str = "", typed: str = "") -> str:
        """Send an act for each channel, at once (R3); returns why it cannot be, empty when it was sent.

        A start is not sent from here: it goes by the review.
        """
        why = self.why_not(deed, channels) or self._other_runs(deed, channels)
        if deed is Deed.START:
            why = why or tr("deeds", "A start goes by the review.")
        if why:
            return why
        self._sent[deed], self._awaited[deed] = {}, set()
        self._said.discard(deed)
        name = tr("deeds", NAMES.get(deed, LABELS[deed]))
        self._sending = deed
        try:
            for channel in channels:
                status = self._lab.channels[channel]
                target = status.run_id if deed in _BY_RUN else channel
                words: dict[str, Any] = {"confirm": typed} if deed is Deed.RESET else {}
                text = f"{name} {label_of(self._lab, channel)}"
                self._acts.send(deed.value, channel, target, text=text, reason=reason, **words)
        finally:
            self._sending = None
        return ""

    def _changed(self, act: Act) -> None:
        try:
            deed = Deed(act.verb)
        except ValueError:
            return
        sent = self._sent.get(deed, {})
        mine = self._sending is deed or act.id in sent
        if mine:
            sent[act.id] = act
        told = mine and self._is_news(deed, act)
        for observer in tuple(self._watchers):
            observer(deed if told else None, act.subject)

    def _is_news(self, deed: Deed, act: Act) -> bool:
        """Tell whether the act's button looks different now: a stop of 1,024 cells is not 2,048 news to it."""
        awaited = self._awaited.setdefault(deed, set())
        awaited.discard(act.id) if act.over else awaited.add(act.id)
        if awaited and deed in self._said:
            return False
        self._said.add(deed) if awaited else self._said.discard(deed)
        return True

    # -- after ------------------------------------------------------------------------------------------------------

    def standing(self, deed: Deed) -> Standing | None:
        """Return how the newest use of an act stands, None where it was not used or was dismissed."""
        sent = list(self._sent.get(deed, {}).values())
        if not sent:
            return None
        bad = [act for act in sent if act.over and act.state is not ActState.CONFIRMED]
        waiting = [act for act in sent if not act.over]
        if waiting:
            return Standing(ActState.SENDING, tr("acts", "sending"))
        slowest = max(sent, key=lambda act: act.took_s)
        if not bad:
            return Standing(ActState.CONFIRMED, button_text(slowest, ""))
        worst = next((act for act in bad if act.state is ActState.NOT_CONFIRMED), bad[0])
        text = button_text(worst, "")
        if len(sent) > 1:
            text = tr("deeds", "{n} of {all} {how}").format(n=len(bad), all=len(sent), how=text)
        return Standing(worst.state, text, self._told(bad, len(sent)))

    def _told(self, bad: Sequence[Act], count: int) -> str:
        names = ", ".join(label_of(self._lab, act.subject) for act in bad[:NAMES_SHOWN])
        if len(bad) > NAMES_SHOWN:
            names += tr("deeds", " and {n} more").format(n=len(bad) - NAMES_SHOWN)
        return f"{names}: {bad[0].text}" if count > 1 else bad[0].text

    def trouble(self, deed: Deed) -> Trouble | None:
        """Return what went wrong with the newest use of an act, None while it is sent or where all is well."""
        found = self.standing(deed)
        if found is None or found.state in (ActState.SENDING, ActState.CONFIRMED):
            return None
        next_text = ""
        if found.state is ActState.NOT_CONFIRMED:
            next_text = tr("deeds", "Look at the instrument: nobody knows whether it was done.")
        return Trouble(f"{tr('deeds', NAMES.get(deed, LABELS[deed]))}: {found.text}", found.told, next_text)

    def dismiss(self, deed: Deed) -> None:
        """Forget how an act stands once a person has seen it; one that is awaited stays."""
        sent = self._sent.get(deed, {})
        if all(act.over for act in sent.values()):
            for act in sent.values():
                self._acts.dismiss(act.id)
            self._sent.pop(deed, None)

    def unseen(self, channels: Sequence[str]) -> tuple[str, ...]:
        """Return the channels on which an act was refused, failed or is not confirmed, and nobody has said "seen"."""
        found = ((name, self._acts.latest(name)) for name in channels)
        bad = (ActState.NOT_CONFIRMED, ActState.REFUSED, ActState.FAILED)
        return tuple(name for name, act in found if act is not None and act.state in bad)

    def see(self, channels: Sequence[str]) -> None:
        """Take the marks of what went wrong off these channels: a person has looked."""
        for name in self.unseen(channels):
            act = self._acts.latest(name)
            if act is not None:
                self._acts.dismiss(act.id)
            for observer in tuple(self._watchers):
                observer(None, name)

    def on_tile(self, channel: str) -> str:
        """Return what a tile says of an act on its channel: while it is sent, and where it went wrong."""
        act = self._acts.latest(channel)
        if act is None or act.state is ActState.CONFIRMED:
            return ""
        return f"{act.text} …" if act.state is ActState.SENDING else button_text(act, "")


__all__ = ["KEYS", "LABELS", "ChannelActs", "Deed", "Standing"]
