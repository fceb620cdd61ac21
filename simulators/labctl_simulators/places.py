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
from labctl_simulators.multiplexer.ends import Thing
from labctl_simulators.multiplexer.place import Place
from labctl_simulators.neware.channel import Status
from labctl_simulators.onleads import OnLeads
from labctl_simulators.world.loads import CellLoad, DummyLoad, Load, tick_of
from labctl_simulators.world.network import DUMMIES

if TYPE_CHECKING:
    from labctl_simulators.bench import Bench


def knows(bench: Bench, request: Mapping[str, Any]) -> bool:
    """Tell whether a request is about a potentiostat, a multiplexer or one of its places, and not about a channel."""
    name, parts = str(request.get("slot", "")), bench.parts
    return name in parts.potentiostats or name in parts.multiplexers or name in parts.wired_places


def _place(bench: Bench, text: str) -> str:
    """Return the full name of a place. Raises: UserInputError naming the known ones."""
    if text in bench.parts.potentiostats or text in bench.parts.wired_places:
        return text
    return slot_of(bench, text)


def _hands_off(bench: Bench, place: str) -> str:
    """Return why a place cannot change hands now; empty when it can."""
    holder = bench.parts.holder(place)
    if isinstance(holder, Place):
        reached = holder.reached
        return "" if reached is None else _hands_off(bench, reached.name)
    if isinstance(holder, OnLeads):
        if holder.plant.driving:
            return f"The cell switch of {place} is on; switch it off first."
        return f"{place} is measuring; abort that first." if holder.running else ""
    if holder.status in (Status.WORKING, Status.PAUSE):
        return f"The channel {place} is {holder.status.value}; stop its test first."
    return ""


def place_cell(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    """Carry a cell to a place, from wherever it is; ``to`` null puts it into the drawer.

    ``dummy`` in the place of ``cell`` clips a dummy on the leads of a potentiostat, or into a multiplexer's place.
    """
    if "dummy" in request:
        return _place_dummy(bench, request)
    record = wanted_cell(bench, request)
    wish = request.get("to")
    target = None if wish in (None, "") else _place(bench, str(wish))
    source = record.slot
    if target != source:
        _ask_for_hands(bench, source, target)
        if source is not None:
            _take(bench, source, record)
        if target is not None:
            _put(bench, target, record)
    return {"cell": record.entry["cell_id"], "place": record.slot, "was": source}


def _ask_for_hands(bench: Bench, *places: str | None) -> None:
    """Raise UserInputError where one of the places is driven or in a test, or the last one holds a cell."""
    for place in filter(None, places):
        reason = _hands_off(bench, place)
        if reason:
            raise UserInputError(reason)
    target = places[-1]
    wired = None if target is None else bench.parts.wired_places.get(target)
    held = wired.record if wired is not None else None if target is None else held_in(bench, target)
    if held is not None:
        raise UserInputError(f"{target} holds cell {held.entry['cell_id']}; place that one elsewhere first.")


def _place_dummy(bench: Bench, request: Mapping[str, Any]) -> dict[str, Any]:
    name, place = str(request["dummy"]), _place(bench, str(request.get("to", "")))
    if name not in DUMMIES:
        raise UserInputError(f"There is no dummy {name!r}; known are {', '.join(DUMMIES)}.")
    if place in bench.parts.slots:
        raise UserInputError(f"A dummy goes to a potentiostat or a multiplexer, not to the channel {place}.")
    _ask_for_hands(bench, place)
    load = DummyLoad(DUMMIES[name], bench.now_tick / 10.0)
    if place in bench.parts.wired_places:
        _fill(bench, place, load)
    else:
        bench.parts.potentiostats[place].clip(load)
    return {"dummy": name, "place": place}


def _take(bench: Bench, place: str, record: CellRecord) -> None:
    for wired in bench.parts.wired_places.values():
        if wired.record is record:
            wired.take_out(bench.now_tick)
            return
    record.slot = None
    if place in bench.parts.potentiostats:
        bench.parts.potentiostats[place].clip(None)
        bench.parts.chamber_of.pop(place, None)
    else:
        put_cell(bench, bench.parts.slots[place], None, place)


def _put(bench: Bench, place: str, record: CellRecord) -> None:
    if place in bench.parts.wired_places:
        _fill(bench, place, record)
    elif place in bench.parts.potentiostats:
        hang(bench.parts, record, place, bench.now_tick)
    else:
        put_cell(bench, bench.parts.slots[place], record, place)


def _fill(bench: Bench, name: str, thing: Thing) -> None:
    """Hang something into a multiplexer's place instead of what was there."""
    place = bench.parts.wired_places[name]
    place.take_out(bench.now_tick)
    for violation in place.put(thing, bench.now_tick):
        bench.violated(name, bench.now_s, *violation)


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
    """Tell what a potentiostat or a multiplexer really does and was told to do, and the state of the cell there."""
    name, parts = str(request["slot"]), bench.parts
    after = int(number(request, "after_sequence")) if "after_sequence" in request else 0
    told = {"slot": name, "plant_s": bench.now_s}
    if name in parts.multiplexers:
        return {**told, **parts.multiplexers[name].truth(after)}
    if name in parts.wired_places:
        place = parts.wired_places[name]
        return {**told, **place.truth(), "cell": _cell_truth(bench, place.record, place.idle)}
    device = parts.potentiostats[name]
    return {
        **told,
        **device.truth(after),
        "cell": _cell_truth(bench, held_in(bench, name), device.plant.load),
    }


def _cell_truth(bench: Bench, record: CellRecord | None, load: Load | None) -> dict[str, Any] | None:
    if record is None or not isinstance(load, CellLoad):
        return None
    return told_cell(record, load.cell_at(tick_of(max(bench.now_s, 0.0)) / 10.0))
