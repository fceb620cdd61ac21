"""Where ``labctl cells`` reads and writes: the station that serves the data root, or the data root itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from labctl.cli.context import refresh_runs
from labctl.model.cell import Cell
from labctl.model.plain import to_plain

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.store.catalogue import Catalogue
    from labctl.store.root import DataRoot


class Register(Protocol):
    """What the verb does with cells."""

    def list(self) -> tuple[Cell, ...]: ...
    def get(self, cell_id: str) -> Cell: ...
    def add(self, cell: Cell) -> None: ...
    def update(self, cell: Cell, reason: str) -> None: ...
    def runs_of(self, cell: Cell) -> Any: ...


class RootRegister:
    """The registry of a data root that no station serves."""

    def __init__(self, root: DataRoot, catalogue: Catalogue) -> None:
        self._root = root
        self._catalogue = catalogue

    def list(self) -> tuple[Cell, ...]:
        """Return every cell."""
        return tuple(self._catalogue.cells.list())

    def get(self, cell_id: str) -> Cell:
        """Return one cell."""
        return self._catalogue.cells.get(cell_id)

    def add(self, cell: Cell) -> None:
        """Register a cell."""
        self._catalogue.cells.add(cell)

    def update(self, cell: Cell, reason: str) -> None:
        """Store a new revision."""
        self._catalogue.cells.update(cell)

    def runs_of(self, cell: Cell) -> Any:
        """Return the runs of a cell."""
        refresh_runs(self._root, self._catalogue)
        return [asdict(entry) for entry in self._catalogue.runs.list(cell_id=cell.cell_id)]


class StationRegister:
    """The registry of a station: every change goes into its journal."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def list(self) -> tuple[Cell, ...]:
        """Return every cell."""
        return self._station.cells.list()

    def get(self, cell_id: str) -> Cell:
        """Return one cell."""
        return self._station.cells.get(cell_id)

    def add(self, cell: Cell) -> None:
        """Register a cell."""
        self._station.cells.add(cell)

    def update(self, cell: Cell, reason: str) -> None:
        """Store a new revision."""
        self._station.cells.change(cell, reason=reason)

    def runs_of(self, cell: Cell) -> Any:
        """Return the runs of a cell."""
        return to_plain(self._station.runs.list(cell=cell.cell_id))
