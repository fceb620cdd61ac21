"""Reads ``station.yaml``: which instruments, chambers and limits a bench has. Strict, with line and column.

Units are parsed here, at the rim; inside everything is SI. Unknown keys are errors that name the nearest
known one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from labctl.clock import ClockMode, ClockSpec
from labctl.config.api import ApiSettings, read_api
from labctl.config.classes import ChannelLimits as ChannelLimits
from labctl.config.classes import LimitReader
from labctl.config.devices import DeviceEntry as DeviceEntry
from labctl.config.devices import DeviceReader
from labctl.config.devices import PotentiostatEntry as PotentiostatEntry
from labctl.config.devices import SwitchEntry as SwitchEntry
from labctl.config.notify import NotifySettings, read_notify
from labctl.config.values import ValueReader
from labctl.errors import UserInputError
from labctl.model.ids import ChannelId
from labctl.model.layers import DEFAULT_CLASSES, CellClass
from labctl.protocol.yamlfile import (
    Fields,
    Node,
    load_yaml,
    load_yaml_file,
    nearest,
)
from labctl.protocol.yamlfile import Mapping as YamlMapping

SCHEMA = "station/1"
ENVIRONMENT = "LABCTL_STATION"
FILE_NAME = "station.yaml"
_TOP_KEYS = (
    "labctl", "name", "data", "clock", "instruments", "chambers", "potentiostats", "switches", "limits", "classes",
    "api", "notify",
)  # fmt: skip


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


class _Reader(ValueReader):
    def __init__(self, source: str, path: Path | None) -> None:
        super().__init__(source)
        self._path = path

    def station(self, node: Node) -> StationFile:
        fields = Fields(node, self.source, "the station file", _TOP_KEYS)
        schema = self.text(fields.need("labctl", SCHEMA), "'labctl'")
        if schema != SCHEMA:
            raise self.refuse(
                fields.get("labctl"),
                f"this is not a station file of a known form: '{schema}'.",
                f"Write 'labctl: {SCHEMA}'.",
            )
        name_node, data_node = fields.get("name"), fields.get("data")
        devices = DeviceReader(self.source)
        instruments = devices.instruments(fields.get("instruments"))
        chambers = devices.chambers(fields.get("chambers"))
        taken = [entry.name for entry in (*instruments, *chambers)]
        potentiostats = devices.potentiostats(fields.get("potentiostats"), taken)
        taken += [entry.name for entry in potentiostats]
        switches = devices.switches(fields.get("switches"), potentiostats, taken)
        data: Path | None = None
        if data_node is not None:
            data = Path(self.text(data_node, "'data'")).expanduser()
            if self._path is not None and not data.is_absolute():
                data = self._path.absolute().parent / data
        return StationFile(
            name="bench" if name_node is None else self.text(name_node, "'name'"),
            path=self._path,
            data=data,
            clock=self._clock(fields.get("clock")),
            instruments=instruments,
            chambers=chambers,
            potentiostats=potentiostats,
            switches=switches,
            limits=self._limits(fields.get("limits"), devices),
            classes=LimitReader(self.source).classes(fields.get("classes")),
            notify=read_notify(fields.get("notify"), self.source),
            api=read_api(
                fields.get("api"),
                self.source,
                None if self._path is None else self._path.absolute().parent,
            ),
        )

    def _clock(self, node: Node | None) -> StationClock:
        if node is None:
            return StationClock()
        fields = Fields(node, self.source, "'clock'", ("mode", "admin", "speed", "on_loss"))
        mode_node = fields.need("mode", "lockstep")
        word = self.text(mode_node, "'mode'")
        words = [mode.value for mode in (ClockMode.REAL, ClockMode.FREE, ClockMode.LOCKSTEP)]
        if word not in words:
            near = nearest(word, words)
            hint = f"Did you mean '{near}'? " if near else ""
            raise self.refuse(
                mode_node, f"there is no clock mode '{word}'.", f"{hint}Modes: {', '.join(words)}."
            )
        mode = ClockMode(word)
        admin_node, speed_node, loss_node = (fields.get(name) for name in ("admin", "speed", "on_loss"))
        admin = None if admin_node is None else self.text(admin_node, "'admin'")
        if mode is ClockMode.LOCKSTEP and admin is None:
            raise self.refuse(
                node,
                "mode lockstep needs the bench's admin address.",
                "Add for example 'admin: 127.0.0.1:40001'.",
            )
        speed: float | None = None
        if speed_node is not None and self.text(speed_node, "'speed'") != "max":
            speed = self.number(speed_node, "'speed'", 1e-3, 1e9)
        on_loss = "freeze" if loss_node is None else self.text(loss_node, "'on_loss'")
        if on_loss not in ("freeze", "run"):
            raise self.refuse(loss_node, f"'on_loss' cannot be '{on_loss}'.", "Write freeze or run.")
        return StationClock(mode, admin, speed, "run" if on_loss == "run" else "freeze")

    # -- limits -----------------------------------------------------------------------------------------------------

    def _limits(self, node: Node | None, devices: DeviceReader) -> dict[ChannelId, ChannelLimits]:
        found: dict[ChannelId, ChannelLimits] = {}
        limits = LimitReader(self.source)
        if node is None:
            return found
        if not isinstance(node, YamlMapping):
            raise self.refuse(
                node, "'limits' must be written as 'channel: {...}' lines.", "For example 'neware:1-1': …."
            )
        for key, value in node.entries:
            channel = devices.channel(key)
            found[channel] = limits.channel(value, channel)
        return found


def default_station_text() -> str:
    """Return the commented text of a new station file."""
    from labctl.config.template import STATION_TEXT

    return STATION_TEXT
