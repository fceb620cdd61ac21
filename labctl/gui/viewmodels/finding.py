"""The wizard that finds instruments: places of this computer, an address that a person types, what to write down.

Looking opens ports at most; not one byte is sent to an instrument that the station does not know yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from labctl.config import plugged
from labctl.config.plugged import Plugged
from labctl.gui.viewmodels.acts import Trouble
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.parsing import plain
from labctl.gui.viewmodels.words import mark, tr

PORT = 502
"""Where a Neware BTS in API mode listens, and Modbus chambers too."""
TYPED, SERIAL = mark("finding", "typed by you"), mark("finding", "serial port")
Work = Callable[..., None]
"""``work(function, then, failed)``: runs outside the window's thread."""
_ADDRESS = re.compile(r"(?:tcp://)?([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?\Z")


class Kind(StrEnum):
    """What is meant to be there."""

    NEWARE = "neware-bts"
    CHAMBER = "modbus-chamber"


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One place. ``good`` None = not tested; ``station`` = the name under which the station knows it already."""

    resource: str
    text: str
    good: bool | None = None
    told: str = ""
    asked: bool = False
    station: str = ""


class Finder:
    """What was found, tested, and what the station file needs for it. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, work: Work) -> None:
        self._lab, self._work = lab, work
        self._found: dict[str, FoundRow] = {}
        self._watchers: list[Callable[[], None]] = []
        self.kind = Kind.NEWARE
        self.tested = ""
        """The resource that was tested last."""
        self.looking = False
        self.looked = False
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def rows(self) -> tuple[FoundRow, ...]:
        """Return the places, those of the station marked as such."""
        known = {box.resource: box.name for box in self._lab.instruments.values()}
        return tuple(
            replace(row, station=known.get(row.resource, ""),
                    text=tr("finding", row.text) if row.text in (TYPED, SERIAL) else row.text)
            for row in self._found.values()
        )  # fmt: skip

    def look(self) -> None:
        """Look at the ports of this computer."""
        if self.looking:
            return
        self.looking, self.trouble = True, None
        self._work(plugged.plugged_places, self._take, self._failed)
        self._tell()

    def _take(self, places: Sequence[Plugged]) -> None:
        self.looking, self.looked = False, True
        for place in places:
            self._found.setdefault(place.resource, FoundRow(place.resource, _named(place)))
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.looking, self.trouble = False, trouble
        self._tell()

    def address_why_not(self, text: str) -> str:
        """Return why an address cannot be tested, empty where it can."""
        if not plain(text):
            return tr("finding", "Type the address of the BTS PC, such as 192.168.1.20.")
        match = _ADDRESS.match(plain(text))
        if match is None or not 0 < int(match[2] or PORT) < 65_536:
            told = tr("finding", "“{text}” is no address; write a name or number, then a colon and the port.")
            return told.format(text=plain(text))
        return ""

    def test(self, text: str) -> str:
        """Try whether an address answers; returns why not, empty when it is tried."""
        why = self.address_why_not(text)
        if why:
            return why
        match = _ADDRESS.match(plain(text))
        assert match is not None
        host, port = match[1], int(match[2] or PORT)
        resource = f"tcp://{host}:{port}"
        self.tested = resource
        row = self._found.get(resource, FoundRow(resource, TYPED))
        self._found[resource] = replace(row, asked=True, told=tr("finding", "asking"))

        def take(problem: str) -> None:
            told = problem or tr("finding", "the port opens; nothing was sent")
            self._found[resource] = replace(row, asked=False, good=not problem, told=told)
            self._tell()

        def failed(trouble: Trouble) -> None:
            self._found[resource] = replace(row, asked=False, good=False, told=str(trouble))
            self._tell()

        self._work(lambda: plugged.reach(host.strip("[]"), port), take, failed)
        self._tell()
        return ""

    def choose_kind(self, kind: Kind) -> None:
        """Say what is meant to be there."""
        self.kind = kind
        self._tell()

    def file_lines(self, resource: str) -> str:
        """Return what the station file needs for a place, ready to be copied."""
        names = {box.name for box in self._lab.instruments.values()}
        if self.kind is Kind.CHAMBER:
            return _CHAMBER.format(
                name=_free("chamber", {str(name) for name in self._lab.chambers}), resource=resource
            )
        return _NEWARE.format(name=_free("neware", names), resource=resource)


_NEWARE = """\
instruments:
  - name: {name}
    driver: neware-bts
    resource: {resource}
    timezone: UTC          # of the clock of the BTS PC
    options:
      devid: 33            # the middle machine, usually the last number of its address
      step_folder: ./steps # a folder that the BTS PC sees too
      poll_s: 10
      units: {{"1": 5V10mA}} # model of each tester unit
"""
_CHAMBER = """\
chambers:
  - name: {name}
    driver: modbus-chamber
    resource: {resource}
    options: {{poll_s: 10}}
    channels: []           # the channels whose cells stand in it
"""


def _named(place: Plugged) -> str:
    """Return what a port calls itself; what has no name is named by its kind."""
    known = " ".join(word for word in place.text.split() if word != "n/a")
    return known or (SERIAL if place.kind == "serial" else place.kind)


def _free(base: str, taken: set[str]) -> str:
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name
