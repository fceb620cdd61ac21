"""The protocols of the station's library: names for choosing, texts for working out a current beside a mass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.currents import Currents
from labctl.model.cell import Cell


class Library:
    """Asks for each text once. ``watch`` tells when names or texts have come."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._texts: dict[str, str] = {}
        self._wanted: set[str] = set()
        self._currents = Currents(lambda: self._texts)
        self._watchers: list[Callable[[], None]] = []
        self.names: tuple[str, ...] = ()
        self.titles: dict[str, str] = {}
        self.trouble: Trouble | None = None

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def refresh(self) -> None:
        """Ask which protocols there are; texts are asked for anew when they are needed."""
        self._wanted.clear()
        self._asks.ask("protocols.list", then=self._take, failed=self._failed)

    def _take(self, found: Sequence[Any]) -> None:
        good = [one for one in found if not one.problem]
        self.names = tuple(sorted(str(one.name) for one in good))
        self.titles = {str(one.name): str(one.title) for one in good}
        self.trouble = None
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        self.trouble = trouble
        self._tell()

    def current_A(self, name: str, cell: Cell) -> float | None:
        """Return the first set current that a protocol means for a cell; None until its text has come."""
        if name not in self._texts:
            self._want(name)
        if name not in self._texts:
            return None
        return self._currents.of(name, cell)

    def _want(self, name: str) -> None:
        if not name or name in self._wanted or (self.names and name not in self.names):
            return
        self._wanted.add(name)

        def take(found: Any) -> None:
            self._texts[name] = str(found.text)
            self._tell()

        # A protocol that cannot be fetched gives no number here; the pre-flight of the start says why.
        self._asks.ask("protocols.get", name, then=take)
