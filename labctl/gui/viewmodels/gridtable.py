"""The table of the same model as the grid: one row a channel, texts ready to be painted and copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labctl.gui.viewmodels.figures import Figures
from labctl.gui.viewmodels.grid import Grid
from labctl.gui.viewmodels.lab import Lab, utc_of
from labctl.gui.viewmodels.text import NONE, age, count, moment, number, shared
from labctl.gui.viewmodels.units import units
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.bench import ChannelStatus

NONE_YET = Figures()


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``right`` for numbers. ``unit`` stands in the head. Titles are shown through ``told``.

    A column with a ``base`` unit is shown in the unit that the person has chosen for it.
    """

    id: str
    title: str
    unit: str = ""
    right: bool = False
    key: bool = False
    base: str = ""

    @property
    def told(self) -> str:
        """Return the head in the window's language."""
        title = tr("gridtable", self.title) if self.title else ""
        unit = units.scale(self.base).name if self.base else self.unit
        return f"{title} {unit}".strip()


COLUMNS: tuple[Column, ...] = (
    Column("slot", mark("gridtable", "slot"), key=True),
    Column("state", mark("gridtable", "state")),
    Column("voltage", mark("gridtable", "voltage"), "V", right=True),
    Column("current", mark("gridtable", "current"), base="A", right=True),
    Column("temperature", "T", "°C", right=True),
    Column("cell", mark("gridtable", "cell")),
    Column("batch", mark("gridtable", "batch")),
    Column("protocol", mark("gridtable", "protocol")),
    Column("cycle", mark("gridtable", "cycle"), right=True),
    Column("capacity", "Q", base="Ah/g", right=True),
    Column("retention", mark("gridtable", "kept"), "%", right=True),
    Column("efficiency", "CE", "%", right=True),
    Column("rows", mark("gridtable", "rows"), right=True),
    Column("ends", mark("gridtable", "ends")),
    Column("age", mark("gridtable", "age"), right=True),
    Column("says", mark("gridtable", "says")),
)


class GridTable:
    """Rows of the grid's order; ``cell`` gives a text, ``key`` what a column is sorted by."""

    def __init__(
        self, lab: Lab, grid: Grid, figures_of: Callable[[str], Figures | None] | None = None
    ) -> None:
        self._lab = lab
        self._grid = grid
        self._figures_of = figures_of or (lambda channel: None)

    @property
    def rows(self) -> tuple[str, ...]:
        """Return the channels, in order."""
        return self._grid.order

    def cell(self, channel: str, column: str) -> str:
        """Return the text of a cell. Raises: KeyError."""
        status = self._lab.channels[channel]
        cycles = self._figures_of(channel) or NONE_YET
        return _TEXTS[column](self, status, cycles)

    def key(self, channel: str, column: str) -> tuple[int, float, str]:
        """Return what a cell is sorted by: numbers as numbers, nothing last."""
        text = self.cell(channel, column)
        if column == "slot":
            return (0, float(self._grid.cabinet.order.index(channel)), "")
        if column == "age":
            return (0, self._lab.age_s(channel), "")
        try:
            return (0, float(text.replace("\u2212", "-")), "")
        except ValueError:
            return (2 if text in ("", NONE) else 1, 0.0, text.lower())

    def tsv(self, channels: tuple[str, ...] | None = None) -> str:
        """Return rows as tab-separated text with a header, for the clipboard (R10)."""
        lines = ["\t".join(column.told for column in COLUMNS)]
        for channel in self.rows if channels is None else channels:
            lines.append("\t".join(plain_cell(self.cell(channel, column.id)) for column in COLUMNS))
        return "\n".join(lines) + "\n"

    def _label(self, status: ChannelStatus) -> str:
        return self._grid.cabinet.label(status.channel)

    def _batch(self, status: ChannelStatus) -> str:
        cell = self._lab.cells.get(status.cell_id)
        return "" if cell is None else cell.batch

    def _ends(self, status: ChannelStatus) -> str:
        return "" if status.ends is None else moment(utc_of(status.ends.end_utc), self._lab.plant_utc)

    def _age(self, status: ChannelStatus) -> str:
        return age(self._lab.age_s(status.channel))


def plain_cell(text: str) -> str:
    """Return a cell for the clipboard: spreadsheets read ``-`` as minus, and no thin spaces."""
    return text.replace("\u2212", "-").replace("\u2009", " ").replace("\t", " ").replace("\n", " ")


_TEXTS: dict[str, Callable[[GridTable, ChannelStatus, Figures], str]] = {
    "slot": lambda table, status, cycles: table._label(status),
    "state": lambda table, status, cycles: table._grid.tile(status.channel).word,
    "voltage": lambda table, status, cycles: number(status.voltage_V, 4),
    "current": lambda table, status, cycles: shared(status.current_A, "A", resolution=1e-7).number,
    "temperature": lambda table, status, cycles: number(status.temperature_degC, 1),
    "cell": lambda table, status, cycles: status.cell_name or status.cell_id,
    "batch": lambda table, status, cycles: table._batch(status),
    "protocol": lambda table, status, cycles: status.protocol,
    "cycle": lambda table, status, cycles: str(status.cycle) if status.cycle else "",
    "capacity": lambda table, status, cycles: shared(cycles.capacity_mAh_per_g * 1e-3, "Ah/g").number,
    "retention": lambda table, status, cycles: number(cycles.retention * 100.0, 1),
    "efficiency": lambda table, status, cycles: number(cycles.efficiency * 100.0, 2),
    "rows": lambda table, status, cycles: count(status.rows) if status.rows else "",
    "ends": lambda table, status, cycles: table._ends(status),
    "age": lambda table, status, cycles: table._age(status),
    "says": lambda table, status, cycles: status.tripped or status.lane or status.sentence,
}
