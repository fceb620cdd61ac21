"""An instrument on its way into the station: its lines are asked about, then written into the station file."""

from __future__ import annotations

from collections.abc import Callable

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.words import tr
from labctl.model.bench import TriedDevice

ASK, ADD = "instruments.ask_new", "instruments.add"
PLACES_TOLD = 8


class Joining:
    """Asks and adds over the station: the window speaks to no instrument. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab, self._acts = lab, acts
        self._watchers: list[Callable[[], None]] = []
        self.waiting = ""
        """The verb that is under way; empty = none."""
        self.told = ""
        self.good = True

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def why_not(self, verb: str, lines: str) -> str:
        """Return why these lines can be neither asked about nor added, empty where they can."""
        refusal = general(self._lab, verb)
        if refusal:
            return refusal
        if self.waiting:
            return tr("joining", "The station is asking; wait for its answer.")
        return "" if lines.strip() else tr("joining", "There are no lines: test an address first.")

    def ask(self, lines: str) -> str:
        """Have the station ask who it is; returns why not. Reads only; nothing is driven."""
        why = self.why_not(ASK, lines)
        if not why:
            self._begin(ASK, tr("joining", "asking"))
            self._acts.ask(ASK, lines, then=self._answered, failed=self._failed, deadline_s=40.0)
        return why

    def add(self, lines: str) -> str:
        """Have the station write it into its file; returns why not. Taken up when the station is started anew."""
        why = self.why_not(ADD, lines)
        if not why:
            self._begin(ADD, tr("joining", "writing"))
            reason = tr("joining", "added in the window")
            self._acts.send(ADD, "", lines, reason=reason, then=self._added, failed=self._failed)
        return why

    def _begin(self, verb: str, told: str) -> None:
        self.waiting, self.told, self.good = verb, told, True
        self._tell()

    def _end(self, told: str, *, good: bool) -> None:
        self.waiting, self.told, self.good = "", told, good
        self._tell()

    def _answered(self, found: TriedDevice) -> None:
        places = ", ".join(found.places[:PLACES_TOLD]) + (" …" if len(found.places) > PLACES_TOLD else "")
        channels = tr("joining", "channels {places}").format(places=places) if places else ""
        self._end("\n".join(part for part in (found.identity, channels) if part), good=True)

    def _added(self, answer: object) -> None:
        self._end(str(answer), good=True)

    def _failed(self, trouble: Trouble) -> None:
        self._end(str(trouble), good=False)
