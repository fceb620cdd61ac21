"""Carry a cell from one place to another: a cycler's channel, a potentiostat's leads, the drawer (admin link).

A cell has one holder. Nobody takes a cell that something drives: while its channel runs or is paused, or while the
cell switch of a potentiostat is on or it measures, the act is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labctl.errors import UserInputError
from labctl_simulators.adminfields import number
from labctl_simulators.builder import CellRecord, hang
from labctl_simulators.cellacts import held_in, put_cell, slot_of, told_cell, wanted_cell
from labctl_simulators.neware.channel import Status
from labctl_simulators.onleads import OnLeads
from labctl_simulators.world.loads import CellLoad, tick_of

if TYPE_CHECKING:
    from labctl_simulators.bench import Bench


def _place(bench: Bench, text: str) -> str:
    """Return the full name of a place. Raises: UserInputError naming the known ones."""
    if text in bench.parts.potentiostats:
        return text
    return slot_of(bench, text)


def _hands_off(bench: Bench, place: str) -> str:
    """Return why a place cannot change hands now; empty when it can."""
    holder = bench.parts.holder(place)
    if isinstance(holder, OnLeads):
        if holder.plant.driving:
            return f"The cell switch of {place} is on; switch it off first."
        return f"{place} is measuring; abort that first." if holder.running else ""
    if holder.status in (Status.WORKING, Status.PAUSE):
        return f"The channel {place} is {holder.status.value}; stop its test first."
    return ""


def place_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Carry a cell to a place, from wherever it is; ``to`` null puts it into the drawer."""
    record = wanted_cell(bench, request)
    wish = request.get("to")
    target = None if wish in (None, "") else _place(bench, str(wish))
    source = record.slot
    if target != source:
        for place in filter(None, (source, target)):
            reason = _hands_off(bench, place)
            if reason:
                raise UserInputError(reason)
        held = None if target is None else held_in(bench, target)
        if held is not None:
            raise UserInputError(
                f"{target} holds cell {held.entry['cell_id']}; place that one elsewhere first."
            )
        if source is not None:
            _take(bench, source, record)
        if target is not None:
            _put(bench, target, record)
    return {"cell": record.entry["cell_id"], "place": record.slot, "was": source}


def _take(bench: Bench, place: str, record: CellRecord) -> None:
    record.slot = None
    if place in bench.parts.potentiostats:
        bench.parts.potentiostats[place].clip(None)
        bench.parts.chamber_of.pop(place, None)
    else:
        put_cell(bench, bench.parts.slots[place], None, place)


def _put(bench: Bench, place: str, record: CellRecord) -> None:
    if place in bench.parts.potentiostats:
        hang(bench.parts, record, place, bench.now_tick)
    else:
        put_cell(bench, bench.parts.slots[place], record, place)


def connect_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Clip a place's leads on a cell without taking others off; two holders are a safety violation, and refused."""
    record = wanted_cell(bench, request)
    place, cell_id = _place(bench, str(request.get("to", ""))), record.entry["cell_id"]
    if record.slot not in (None, place):
        detail = f"cell {cell_id} hangs on {record.slot} and would hang on {place} too"
        bench.violated(place, bench.now_s, "two_holders", detail)
        raise UserInputError(f"Safety violation: {detail}.")
    return place_cell(bench, request)


def truth(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what a potentiostat really does, what was done at its cell switch, and the state of its cell."""
    name = str(request["slot"])
    device = bench.parts.potentiostats[name]
    after = int(number(request, "after_sequence")) if "after_sequence" in request else 0
    record, load = held_in(bench, name), device.plant.load
    cell = None
    if record is not None and isinstance(load, CellLoad):
        moment_s = max(bench.now_s, 0.0)
        cell = told_cell(record, load.cell_at(tick_of(moment_s) / 10.0))
    return {"slot": name, "plant_s": bench.now_s, **device.truth(after), "cell": cell}
