"""The bench as a map of slots, for a batch that is being entered: what is free, what is taken, what goes where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.gui.viewmodels.allowed import is_free
from labctl.gui.viewmodels.cellcolumns import Col
from labctl.gui.viewmodels.cells import CellsTable
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.words import tr


class SlotState(StrEnum):
    """What a slot is to the batch."""

    FREE = "free"
    TAKEN = "taken"
    MINE = "mine"  # a cell of this batch goes there, or is there
    UNLOAD = "unload"  # a cell of this batch should go there; another one is still in it


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot; ``told`` says it in words. ``unit`` and ``slot`` count from 1 in the rack."""

    channel: str
    label: str
    unit: int
    slot: int
    state: SlotState
    told: str


@dataclass(frozen=True, slots=True)
class SlotRack:
    """One rack of the map."""

    title: str
    slots: tuple[Slot, ...]
    units: int


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A line below the map: what, how many, and a word more."""

    state: SlotState | None
    name: str
    count: int
    told: str


@dataclass(frozen=True, slots=True)
class SlotMap:
    """The map, ready to be painted."""

    racks: tuple[SlotRack, ...]
    legend: tuple[LegendRow, ...]


def slot_map(lab: Lab, table: CellsTable) -> SlotMap:
    """Return the map for a table."""
    wanted = {table.channel_of(row): row.text(Col.CELL) for row in table.rows if table.channel_of(row)}
    bench = cabinet(lab.channels)
    racks, mine, unload, free = [], 0, [], 0
    for rack in bench.racks:
        slots = []
        for channel in rack.channels:
            status, place = lab.channels[channel], bench.place(channel)
            there = status.cell_name or status.cell_id
            state, told = SlotState.TAKEN, there
            if channel in wanted:
                other = bool(status.cell_id) and status.cell_id != wanted[channel]
                state = SlotState.UNLOAD if other else SlotState.MINE
                told = tr("slots", "{cell} is still in it").format(cell=there) if other else wanted[channel]
                mine += not other
                if other:
                    unload.append(f"{bench.label(channel)}, {there}")
            elif is_free(status):
                state, told, free = SlotState.FREE, tr("slots", "free"), free + 1
            elif not there:
                told = tr("slots", "not free: {state}").format(state=status.state)
            if place is not None:
                slots.append(Slot(channel, bench.label(channel), place.unit, place.slot, state, told))
        racks.append(SlotRack(rack.title, tuple(slots), rack.units))
    without = sum(1 for row in table.rows if not table.channel_of(row))
    legend = (
        LegendRow(SlotState.MINE, tr("slots", "this table"), mine, tr("slots", "slot is free or holds the cell")),
        LegendRow(SlotState.UNLOAD, tr("slots", "unload first"), len(unload), "; ".join(unload[:2])),
        LegendRow(SlotState.FREE, tr("slots", "free"), free, ""),
        LegendRow(None, tr("slots", "no slot yet"), without, tr("slots", "go to the queue") if without else ""),
    )  # fmt: skip
    return SlotMap(tuple(racks), legend)
