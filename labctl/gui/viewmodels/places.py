"""Where channels are in the cabinet: racks, units of eight, slots; from their ids and instruments, not the alphabet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from labctl.gui.viewmodels.words import tr

UNIT = 8
"""Channels of a unit, and units of a rack."""
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """One channel's place. ``rack`` counts from 1 over the bench, ``unit`` and ``slot`` from 1 in the rack."""

    channel: str
    label: str
    rack: int
    unit: int
    slot: int


@dataclass(frozen=True, slots=True)
class Rack:
    """One rack with its channels in physical order. ``units`` is how many rows of eight it has."""

    number: int
    instrument: str
    channels: tuple[str, ...]
    units: int

    @property
    def title(self) -> str:
        """Return the rack's name."""
        return tr("places", "Rack {n}").format(n=self.number)


@dataclass(frozen=True, slots=True)
class Cabinet:
    """Every channel of the bench in physical order."""

    racks: tuple[Rack, ...] = ()
    places: Mapping[str, Place] | None = None

    @property
    def order(self) -> tuple[str, ...]:
        """Return the channels in physical order."""
        return tuple(channel for rack in self.racks for channel in rack.channels)

    def place(self, channel: str) -> Place | None:
        """Return where a channel is."""
        return None if self.places is None else self.places.get(channel)

    def short(self, channel: str) -> str:
        """Return the channel as its rack says it: ``1-3``; two racks may both have one."""
        return channel.partition(":")[2] or channel

    def label(self, channel: str) -> str:
        """Return the channel as people say it: ``1-3``, with the rack where several have it: ``2:1-3``."""
        found = self.place(channel)
        return channel.partition(":")[2] or channel if found is None else found.label


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """Return a sort key in which ``1-10`` comes after ``1-9``."""
    parts = _DIGITS.split(text)
    return tuple((int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts))


def cabinet(channels: Iterable[str]) -> Cabinet:
    """Return the cabinet of these channels (``instrument:place``); see ``_made`` for the rules. Remembered."""
    return _made(tuple(channels))


@lru_cache(maxsize=8)
def _made(channels: tuple[str, ...]) -> Cabinet:
    """Work out where channels are.

    A place of two numbers is ``unit-channel`` where no channel goes beyond eight, else ``rack-channel``; of one it is a
    channel; of three ``rack-unit-channel``. Instruments follow each other in the order in which they come.
    """
    by_box: dict[str, list[str]] = {}
    for channel in channels:
        by_box.setdefault(channel.partition(":")[0] if ":" in channel else "", []).append(channel)
    short = [channel.partition(":")[2] or channel for names in by_box.values() for channel in names]
    twice = {name for name, times in Counter(short).items() if times > 1}
    racks: list[Rack] = []
    places: dict[str, Place] = {}
    for box, names in by_box.items():
        found = _spots(names)
        numbers = {
            rack: len(racks) + index
            for index, rack in enumerate(sorted({spot[0] for spot in found.values()}), 1)
        }
        for rack, number in numbers.items():
            members = sorted((spot, name) for name, spot in found.items() if spot[0] == rack)
            racks.append(
                Rack(number, box, tuple(name for _, name in members), max(spot[1] for spot, _ in members))
            )
            for (_, unit, slot), name in members:
                tail = name.partition(":")[2] or name
                label = f"{number}:{tail}" if twice else tail
                places[name] = Place(name, label, number, unit, slot)
    return Cabinet(tuple(racks), places)


def _spots(names: list[str]) -> dict[str, tuple[int, int, int]]:
    """Return rack, unit and slot of each channel of one instrument; ids that are no numbers follow in natural order."""
    numbers = {
        name: [int(part) for part in _DIGITS.findall(name.partition(":")[2] or name)] for name in names
    }
    widths = {len(found) for found in numbers.values()}
    if len(widths) != 1 or widths - {1, 2, 3}:
        return {name: _counted(1, index) for index, name in enumerate(sorted(names, key=natural))}
    width = widths.pop()
    if width == 1:
        return {name: _counted(1, found[0] - 1) for name, found in numbers.items()}
    if width == 3:
        return {name: (found[0], found[1], found[2]) for name, found in numbers.items()}
    if max(found[1] for found in numbers.values()) > UNIT:
        return {name: _counted(found[0], found[1] - 1) for name, found in numbers.items()}
    first = min(found[0] for found in numbers.values())
    return {name: ((found[0] - first) // UNIT + 1, (found[0] - first) % UNIT + 1, found[1])
            for name, found in numbers.items()}  # fmt: skip


def _counted(rack: int, index: int) -> tuple[int, int, int]:
    """Return the spot of the n-th channel (from 0): rows of eight, racks of eight rows."""
    index = max(0, index)
    size = UNIT * UNIT
    return rack + index // size, index % size // UNIT + 1, index % UNIT + 1
