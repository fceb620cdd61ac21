"""Keep the rows of chosen channels as files, one run after the other: progress, cancel, a result line (U21, R14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.allowed import label_of
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.words import tr

FETCH_S = 300.0
"""Longest time for the rows of one run: months of them come in pages."""
_ODD = re.compile(r"[^\w.-]+")


class Work(Protocol):
    """Computes outside the GUI's thread: the bridge's ``work``."""

    def __call__(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Trouble], None] | None = None,
    ) -> None:
        """Run ``function``; ``then`` or ``failed`` is called once."""


@dataclass(frozen=True, slots=True)
class _File:
    run_id: str
    name: str
    who: str


class Backup:
    """One backup at a time. ``write(name, table)`` puts a table into the chosen folder."""

    def __init__(self, lab: Lab, asks: Asks, work: Work) -> None:
        self._lab, self._asks, self._work = lab, asks, work
        self._left: list[_File] = []
        self._count = 0
        self._done: list[str] = []
        self._bad: list[tuple[str, Trouble]] = []
        self._round = 0
        self._watchers: list[Callable[[], None]] = []

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each step; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def why_not(self, channels: Sequence[str]) -> str:
        """Return why nothing can be kept now; empty = it can."""
        if self.busy:
            return tr("backup", "Export is off: one is on its way.")
        if not channels:
            return tr("allowed", "Nothing is selected.")
        if not self._lab.link.live:
            return tr("allowed", "The station does not answer; acts are off until it is back.")
        if not self._files(channels):
            return tr("backup", "Export is off: no run is in these channels.")
        return ""

    def _files(self, channels: Sequence[str]) -> list[_File]:
        found = []
        for channel in channels:
            status = self._lab.channels.get(channel)
            if status is not None and status.run_id:
                cell = status.cell_name or status.cell_id
                parts = (label_of(self._lab, channel), cell, status.run_id)
                name = "_".join(_ODD.sub("-", part) for part in parts if part)
                found.append(
                    _File(status.run_id, f"{name}.csv", f"{label_of(self._lab, channel)} {cell}".strip())
                )
        return found

    @property
    def busy(self) -> bool:
        """Tell whether one is on its way."""
        return bool(self._left)

    def begin(self, channels: Sequence[str], write: Callable[[str, Any], object]) -> str:
        """Keep the rows of these channels' runs; returns why not, empty when it has begun."""
        why = self.why_not(channels)
        if why:
            return why
        self._left = self._files(channels)
        self._count, self._done, self._bad = len(self._left), [], []
        self._round += 1
        self._next(self._round, write)
        return ""

    def cancel(self) -> None:
        """Stop after the file at hand; files that are written stay."""
        self._round += 1
        self._left = []
        self._tell()

    def _next(self, here: int, write: Callable[[str, Any], object]) -> None:
        self._tell()
        if here != self._round or not self._left:
            return
        file = self._left[0]
        bad = partial(self._failed, here, file, write)

        def fetched(table: Any) -> None:
            if here == self._round:
                self._work(lambda: write(file.name, table), partial(self._written, here, file, write), bad)

        self._asks.ask("runs.table", file.run_id, then=fetched, failed=bad, deadline_s=FETCH_S)

    def _written(self, here: int, file: _File, write: Callable[[str, Any], object], answer: object) -> None:
        self._done.append(file.name)
        self._over(here, write)

    def _failed(self, here: int, file: _File, write: Callable[[str, Any], object], trouble: Trouble) -> None:
        self._bad.append((file.who, trouble))
        self._over(here, write)

    def _over(self, here: int, write: Callable[[str, Any], object]) -> None:
        if here == self._round:
            del self._left[0]
            self._next(here, write)

    @property
    def told(self) -> str:
        """Return the progress while it runs, then the result; empty before the first."""
        if self.busy:
            told = tr("backup", "Exporting {n} of {all}: {name}")
            return told.format(n=self._count - len(self._left) + 1, all=self._count, name=self._left[0].who)
        if not self._count:
            return ""
        return tr("backup", "{n} of {all} files written").format(n=len(self._done), all=self._count)

    @property
    def trouble(self) -> Trouble | None:
        """Return what went wrong, once it is over; None where all is well."""
        if self.busy or not self._bad:
            return None
        who, first = self._bad[0]
        what = tr("backup", "{n} of {all} exports failed").format(n=len(self._bad), all=self._count)
        return Trouble(what, f"{who}: {first.why or first.what}", first.next, first.details)
