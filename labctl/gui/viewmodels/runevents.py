"""What happened in one run, newest first: told since the window opened, and kept by the run before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.eis.stages import OUTCOME_WORDS, STAGE_WORDS
from labctl.gui.viewmodels.events import Kind
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.text import moment
from labctl.gui.viewmodels.typing_in import Event
from labctl.gui.viewmodels.words import channel_word, mark, tr
from labctl.model.handover import Stage

SHOWN_MAX = 300
_FAULTY = (
    "unconfirmed",
    "failed",
    "garbled",
    "trip",
    "protect",
    "finding",
    "reject",
    "doubt",
    "outage",
    "differs",
)
_ICONS: Mapping[str, str] = {
    "note": "note-text-outline", "phase": "skip-next", "step": "skip-next", "link": "link-variant",
    "outage": "link-variant-off", "gap": "sync", "revision": "file-document-edit-outline", "pause": "pause",
    "paused": "pause", "stop": "stop", "resumed": "play", "bad": "alert-outline", "cycle": "check",
    "device": "chip", "act": "account-outline", "eis": "sine-wave",
}  # fmt: skip
_TEXTS: Mapping[str, str] = {
    "device.log": mark("runevents", "log of the device kept, {lines} lines"),
    "resumed": mark("runevents", "followed again from row {sequence}"),
    "revision.kept": mark("runevents", "revision {revision} kept: {reason}"),
    "eis.confirmed": mark("runevents", "spectrum {number}: leads are moved, as confirmed"),
    "eis.end": mark("runevents", "spectrum {number} is over: {outcome}, {points} points"),
    "eis.given_up": mark("runevents", "spectrum {number} is given up: {reason}"),
}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event, ready to be painted. ``fault``: it belongs to what went wrong."""

    utc: str
    time: str
    icon: str
    what: str
    by: str = ""
    fault: bool = False


class RunEvents:
    """The events of the run that is shown. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._watchers: list[Callable[[], None]] = []
        self._kept: tuple[Mapping[str, Any], ...] = ()
        self._notes: tuple[Any, ...] = ()
        self._newest_kept = ""
        self.run_id = ""
        self.kind = Kind.ALL
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"event"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def show(self, run_id: str) -> None:
        """Show a run's events; asks for those it kept."""
        if run_id == self.run_id:
            return
        self.run_id, self._kept, self._notes, self._newest_kept, self.trouble = run_id, (), (), "", None
        if run_id and self._lab.link.live:
            self._asks.ask("runs.events", run_id, then=partial(self._take, run_id),
                           failed=partial(self._failed, run_id))  # fmt: skip
        self._tell()

    def take_notes(self, notes: Sequence[Any]) -> None:
        """Take the notes of the run's detail: they are events for a person."""
        self._notes = tuple(notes)
        self._tell()

    def choose(self, kind: Kind) -> None:
        """Show all, mine or faults."""
        self.kind = kind
        self._tell()

    def _take(self, run_id: str, answer: Sequence[Mapping[str, Any]]) -> None:
        if run_id != self.run_id:
            return
        self._kept = tuple(answer)
        self._newest_kept = max((str(event.get("utc", "")) for event in answer), default="")
        self._tell()

    def _failed(self, run_id: str, trouble: Trouble) -> None:
        if run_id == self.run_id:
            self.trouble = trouble
            self._tell()

    def _changed(self, places: frozenset[Place]) -> None:
        if self.run_id and any(event.run_id == self.run_id for event in self._lab.events):
            self._tell()

    def _told(self, event: Mapping[str, Any]) -> RunEvent:
        """Return an event that the run kept, in words."""
        kind, utc = str(event.get("kind", "")), str(event.get("utc", ""))
        if kind == "phase":
            what = channel_word(str(event.get("new", ""))).told
            why = str(event.get("why") or "")
            what = f"{what}: {why}" if why else what
        elif kind == "eis.stage" and event.get("stage") in list(Stage):
            told = tr("runevents", "spectrum {number}: the cell {stage}")
            word = tr("eis", STAGE_WORDS[Stage(event["stage"])])
            what = told.format(number=event.get("number", "?"), stage=word)
        elif kind == "eis.end":
            outcome = str(event.get("outcome", ""))
            word = tr("eis", OUTCOME_WORDS.get(outcome, outcome))
            what = tr("runevents", _TEXTS[kind]).format_map(_Told(event, outcome=word))
        elif kind in _TEXTS:
            what = tr("runevents", _TEXTS[kind]).format_map(_Told(event))
        else:
            what = str(event.get("text") or event.get("reason") or kind.replace(".", " "))
        return RunEvent(
            utc, self._time(utc), icon_of(kind), what, str(event.get("by") or ""), _is_fault(kind)
        )

    def _noted(self, note: Any) -> RunEvent:
        """Return a note of a person, in words."""
        what = tr("runevents", "note: {text}").format(text=note.text)
        return RunEvent(note.utc, self._time(note.utc), _ICONS["note"], what, note.by)

    def _live(self, event: Event) -> RunEvent:
        fault = event.priority in ("low", "medium", "high", "critical", "fault") or _is_fault(event.kind)
        return RunEvent(event.utc, self._time(event.utc), icon_of(event.kind), event.text, event.by, fault)

    def _time(self, utc: str) -> str:
        when, now = utc_of(utc), self._lab.plant_utc
        today = when is not None and when.astimezone().date() == now.astimezone().date()
        return moment(when, now, seconds=today)

    def rows(self) -> tuple[RunEvent, ...]:
        """Return what is shown, newest first."""
        live = [
            self._live(event) for event in self._lab.events if event.run_id == self.run_id and self.run_id
        ]
        live = [event for event in live if event.utc > self._newest_kept]
        known = {(event.utc, event.what) for event in live}
        notes = [note for note in map(self._noted, self._notes) if (note.utc, note.what) not in known]
        kept = [self._told(event) for event in self._kept[-SHOWN_MAX:]]
        found = sorted((*live, *notes, *kept), key=lambda event: event.utc, reverse=True)
        me = self._lab.me.name
        if self.kind is Kind.MINE:
            found = [event for event in found if me and event.by == me]
        elif self.kind is Kind.FAULTS:
            found = [event for event in found if event.fault]
        return tuple(found[:SHOWN_MAX])

    def test_time_s(self, utc: str) -> float | None:
        """Return where an event lies on the time axis; None where nobody can say.

        Counted back from the newest reading: pauses between the segments of a run shift what is older.
        """
        run = next((one for one in self._lab.channels.values() if one.run_id == self.run_id), None)
        seen = None if run is None else utc_of(run.seen_utc)
        when: datetime | None = utc_of(utc)
        if run is None or seen is None or when is None:
            return None
        return max(0.0, run.test_time_s - (seen - when).total_seconds())


class _Told(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def icon_of(kind: str) -> str:
    """Return the icon of an event's kind."""
    return _ICONS.get(kind, _ICONS.get(kind.partition(".")[0], "circle-small"))


def _is_fault(kind: str) -> bool:
    return any(word in kind for word in _FAULTY)
