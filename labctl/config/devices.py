"""Reads the devices of a station file: cyclers, chambers, potentiostats, and switches that move cells between two.

Each list has the same form: name, driver, resource, options. Strict, with line and column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass, field
from typing import Any

from labctl.config.values import ValueReader
from labctl.model.ids import ChannelId
from labctl.model.protocol import QuantityKind
from labctl.protocol.yamlfile import Fields, Node, nearest, to_plain
from labctl.protocol.yamlfile import Mapping as YamlMapping

POLL_DEFAULT_S = 10.0
POLL_CYCLER_MIN_S = 5.0
"""Live values of a BTS are no fresher than about 5 s (neware-bts 1.3): asking more often costs and tells
nothing.
"""
POLL_LEAST_S = 1.0
"""Of chambers, potentiostats and switches."""
POLL_MAX_S = 3600.0
PLACE_MAX = 99
"""A path of a switch is its source and two digits (potentiostat.md 2.7)."""
TOLERANCE_MAX_V = 1.0
_DEVICE_KEYS = ("name", "driver", "resource", "timezone", "options")


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """One instrument or chamber of the file. ``driver_options`` are passed to the driver as they stand."""

    name: str
    driver: str
    resource: str
    poll_s: float = POLL_DEFAULT_S
    timezone: str = "UTC"
    driver_options: Mapping[str, object] = field(default_factory=dict)
    channels: tuple[ChannelId, ...] = ()


@dataclass(frozen=True, slots=True)
class PotentiostatEntry(DeviceEntry):
    """One potentiostat. ``channels`` are those whose cells can come to it, empty = all.

    The open circuit of a cell that has been moved must agree with the one before to the larger of the two tolerances:
    volts, and a fraction of the voltage before.
    """

    ocv_tolerance_V: float = 0.02
    ocv_tolerance_fraction: float = 0.02


@dataclass(frozen=True, slots=True)
class SwitchEntry(DeviceEntry):
    """One multiplexer that moves cells between their cycler channels and one potentiostat.

    ``places`` gives the place nn (1 to 99) of each channel on it; a channel that is not there is moved by a person.
    """

    potentiostat: str = ""
    places: Mapping[ChannelId, int] = field(default_factory=dict)


class DeviceReader(ValueReader):
    """Reads the lists of devices, in the order in which they may name each other: cyclers first."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._cyclers: tuple[str, ...] = ()

    def instruments(self, node: Node | None) -> tuple[DeviceEntry, ...]:
        """Read the cyclers."""
        found: list[DeviceEntry] = []
        for item in self.items(node, "'instruments'"):
            fields = Fields(item, self.source, "an entry of 'instruments'", _DEVICE_KEYS)
            given = self._device(fields, "'instruments'", "neware", POLL_CYCLER_MIN_S, _names(found))
            found.append(DeviceEntry(**given))
        self._cyclers = _names(found)
        return tuple(found)

    def chambers(self, node: Node | None) -> tuple[DeviceEntry, ...]:
        """Read the chambers; a channel stands in one of them at most."""
        found: list[DeviceEntry] = []
        for item in self.items(node, "'chambers'"):
            fields = Fields(item, self.source, "an entry of 'chambers'", (*_DEVICE_KEYS, "channels"))
            given = self._device(fields, "'chambers'", "oven", POLL_LEAST_S, _names(found))
            channels = self._channels(fields.get("channels"), "in this chamber")
            for node_of, channel in channels:
                other = next((entry.name for entry in found if channel in entry.channels), None)
                if other is not None:
                    problem = f"channel {channel} stands in chamber '{other}' as well."
                    raise self.refuse(node_of, problem, "Keep one of the two.")
            found.append(DeviceEntry(**given, channels=tuple(channel for _, channel in channels)))
        return tuple(found)

    def potentiostats(self, node: Node | None, taken: Collection[str]) -> tuple[PotentiostatEntry, ...]:
        """Read the potentiostats; ``taken`` are names of other devices."""
        found: list[PotentiostatEntry] = []
        keys = (*_DEVICE_KEYS, "channels", "ocv_tolerance", "ocv_tolerance_fraction")
        for item in self.items(node, "'potentiostats'"):
            fields = Fields(item, self.source, "an entry of 'potentiostats'", keys)
            given = self._device(fields, "this file", "pstat", POLL_LEAST_S, (*taken, *_names(found)))
            channels = self._channels(fields.get("channels"), "at this potentiostat")
            given |= self._tolerances(fields)
            found.append(PotentiostatEntry(**given, channels=tuple(channel for _, channel in channels)))
        return tuple(found)

    def _tolerances(self, fields: Fields) -> dict[str, float]:
        """Read by how much a moved cell's open circuit may differ, as fields of the entry."""
        found: dict[str, float] = {}
        volts, fraction = fields.get("ocv_tolerance"), fields.get("ocv_tolerance_fraction")
        if volts is not None:
            found["ocv_tolerance_V"] = self.quantity(volts, "'ocv_tolerance'", QuantityKind.VOLTAGE, "20 mV")
            if not 0.0 < found["ocv_tolerance_V"] <= TOLERANCE_MAX_V:
                raise self.refuse(
                    volts, "'ocv_tolerance' must be above 0 V and at most 1 V.", "Write '20 mV'."
                )
        if fraction is not None:
            what = "'ocv_tolerance_fraction'"
            found["ocv_tolerance_fraction"] = self.quantity(fraction, what, QuantityKind.FRACTION, "2 %")
            if not 0.0 <= found["ocv_tolerance_fraction"] <= 0.5:
                raise self.refuse(fraction, f"{what} must be 0 to 50 %.", "Write '2 %'.")
        return found

    def switches(
        self, node: Node | None, potentiostats: Several[PotentiostatEntry], taken: Collection[str]
    ) -> tuple[SwitchEntry, ...]:
        """Read the switches; a potentiostat has one at most, and a channel's cell hangs on one at most."""
        found: list[SwitchEntry] = []
        for item in self.items(node, "'switches'"):
            fields = Fields(
                item, self.source, "an entry of 'switches'", (*_DEVICE_KEYS, "potentiostat", "places")
            )
            given = self._device(fields, "this file", "mux", POLL_LEAST_S, (*taken, *_names(found)))
            served = self._served(fields.need("potentiostat", "pstat"), potentiostats, found)
            places = self._places(fields.need("places", '{"neware:1-1": 1}'), served, found)
            found.append(SwitchEntry(**given, potentiostat=served.name, places=places))
        return tuple(found)

    def _served(
        self, node: Node, potentiostats: Several[PotentiostatEntry], others: Several[SwitchEntry]
    ) -> PotentiostatEntry:
        name = self.text(node, "'potentiostat'")
        served = next((entry for entry in potentiostats if entry.name == name), None)
        if served is None:
            known = _names(potentiostats)
            near = nearest(name, known)
            hint = f"Did you mean '{near}'? " if near else ""
            told = ", ".join(known) or "none"
            raise self.refuse(
                node, f"there is no potentiostat '{name}'.", f"{hint}Potentiostats of this file: {told}."
            )
        other = next((entry.name for entry in others if entry.potentiostat == name), None)
        if other is not None:
            raise self.refuse(
                node,
                f"potentiostat '{name}' has the switch '{other}' already.",
                "Give each one switch at most.",
            )
        return served

    def _places(
        self, node: Node, served: PotentiostatEntry, others: Several[SwitchEntry]
    ) -> dict[ChannelId, int]:
        if not isinstance(node, YamlMapping) or not node.entries:
            raise self.refuse(
                node, "'places' must be written as 'channel: place' lines.", "For example 'neware:1-1': 1."
            )
        found: dict[ChannelId, int] = {}
        for key, value in node.entries:
            channel = self.channel(key)
            text = self.text(value, f"the place of {channel}")
            if not text.isdecimal() or not 1 <= int(text) <= PLACE_MAX:
                raise self.refuse(
                    value,
                    f"'{text}' is no place of a switch.",
                    f"Write a whole number from 1 to {PLACE_MAX}.",
                )
            if int(text) in found.values():
                raise self.refuse(value, f"place {text} has another channel already.", "Keep one of the two.")
            other = next((entry.name for entry in others if channel in entry.places), None)
            if other is not None:
                raise self.refuse(
                    key, f"channel {channel} hangs on switch '{other}' as well.", "Keep one of the two."
                )
            if served.channels and channel not in served.channels:
                raise self.refuse(
                    key, f"channel {channel} is not one of '{served.name}'.", "Add it to the channels there."
                )
            found[channel] = int(text)
        return found

    # -- what all have ------------------------------------------------------------------------------------------------

    def _device(
        self, fields: Fields, what: str, example: str, poll_min_s: float, taken: Collection[str]
    ) -> dict[str, Any]:
        """Read what every device has, as the fields of its entry."""
        name = self.name(fields.need("name", example), "'name'")
        if name in taken:
            raise self.refuse(
                fields.get("name"), f"'{name}' is there twice in {what}.", "Give each a name of its own."
            )
        options = self._options(fields.get("options"))
        poll_s = POLL_DEFAULT_S
        if "poll_s" in options:
            poll_s = self.number(options.pop("poll_s"), "'poll_s'", poll_min_s, POLL_MAX_S)
        zone = fields.get("timezone")
        return {
            "name": name,
            "driver": self.text(fields.need("driver", "neware-bts"), "'driver'"),
            "resource": self.text(fields.need("resource", "tcp://192.168.1.10:502"), "'resource'"),
            "poll_s": poll_s,
            "timezone": "UTC" if zone is None else self.text(zone, "'timezone'"),
            "driver_options": {key: to_plain(value) for key, value in options.items()},
        }

    def _options(self, node: Node | None) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node, YamlMapping):
            raise self.refuse(
                node, "'options' must be written as 'key: value' lines.", "See the driver's page."
            )
        return {key.text: value for key, value in node.entries}

    def _channels(self, node: Node | None, where: str) -> list[tuple[Node, ChannelId]]:
        """Read a list of channels, each with its node; none stands there twice."""
        found: list[tuple[Node, ChannelId]] = []
        for item in self.items(node, "'channels'"):
            channel = self.channel(item)
            if any(channel == known for _, known in found):
                raise self.refuse(item, f"channel {channel} stands twice {where}.", "Keep one of the two.")
            found.append((item, channel))
        return found

    def channel(self, node: Node) -> ChannelId:
        """Read a channel of one of the cyclers."""
        text = self.text(node, "a channel")
        name, colon, place = text.partition(":")
        if not colon or not place or not name:
            raise self.refuse(
                node, f"'{text}' is no channel.", "Write instrument:place, for example 'neware:1-3'."
            )
        if name not in self._cyclers:
            near = nearest(name, self._cyclers)
            hint = f"Did you mean '{near}:{place}'? " if near else ""
            known = ", ".join(self._cyclers) or "none"
            raise self.refuse(
                node, f"there is no instrument '{name}'.", f"{hint}Instruments of this file: {known}."
            )
        return ChannelId(text)


def _names(entries: Several[DeviceEntry]) -> tuple[str, ...]:
    return tuple(entry.name for entry in entries)
