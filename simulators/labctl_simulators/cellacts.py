"""What a person does to cells through the admin link: insert, remove, swap, coat; and the truth of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.benchfile import checked_cell
from labctl_simulators.builder import CellRecord, Parts, air_of, make_cell, slot_name
from labctl_simulators.neware.channel import Air, Channel
from labctl_simulators.world.cell import Cell
from labctl_simulators.world.chamber import ROOM_degC

if TYPE_CHECKING:
    from labctl_simulators.bench import Bench


def slot_of(bench: Bench, text: str) -> str:
    """Return the full name of a cycler's slot. Raises: UserInputError."""
    slot = slot_name(text, next(iter(bench.parts.installations), ""))
    if slot not in bench.parts.slots:
        raise UserInputError(f"The bench has no slot {text!r}; write for example neware:1-1.")
    return slot


def channel_at(bench: Bench, request: Mapping[str, Any], name: str = "slot") -> tuple[str, Channel]:
    """Return a cycler's slot and its channel. Raises: UserInputError."""
    slot = slot_of(bench, str(request.get(name, "")))
    return slot, bench.parts.slots[slot]


def held_in(bench: Bench, slot: str) -> CellRecord | None:
    """Return the cell that stands in a place."""
    return next((record for record in bench.parts.cells.values() if record.slot == slot), None)


def wanted_cell(bench: Bench, request: Mapping[str, Any]) -> CellRecord:
    """Return the cell of a request: the id of a known cell, or a mapping that makes a new one."""
    cell = request.get("cell")
    if isinstance(cell, Mapping):
        entry = checked_cell(cell)
        if entry["cell_id"] in bench.parts.cells:
            raise UserInputError(f"The bench has a cell {entry['cell_id']!r} already.")
        film_nm = bench.electrode_films_nm.get(str(entry.get("electrode", "")))
        record = CellRecord(entry, make_cell(entry, bench.seed, ROOM_degC, film_nm))
        bench.parts.cells[entry["cell_id"]] = record
        return record
    if not isinstance(cell, str) or cell not in bench.parts.cells:
        raise UserInputError(f"The bench has no cell {cell!r}; it has {', '.join(bench.parts.cells)}.")
    return bench.parts.cells[cell]


def put_cell(bench: Bench, channel: Channel, record: CellRecord | None, slot: str) -> None:
    """Put a cell into a cycler's slot, or take the one there out."""
    seat(bench.parts, channel, record, slot, bench.now_tick)


def seat(parts: Parts, channel: Channel, record: CellRecord | None, slot: str, tick: int) -> None:
    """Connect a cell to a cycler's channel from a tick on, or disconnect the one there."""

    def change() -> None:
        channel.cell = None if record is None else record.cell
        chamber = None if record is None else record.entry.get("chamber", parts.chamber_of.get(slot))
        if chamber in parts.chambers:
            parts.chamber_of[slot] = str(chamber)
            channel.air = air_of(parts.chambers[str(chamber)].chamber)
        elif record is not None:
            channel.air = Air(lambda: ROOM_degC, lambda: True)

    channel.change_contact(tick, change)
    if record is not None:
        record.slot = slot


def insert_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Put a cell into an empty slot."""
    slot, channel = channel_at(bench, request)
    held = held_in(bench, slot)
    if held is not None:
        raise UserInputError(f"{slot} holds cell {held.entry['cell_id']}; remove it or swap.")
    record = wanted_cell(bench, request)
    if record.slot is not None:
        raise UserInputError(f"Cell {record.entry['cell_id']} stands in {record.slot}.")
    put_cell(bench, channel, record, slot)
    return {"slot": slot, "cell": record.entry["cell_id"]}


def remove_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Take the cell out of a slot; it goes to the drawer."""
    slot, channel = channel_at(bench, request)
    held = held_in(bench, slot)
    if held is None:
        raise UserInputError(f"{slot} is empty.")
    held.slot = None
    put_cell(bench, channel, None, slot)
    return {"slot": slot, "cell": held.entry["cell_id"]}


def swap_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Exchange the cell of a slot with another cell, wherever that one is."""
    slot, channel = channel_at(bench, request)
    mine, record = held_in(bench, slot), wanted_cell(bench, request)
    other = record.slot
    if other in bench.parts.potentiostats:
        raise UserInputError(f"Cell {record.entry['cell_id']} hangs on {other}; carry it with cell.place.")
    if other != slot:
        if mine is not None:
            mine.slot = None
            put_cell(bench, channel, None, slot)
        if other is not None:
            record.slot = None
            put_cell(bench, bench.parts.slots[other], mine, other)
        put_cell(bench, channel, record, slot)
    return {
        "slot": slot,
        "cell": record.entry["cell_id"],
        "was": None if mine is None else mine.entry["cell_id"],
    }


def coat_electrode(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Give an electrode the film of a deposition; cells made of it from now on have it."""
    electrode, deposition = str(request.get("electrode", "")), request.get("deposition")
    if not electrode or not isinstance(deposition, Mapping):
        raise UserInputError("electrode.coat needs electrode and deposition: {thickness_nm: ...}.")
    film_nm = number(deposition, "thickness_nm")
    if film_nm < 0:
        raise UserInputError("A film cannot be thinner than 0 nm.")
    bench.electrode_films_nm[electrode] = bench.electrode_films_nm.get(electrode, 0.0) + film_nm
    return {"electrode": electrode, "film_nm": bench.electrode_films_nm[electrode]}


def told_cell(record: CellRecord, cell: Cell) -> dict[str, Any]:
    """Return the state of a cell; the elements are the resistances that a spectrum of it would show."""
    return {
        "cell_id": record.entry["cell_id"],
        "variant": record.entry["variant"],
        "ocv_V": cell.ocv_V,
        "shorted": cell.shorted,
        "throughput_mAh_cm2": cell.state.throughput_mAh_cm2,
        "temperature_degC": cell.state.temperature_degC,
        "half_cycles": cell.half_cycles,
        "x": cell.state.x,
        "area_cm2": cell.area_cm2,
        "elements_ohm": cell.elements_ohm(),
    }
