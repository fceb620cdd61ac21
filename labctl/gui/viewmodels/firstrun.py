"""From an empty station to the first run: six steps, what each says now, and the one safe thing to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.acts import Acts, Trouble
from labctl.gui.viewmodels.lab import Lab, Place
from labctl.gui.viewmodels.text import quantity
from labctl.gui.viewmodels.words import tr
from labctl.model.bench import InstrumentStatus, LinkState


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step. ``view`` is where it is done; ``optional`` ones do not hold up the others."""

    number: int
    title: str
    told: str
    done: bool
    now: bool
    view: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of asking an instrument who it is (nothing is driven by that)."""

    name: str
    resource: str
    told: str
    good: bool
    asked: bool
    channels: int = 0


class FirstRun:
    """The empty station's page. ``needed``: there is no instrument yet. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, acts: Acts) -> None:
        self._lab = lab
        self._acts = acts
        self._protocols: int | None = None
        self._told: bool | None = None
        self._pings: dict[str, tuple[bool, str]] = {}
        self._asked: set[str] = set()
        self._watchers: list[Callable[[], None]] = []
        self._unwatch = lab.watch({"instrument", "channel", "cell", "run", "station", "link"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _changed(self, places: frozenset[Place]) -> None:
        self._tell()

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def refresh(self) -> None:
        """Ask how many protocols there are and whether anybody is called at night."""
        self._acts.ask("protocols.list", then=self._take_protocols, failed=self._failed)
        self._acts.ask("notify.status", then=self._take_notify, failed=self._failed)

    def _take_protocols(self, protocols: Sequence[object]) -> None:
        self._protocols = len(protocols)
        self._tell()

    def _take_notify(self, status: Mapping[str, Any]) -> None:
        self._told = bool(status.get("people"))
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self._tell()  # the steps then say "not known yet", and the window's own trouble line says why

    @property
    def needed(self) -> bool:
        """Tell whether the station has no instrument."""
        return self._lab.link.live and self._lab.complete and not self._lab.instruments

    def steps(self) -> tuple[PathStep, ...]:
        """Return the six steps; the first that is not done is the present one."""
        lab, unknown = self._lab, tr("firstrun", "not known yet")
        info, live = lab.station, [box for box in lab.instruments.values() if box.link is LinkState.LIVE]
        free = "" if info is None or info.free_bytes <= 0 else quantity(float(info.free_bytes), "B", digits=3)
        boxes = tr("firstrun", "{live} of {all} answer").format(live=len(live), all=len(lab.instruments))
        loaded = sum(1 for status in lab.channels.values() if status.cell_id)
        told = tr("firstrun", "{n} registered, {m} in channels").format(n=len(lab.cells), m=loaded)
        kinds = (
            unknown
            if self._protocols is None
            else tr("firstrun", "{n} ready-made ones").format(n=self._protocols)
        )
        running = sum(1 for status in lab.channels.values() if status.run_id)
        night = {None: unknown, True: tr("firstrun", "set up"), False: tr("firstrun", "nobody; optional")}[
            self._told
        ]
        found = (
            (tr("firstrun", "Data folder"), tr("firstrun", "{size} free").format(size=free) if free else unknown,
             bool(free), "settings", False),
            (tr("firstrun", "Instruments"), boxes if lab.instruments else tr("firstrun", "none"),
             bool(live), "station", False),
            (tr("firstrun", "Cells"), told if lab.cells else tr("firstrun", "paste a batch from a spreadsheet"),
             bool(lab.cells), "cells", False),
            (tr("firstrun", "Protocol"), kinds, bool(self._protocols), "protocol", False),
            (tr("firstrun", "Who is called at night"), night, bool(self._told), "settings", True),
            (tr("firstrun", "First run"), tr("firstrun", "{n} running").format(n=running) if running
             else tr("firstrun", "review and start"), running > 0, "cells", False),
        )  # fmt: skip
        present = next((place for place, one in enumerate(found) if not one[2] and not one[4]), -1)
        return tuple(
            PathStep(place + 1, title, text, done, place == present, view, optional)
            for place, (title, text, done, view, optional) in enumerate(found)
        )

    def progress(self) -> str:
        """Return how far it is: ``1 of 6``."""
        steps = self.steps()
        return tr("firstrun", "{n} of {all}").format(n=sum(step.done for step in steps), all=len(steps))

    # -- testing instruments ------------------------------------------------------------------------------------------

    def test(self, name: str) -> None:
        """Ask an instrument who it is."""
        if name in self._asked or name not in self._lab.instruments:
            return
        self._asked.add(name)

        def good(answer: object) -> None:
            self._asked.discard(name)
            self._pings[name] = (True, str(answer))
            self._tell()

        def bad(trouble: Trouble) -> None:
            self._asked.discard(name)
            self._pings[name] = (False, str(trouble))
            self._tell()

        self._acts.ask("instruments.ping", name, then=good, failed=bad)
        self._tell()

    def instruments(self) -> tuple[Tested, ...]:
        """Return the instruments of the station with what the test found."""
        return tuple(self._tested(box) for box in self._lab.instruments.values())

    def _tested(self, box: InstrumentStatus) -> Tested:
        good, told = self._pings.get(box.name, (box.link is LinkState.LIVE, box.identity or box.text))
        asked = box.name in self._asked
        return Tested(
            box.name,
            box.resource,
            tr("firstrun", "asking") if asked else told,
            good and not asked,
            asked,
            len(box.channels),
        )
