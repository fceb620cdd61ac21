"""Stored spectra and their fits, asked of the station when they are wanted; fits one at a time, newest wish first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.eis.points import NOTHING, Points, points_of
from labctl.gui.viewmodels.recent import Recent
from labctl.model.impedance import SpectrumFit, SpectrumTable

KEPT = 400
"""Spectra of a generation in memory: 71 points each, a few MB in all."""
FIT_DEADLINE_S = 60.0
Key = tuple[str, str]
"""A spectrum and a circuit; the empty circuit is the cell's own."""


class SpectrumShelf:
    """``watch`` tells of each answer. What was asked for and failed is not asked again before ``forget_troubles``."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._tables: Recent[str, SpectrumTable] = Recent(KEPT)
        self._points: Recent[str, Points] = Recent(KEPT)
        self._fits: Recent[Key, SpectrumFit] = Recent(KEPT)
        self._asked: set[str] = set()
        self._wanted: dict[Key, None] = {}
        self._fitting: Key | None = None
        self._troubles: dict[Key, Trouble] = {}
        self._watchers: list[Callable[[], None]] = []

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each answer; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- points -----------------------------------------------------------------------------------------------------

    def table(self, spectrum_id: str) -> SpectrumTable | None:
        """Return a spectrum with its head, None while it is asked for or where it cannot be had."""
        found = self._tables.get(spectrum_id)
        if found is None and spectrum_id not in self._asked and (spectrum_id, "") not in self._troubles:
            self._asked.add(spectrum_id)
            self._asks.ask("spectra.get", spectrum_id, then=partial(self._take, spectrum_id),
                           failed=partial(self._missed, spectrum_id))  # fmt: skip
            found = self._tables.get(spectrum_id)
        return found

    def points(self, spectrum_id: str) -> Points:
        """Return the points that can be drawn; none while they are asked for."""
        table = self.table(spectrum_id)
        if table is None:
            return NOTHING
        known = self._points.get(spectrum_id)
        if known is None:
            known = points_of(table)
            self._points.put(spectrum_id, known)
        return known

    def _take(self, spectrum_id: str, table: SpectrumTable) -> None:
        self._asked.discard(spectrum_id)
        self._tables.put(spectrum_id, table)
        self._tell()

    def _missed(self, spectrum_id: str, trouble: Trouble) -> None:
        self._asked.discard(spectrum_id)
        self._troubles[spectrum_id, ""] = trouble
        self._tell()

    # -- fits -------------------------------------------------------------------------------------------------------

    def fit(self, spectrum_id: str, circuit: str = "") -> SpectrumFit | None:
        """Return what the station says of a spectrum, None while it is asked for or where it cannot be had."""
        key = (spectrum_id, circuit)
        found = self._fits.get(key)
        if found is None and key != self._fitting and key not in self._troubles:
            self._wanted.pop(key, None)
            self._wanted[key] = None
            self._next()
            found = self._fits.get(key)
        return found

    def _next(self) -> None:
        if self._fitting is not None or not self._wanted:
            return
        key, _ = self._wanted.popitem()
        self._fitting = key
        self._asks.ask("spectra.fit", key[0], circuit=key[1], then=partial(self._take_fit, key),
                       failed=partial(self._missed_fit, key), deadline_s=FIT_DEADLINE_S)  # fmt: skip

    def _take_fit(self, key: Key, fit: SpectrumFit) -> None:
        self._fits.put(key, fit)
        self._over(key)

    def _missed_fit(self, key: Key, trouble: Trouble) -> None:
        self._troubles[key] = trouble
        self._over(key)

    def _over(self, key: Key) -> None:
        if self._fitting == key:
            self._fitting = None
        self._next()
        self._tell()

    def trouble(self, spectrum_id: str, circuit: str = "") -> str:
        """Return why points or fit cannot be had, in words; empty where they can."""
        found = self._troubles.get((spectrum_id, circuit)) or self._troubles.get((spectrum_id, ""))
        return "" if found is None else str(found)

    def forget_troubles(self) -> None:
        """Let everything that failed be asked again: the link is back, or a person has asked for it."""
        self._troubles.clear()
