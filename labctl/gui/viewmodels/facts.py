"""What the station is, in rows of name and value; who is told at night; and the key map as a list to search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.allowed import general
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.palette import KEYS, Where
from labctl.gui.viewmodels.text import NONE, iso_utc, quantity
from labctl.gui.viewmodels.words import LINK_WORDS, mark, role_word, tr

WHERE_WORDS: Mapping[Where, str] = {
    Where.EVERYWHERE: mark("keys", "everywhere"), Where.GRID: mark("keys", "in the channel grid"),
    Where.PLOT: mark("keys", "in plots"), Where.ALARMS: mark("keys", "in the alarm list"),
    Where.TABLE: mark("keys", "in tables"),
}  # fmt: skip
Pair = tuple[str, str]


def station_facts(lab: Lab, address: str) -> tuple[Pair, ...]:
    """Return the station's facts; empty before it has answered."""
    info = lab.station
    if info is None:
        return ()
    started = utc_of(info.started_utc)
    clock = tr("settings", "virtual bench, {clock}").format(clock=info.clock) if info.virtual else info.clock
    free = quantity(float(info.free_bytes), "B", digits=3) if info.free_bytes > 0 else NONE
    return (
        (tr("settings", "Name"), info.name), (tr("settings", "Address"), address or NONE),
        (tr("settings", "You"), f"{lab.me.name or '?'}, {role_word(lab.me.role)}"),
        (tr("settings", "Data folder"), info.data), (tr("settings", "Free room"), f"{free}  {info.space}".strip()),
        (tr("settings", "Clock"), clock), (tr("settings", "Bench time"), iso_utc(lab.plant_utc)),
        (tr("settings", "Started"), iso_utc(started) if started else NONE),
        (tr("settings", "Version"), info.version), (tr("settings", "Process"), str(info.pid)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One instrument, ready to be painted."""

    name: str
    driver: str
    link: str
    resource: str
    channels: int
    poll: str
    identity: str
    silence: str


def box_rows(lab: Lab) -> tuple[BoxRow, ...]:
    """Return the instruments with their links."""
    return tuple(
        BoxRow(box.name, box.driver, LINK_WORDS[box.link].short, box.resource, len(box.channels),
               f"{box.poll_s:g} s", box.identity or box.text or NONE, box.silence or NONE)
        for box in lab.instruments.values()
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line of the key map."""

    keys: str
    title: str
    where: str


def key_rows(text: str = "") -> tuple[KeyRow, ...]:
    """Return the key map, narrowed to the words of a text; the nine views are one line."""
    rows = []
    for key in KEYS:
        if key.id.startswith("view_") and key.id != "view_1":
            continue
        keys = "Ctrl+1 ... Ctrl+9" if key.id == "view_1" else ",  ".join(key.keys)
        rows.append(KeyRow(keys, key.told, tr("keys", WHERE_WORDS[key.where])))
    words = text.casefold().split()
    return tuple(
        row for row in rows if all(word in f"{row.keys} {row.title} {row.where}".casefold() for word in words)
    )


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A person who is told of alarms."""

    name: str
    paths: str
    language: str
    last: str


class Night:
    """Who is told of alarms, and the test message."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab, self._acts = lab, acts
        self._status: Mapping[str, Any] | None = None
        self._watchers: list[Callable[[], None]] = []
        self.result = ""
        self.testing = False
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def refresh(self) -> None:
        """Ask who is told."""
        self._acts.ask("notify.status", then=self._take, failed=self._failed)

    def _take(self, status: Mapping[str, Any]) -> None:
        self._status, self.trouble = status, None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    def rows(self) -> tuple[ToldRow, ...]:
        """Return who is told, in the order in which they are."""
        people = () if self._status is None else self._status.get("people") or ()
        return tuple(
            ToldRow(str(one.get("name", "")), ", ".join(map(str, one.get("paths") or ())),
                    str(one.get("language", "")), str(one.get("last") or NONE))
            for one in people
        )  # fmt: skip

    def told(self) -> str:
        """Return the line above the list: quiet hours, the daily sign of life, or that nobody is told."""
        if self._status is None:
            return tr("settings", "not known yet") if self.trouble is None else str(self.trouble)
        if not self.rows():
            return tr("settings", "Nobody is told of alarms. Name people under notify: in the station file.")
        quiet, alive = self._status.get("quiet_hours"), self._status.get("alive_at")
        parts = [tr("settings", "CRITICAL is never held back.")]
        if quiet:
            parts.insert(0, tr("settings", "Quiet hours {hours}.").format(hours=quiet))
        if alive:
            parts.append(tr("settings", "A sign of life each day at {time}.").format(time=alive))
        return " ".join(parts)

    def why_not(self) -> str:
        """Return why no test message can be sent, empty where it can."""
        refusal = general(self._lab, "notify.test")
        if refusal:
            return refusal
        if self._status is not None and not self.rows():
            return tr("settings", "Nobody is named in the station file.")
        return tr("settings", "being sent") if self.testing else ""

    def test(self) -> str:
        """Send a test message over every path; returns why not."""
        why = self.why_not()
        if why:
            return why
        self.testing, self.result = True, ""

        def good(answer: object) -> None:
            self.testing, self.result = False, str(answer)
            self._tell()
            self.refresh()

        def bad(trouble: Trouble) -> None:
            self.testing, self.result = False, str(trouble)
            self._tell()

        self._acts.send(
            "notify.test", "notify", reason=tr("settings", "test from the settings"), then=good, failed=bad
        )
        self._tell()
        return ""
