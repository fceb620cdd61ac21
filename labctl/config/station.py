"""Reads ``station.yaml``: which instruments, chambers and limits a bench has. Strict, with line and column.

Units are parsed here, at the rim; inside everything is SI. Unknown keys are errors that name the nearest
known one.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from labctl.clock import ClockMode, ClockSpec
from labctl.config.api import ApiSettings, read_api
from labctl.config.classes import ChannelLimits as ChannelLimits
from labctl.config.classes import LimitReader
from labctl.config.notify import NotifySettings, read_notify
from labctl.errors import UserFileError, UserInputError
from labctl.model.ids import ChannelId
from labctl.model.layers import DEFAULT_CLASSES, CellClass
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import base_value, parse_quantity
from labctl.protocol.yamlfile import (
    Fields,
    Node,
    Scalar,
    Sequence,
    load_yaml,
    load_yaml_file,
    nearest,
    refusal,
    to_plain,
)
from labctl.protocol.yamlfile import Mapping as YamlMapping

SCHEMA = "station/1"
ENVIRONMENT = "LABCTL_STATION"
FILE_NAME = "station.yaml"
POLL_DEFAULT_S = 10.0
POLL_CYCLER_MIN_S = 5.0
"""Live values of a BTS are no fresher than about 5 s (neware-bts 1.3): asking more often costs and tells
nothing.
"""
POLL_CHAMBER_MIN_S = 1.0
POLL_MAX_S = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_TOP_KEYS = (
    "labctl", "name", "data", "clock", "instruments", "chambers", "limits", "classes", "api", "notify",
)  # fmt: skip
_DEVICE_KEYS = ("name", "driver", "resource", "timezone", "options")


@dataclass(frozen=True, slots=True)
class StationClock:
    """The clock of a bench. Absent in the file = real time."""

    mode: ClockMode = ClockMode.REAL
    admin: str | None = None
    speed: float | None = None
    on_loss: Literal["freeze", "run"] = "freeze"

    def spec(self) -> ClockSpec:
        """Return the clock of a process that runs the bench (in lockstep: leads it)."""
        return ClockSpec(mode=self.mode, admin=self.admin, speed=self.speed, on_loss=self.on_loss)

    def as_guest(self) -> ClockSpec:
        """Return the clock of a process that only looks or says one thing: it never leads a virtual bench."""
        if self.mode is ClockMode.LOCKSTEP:
            return ClockSpec(mode=ClockMode.FREE, admin=self.admin, speed=1.0)
        return self.spec()

    def without_lead(self) -> ClockSpec:
        """Return the same as ``as_guest``."""
        return self.as_guest()


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


@dataclass(frozen=True, slots=True)
class StationFile:
    """A bench as its file describes it."""

    name: str
    path: Path | None
    data: Path | None = None
    clock: StationClock = StationClock()
    instruments: tuple[DeviceEntry, ...] = ()
    chambers: tuple[DeviceEntry, ...] = ()
    potentiostats: tuple[PotentiostatEntry, ...] = ()
    switches: tuple[SwitchEntry, ...] = ()
    limits: Mapping[ChannelId, ChannelLimits] = field(default_factory=dict)
    classes: Mapping[str, CellClass] = field(default_factory=lambda: dict(DEFAULT_CLASSES))
    api: ApiSettings = field(default_factory=ApiSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)

    def only_chambers(self) -> StationFile:
        """Return the same bench without its cyclers and what serves their cells."""
        return replace(self, instruments=(), potentiostats=(), switches=())

    def only_instruments(self) -> StationFile:
        """Return the same bench with its cyclers alone."""
        return replace(self, chambers=(), potentiostats=(), switches=())


def default_station_path() -> Path:
    """Return where ``labctl init`` writes and where every verb looks last: the platform's config folder."""
    import platformdirs

    return Path(platformdirs.user_config_path("labctl", appauthor=False)) / FILE_NAME


def find_station(explicit: Path | str | None) -> Path:
    """Return the station file: named, else LABCTL_STATION, else the platform's config folder.

    Raises: UserInputError saying where was looked and how to make one.
    """
    if explicit is not None:
        path = Path(explicit)
        if not path.is_file():
            raise UserInputError(f"There is no station file {path}. Make one with: labctl init {path}")
        return path
    named = os.environ.get(ENVIRONMENT)
    if named:
        if not Path(named).is_file():
            raise UserInputError(
                f"{ENVIRONMENT} names {named}, but there is no such file. Correct or unset it."
            )
        return Path(named)
    path = default_station_path()
    if path.is_file():
        return path
    raise UserInputError(
        f"No station file: --station and {ENVIRONMENT} name none, and there is none at {path}. Make one with "
        "'labctl init', or start a virtual bench with 'labctl sim' and use the file that it writes."
    )


def load_station(path: Path | str) -> StationFile:
    """Read a station file. Raises: UserFileError naming line, column and what would be right."""
    path = Path(path)
    return _Reader(str(path), path).station(load_yaml_file(path))


def parse_station(text: str, source: str = "<text>") -> StationFile:
    """Read a station file's text; relative paths stay relative."""
    return _Reader(source, None).station(load_yaml(text, source))


class _Reader:
    def __init__(self, source: str, path: Path | None) -> None:
        self._source = source
        self._path = path

    def _refuse(self, node: Node | None, problem: str, fix: str) -> UserFileError:
        return refusal(self._source, node, problem, fix)

    # -- scalars ----------------------------------------------------------------------------------------------------

    def _text(self, node: Node, what: str) -> str:
        if not isinstance(node, Scalar):
            raise self._refuse(node, f"{what} must be a single value.", "Write it behind the ':'.")
        text = node.text.strip()
        if not text or "\x00" in text:
            raise self._refuse(node, f"{what} is empty.", "Write some text.")
        return text

    def _name(self, node: Node, what: str) -> str:
        text = self._text(node, what)
        if not _NAME.fullmatch(text):
            raise self._refuse(
                node, f"{what} '{text}' cannot be used.", "Use up to 40 letters, digits, '-' and '_'."
            )
        return text

    def _number(self, node: Node, what: str, least: float, most: float) -> float:
        text = self._text(node, what)
        found = parse_quantity(text)
        value = math.nan
        if found is not None and (found.unit == "" or found.kind is QuantityKind.TIME):
            value = base_value(found)
        if not least <= value <= most:
            raise self._refuse(
                node,
                f"{what} '{text}' is not a number from {least:g} to {most:g}.",
                f"Write for example {least:g}.",
            )
        return value

    def _quantity(self, node: Node, what: str, kind: QuantityKind, example: str) -> float:
        text = self._text(node, what)
        found = parse_quantity(text)
        if found is None or found.kind is not kind:
            raise self._refuse(
                node, f"{what} must be a {kind.value} with its unit, not '{text}'.", f"Write '{example}'."
            )
        return base_value(found)

    def _items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None or (isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null")):
            return ()
        if not isinstance(node, Sequence):
            raise self._refuse(node, f"{what} must be a list.", "Begin each entry with '- '.")
        return node.items

    # -- the file ---------------------------------------------------------------------------------------------------

    def station(self, node: Node) -> StationFile:
        fields = Fields(node, self._source, "the station file", _TOP_KEYS)
        schema = self._text(fields.need("labctl", SCHEMA), "'labctl'")
        if schema != SCHEMA:
            raise self._refuse(
                fields.get("labctl"),
                f"this is not a station file of a known form: '{schema}'.",
                f"Write 'labctl: {SCHEMA}'.",
            )
        name_node, data_node = fields.get("name"), fields.get("data")
        instruments = self._devices(fields.get("instruments"), "instruments", POLL_CYCLER_MIN_S, ())
        names = tuple(entry.name for entry in instruments)
        chambers = self._devices(fields.get("chambers"), "chambers", POLL_CHAMBER_MIN_S, names)
        data: Path | None = None
        if data_node is not None:
            data = Path(self._text(data_node, "'data'")).expanduser()
            if self._path is not None and not data.is_absolute():
                data = self._path.absolute().parent / data
        return StationFile(
            name="bench" if name_node is None else self._text(name_node, "'name'"),
            path=self._path,
            data=data,
            clock=self._clock(fields.get("clock")),
            instruments=instruments,
            chambers=chambers,
            limits=self._limits(fields.get("limits"), names),
            classes=LimitReader(self._source).classes(fields.get("classes")),
            notify=read_notify(fields.get("notify"), self._source),
            api=read_api(
                fields.get("api"),
                self._source,
                None if self._path is None else self._path.absolute().parent,
            ),
        )

    def _clock(self, node: Node | None) -> StationClock:
        if node is None:
            return StationClock()
        fields = Fields(node, self._source, "'clock'", ("mode", "admin", "speed", "on_loss"))
        mode_node = fields.need("mode", "lockstep")
        word = self._text(mode_node, "'mode'")
        words = [mode.value for mode in (ClockMode.REAL, ClockMode.FREE, ClockMode.LOCKSTEP)]
        if word not in words:
            near = nearest(word, words)
            hint = f"Did you mean '{near}'? " if near else ""
            raise self._refuse(
                mode_node, f"there is no clock mode '{word}'.", f"{hint}Modes: {', '.join(words)}."
            )
        mode = ClockMode(word)
        admin_node, speed_node, loss_node = (fields.get(name) for name in ("admin", "speed", "on_loss"))
        admin = None if admin_node is None else self._text(admin_node, "'admin'")
        if mode is ClockMode.LOCKSTEP and admin is None:
            raise self._refuse(
                node,
                "mode lockstep needs the bench's admin address.",
                "Add for example 'admin: 127.0.0.1:40001'.",
            )
        speed: float | None = None
        if speed_node is not None and self._text(speed_node, "'speed'") != "max":
            speed = self._number(speed_node, "'speed'", 1e-3, 1e9)
        on_loss = "freeze" if loss_node is None else self._text(loss_node, "'on_loss'")
        if on_loss not in ("freeze", "run"):
            raise self._refuse(loss_node, f"'on_loss' cannot be '{on_loss}'.", "Write freeze or run.")
        return StationClock(mode, admin, speed, "run" if on_loss == "run" else "freeze")

    def _devices(
        self, node: Node | None, what: str, poll_min_s: float, instruments: tuple[str, ...]
    ) -> tuple[DeviceEntry, ...]:
        found: list[DeviceEntry] = []
        is_chamber = what == "chambers"
        for item in self._items(node, f"'{what}'"):
            keys = (*_DEVICE_KEYS, "channels") if is_chamber else _DEVICE_KEYS
            fields = Fields(item, self._source, f"an entry of '{what}'", keys)
            name = self._name(fields.need("name", "neware"), "'name'")
            if any(entry.name == name for entry in found):
                raise self._refuse(
                    fields.get("name"),
                    f"'{name}' is there twice in '{what}'.",
                    "Give each a name of its own.",
                )
            options = self._options(fields.get("options"))
            poll_s = POLL_DEFAULT_S
            if "poll_s" in options:
                poll_s = self._number(options.pop("poll_s"), "'poll_s'", poll_min_s, POLL_MAX_S)
            zone = fields.get("timezone")
            channels = self._channels(fields.get("channels"), instruments, found) if is_chamber else ()
            found.append(
                DeviceEntry(
                    name=name,
                    driver=self._text(fields.need("driver", "neware-bts"), "'driver'"),
                    resource=self._text(fields.need("resource", "tcp://192.168.1.10:502"), "'resource'"),
                    poll_s=poll_s,
                    timezone="UTC" if zone is None else self._text(zone, "'timezone'"),
                    driver_options={key: to_plain(value) for key, value in options.items()},
                    channels=channels,
                )
            )
        return tuple(found)

    def _options(self, node: Node | None) -> dict[str, Any]:
        if node is None:
            return {}
        if not isinstance(node, YamlMapping):
            raise self._refuse(
                node, "'options' must be written as 'key: value' lines.", "See the driver's page."
            )
        return {key.text: value for key, value in node.entries}

    def _channel(self, node: Node, instruments: tuple[str, ...]) -> ChannelId:
        text = self._text(node, "a channel")
        name, colon, place = text.partition(":")
        if not colon or not place or not name:
            raise self._refuse(
                node, f"'{text}' is no channel.", "Write instrument:place, for example 'neware:1-3'."
            )
        if name not in instruments:
            near = nearest(name, instruments)
            hint = f"Did you mean '{near}:{place}'? " if near else ""
            known = ", ".join(instruments) or "none"
            raise self._refuse(
                node, f"there is no instrument '{name}'.", f"{hint}Instruments of this file: {known}."
            )
        return ChannelId(text)

    def _channels(
        self, node: Node | None, instruments: tuple[str, ...], chambers: list[DeviceEntry]
    ) -> tuple[ChannelId, ...]:
        found: list[ChannelId] = []
        for item in self._items(node, "'channels'"):
            channel = self._channel(item, instruments)
            other = next((entry.name for entry in chambers if channel in entry.channels), None)
            if channel in found or other is not None:
                place = "twice in this chamber" if other is None else f"in chamber '{other}' as well"
                raise self._refuse(item, f"channel {channel} stands {place}.", "Keep one of the two.")
            found.append(channel)
        return tuple(found)

    # -- limits -----------------------------------------------------------------------------------------------------

    def _limits(self, node: Node | None, instruments: tuple[str, ...]) -> dict[ChannelId, ChannelLimits]:
        found: dict[ChannelId, ChannelLimits] = {}
        limits = LimitReader(self._source)
        if node is None:
            return found
        if not isinstance(node, YamlMapping):
            raise self._refuse(
                node, "'limits' must be written as 'channel: {...}' lines.", "For example 'neware:1-1': …."
            )
        for key, value in node.entries:
            channel = self._channel(key, instruments)
            found[channel] = limits.channel(value, channel)
        return found


def default_station_text() -> str:
    """Return the commented text of a new station file."""
    from labctl.config.template import STATION_TEXT

    return STATION_TEXT
