"""Build the multiplexers of a bench file, once cyclers, cells and potentiostats stand."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from labctl_simulators.benchfile import BenchFile, Path_
from labctl_simulators.builder import Parts, first_instrument, slot_name
from labctl_simulators.multiplexer.device import Multiplexer
from labctl_simulators.multiplexer.ends import ChannelEnd, End, LeadsEnd, Thing
from labctl_simulators.multiplexer.place import CYCLER, POTENTIOSTAT, Place
from labctl_simulators.world.loads import DummyLoad
from labctl_simulators.world.network import DUMMIES

PLACE_MAX = 99


def add_multiplexers(file: BenchFile, parts: Parts, now_s: Callable[[], float]) -> None:
    """Add the multiplexers of a bench file. Raises: UserFileError."""
    for index, entry in enumerate(file.values.get("multiplexers", [])):
        path = ("multiplexers", index)
        name, potentiostat = entry["name"], entry["potentiostat"]
        if any(name in group for group in (
            parts.multiplexers, parts.potentiostats, parts.installations, parts.chambers,
        )):  # fmt: skip
            raise file.error((*path, "name"), f"There are two instruments '{name}'.", "Rename one.")
        if potentiostat not in parts.potentiostats:
            raise file.error(
                (*path, "potentiostat"), f"There is no potentiostat '{potentiostat}'.",
                f"Potentiostats are {', '.join(parts.potentiostats) or 'none'}.",
            )  # fmt: skip
        if parts.potentiostats[potentiostat].plant.load is not None:
            raise file.error(
                (*path, "potentiostat"), f"The leads of {potentiostat} are on the multiplexer.",
                "Take its 'cell' or 'dummy' into a place of the multiplexer.",
            )  # fmt: skip
        places: dict[int, Place] = {}
        for at, wired in enumerate(entry["places"]):
            place = _place(file, parts, (*path, "places", at), name, potentiostat, wired)
            if place.number in places:
                raise file.error(
                    (*path, "places", at, "place"), f"There are two places {place.number}.", "Renumber one."
                )
            places[place.number] = place
        if not places:
            raise file.error((*path, "places"), "A multiplexer has a place at least.")
        serial = entry.get("serial", f"MX{zlib.crc32(name.encode()) % 10**8:08d}")
        parts.multiplexers[name] = Multiplexer(name, serial, dict(sorted(places.items())), now_s)
        if entry.get("link") == "pty":
            parts.on_ptys.add(name)


def _place(
    file: BenchFile, parts: Parts, path: Path_, name: str, potentiostat: str, wired: Mapping[str, Any]
) -> Place:
    if not 1 <= wired["place"] <= PLACE_MAX:
        raise file.error((*path, "place"), f"A place is 1 to {PLACE_MAX}.")
    ends: dict[int, End] = {POTENTIOSTAT: LeadsEnd(parts, potentiostat)}
    if "slot" in wired:
        slot = slot_name(wired["slot"], first_instrument(file.values))
        if slot not in parts.slots:
            raise file.error((*path, "slot"), f"There is no slot '{slot}'.", "Name a slot of a unit.")
        if parts.slots[slot].cell is not None:
            raise file.error(
                (*path, "slot"), f"The leads of {slot} are on the multiplexer.",
                "Leave the cell's slot out and name the cell here.",
            )  # fmt: skip
        ends[CYCLER] = ChannelEnd(parts, slot)
    place = Place(parts, f"{name}:{wired['place']}", wired["place"], ends)
    thing = _thing(file, parts, path, wired)
    if thing is not None:
        place.put(thing, 0)
    return place


def _thing(file: BenchFile, parts: Parts, path: Path_, wired: Mapping[str, Any]) -> Thing | None:
    if "cell" in wired and "dummy" in wired:
        raise file.error((*path, "dummy"), "This place holds a cell already.", "Leave out 'cell' or 'dummy'.")
    if "dummy" in wired:
        return DummyLoad(DUMMIES[wired["dummy"]], 0.0)
    if "cell" not in wired:
        return None
    record = parts.cells.get(wired["cell"])
    if record is None:
        raise file.error(
            (*path, "cell"), f"There is no cell '{wired['cell']}'.",
            f"Cells are {', '.join(parts.cells) or 'none'}.",
        )  # fmt: skip
    if record.slot is not None:
        raise file.error(
            (*path, "cell"), f"Cell {wired['cell']} stands in {record.slot} already.",
            "Leave out its slot: a cell has one holder.",
        )  # fmt: skip
    return record
