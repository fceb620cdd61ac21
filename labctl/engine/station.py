"""The open instruments of a bench: drivers found by entry point, connected, by name and by channel."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from importlib.metadata import EntryPoint, entry_points
from itertools import count
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from labctl.clock import Clock
from labctl.config.station import ChannelLimits, DeviceEntry, PotentiostatEntry, StationFile, SwitchEntry
from labctl.engine.wires import FrameKeeper
from labctl.errors import InstrumentError, UserInputError
from labctl.interfaces.chamber import TemperatureChamber
from labctl.interfaces.cycler import Cycler, CyclerCapabilities, Place
from labctl.interfaces.potentiostat import Potentiostat, PotentiostatIdentity
from labctl.interfaces.switch import CellSwitch
from labctl.model.handover import PotentiostatFacts
from labctl.model.ids import ChannelId
from labctl.model.layers import CellClass, LimitLayer, LimitOverride, class_of
from labctl.model.program import Limits, Program
from labctl.store.wirelog import WireLog
from labctl.transport import open_transport
from labctl.transport.base import Transport
from labctl.transport.capture import CaptureTransport, Event

if TYPE_CHECKING:
    from labctl.store.root import DataRoot

DRIVERS = "labctl.drivers"
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Instrument:
    """One open cycler with its poll period (plant seconds), what it said it is, and where its raw frames go."""

    name: str
    driver: str
    cycler: Cycler
    poll_s: float
    identity: str = ""
    driver_version: str = ""
    wire: FrameKeeper | None = None
    resource: str = ""
    zone: tzinfo | None = None
    """Of the instrument's own clock texts."""
    places: tuple[Place, ...] = ()
    """What the instrument has, as far as it has told us."""

    @property
    def channels(self) -> tuple[ChannelId, ...]:
        """Return the channels that the instrument has told us."""
        return tuple(ChannelId(f"{self.name}:{place}") for place in self.places)


@dataclass(slots=True)
class Chamber:
    """One open chamber, the channels that stand in it, and where its raw frames go."""

    name: str
    driver: str
    chamber: TemperatureChamber
    poll_s: float
    channels: tuple[ChannelId, ...]
    driver_version: str = ""
    wire: FrameKeeper | None = None
    is_open: bool = True


@dataclass(slots=True)
class SwitchPlace:
    """One multiplexer and where the cells of its channels stand on it."""

    name: str
    driver: str
    switch: CellSwitch
    places: Mapping[ChannelId, int]
    resource: str = ""
    driver_version: str = ""
    wire: FrameKeeper | None = None
    is_open: bool = False

    async def ready(self) -> None:
        """Connect where that is not done; moves nothing that is as it should be. Raises: InstrumentError."""
        if not self.is_open:
            await self.switch.open()
            self.is_open = True


@dataclass(slots=True)
class PotentiostatPlace:
    """One potentiostat, the channels whose cells can come to it (none named = all), and who moves them."""

    name: str
    driver: str
    potentiostat: Potentiostat
    channels: tuple[ChannelId, ...] = ()
    switches: list[SwitchPlace] = field(default_factory=list)
    ocv_tolerance_V: float = 0.02
    ocv_tolerance_fraction: float = 0.02
    poll_s: float = 10.0
    resource: str = ""
    driver_version: str = ""
    wire: FrameKeeper | None = None
    identity: PotentiostatIdentity | None = None
    """Who answered when it was opened; None while nobody has."""

    @property
    def devices(self) -> tuple[tuple[str, str], ...]:
        """Return name and resource of the potentiostat and of its multiplexers."""
        return (self.name, self.resource), *((box.name, box.resource) for box in self.switches)

    def takes(self, channel: ChannelId) -> bool:
        """Tell whether the cell of a channel can come to it."""
        return not self.channels or channel in self.channels

    def switch_of(self, channel: ChannelId) -> SwitchPlace | None:
        """Return the multiplexer that moves the cell of a channel, None where a person does."""
        return next((box for box in self.switches if channel in box.places), None)

    def facts(self) -> PotentiostatFacts:
        """Return what the binding of a protocol must know of it."""
        switched = tuple(channel for box in self.switches for channel in box.places)
        if self.identity is None:
            return PotentiostatFacts(self.name, self.channels, switched)
        known = self.potentiostat.capabilities()
        return PotentiostatFacts(self.name, self.channels, switched, known.eis_min_Hz, known.eis_max_Hz)


@dataclass(slots=True)
class Station:
    """Everything that the engine may talk to. ``name`` is for people."""

    name: str
    clock: Clock
    instruments: dict[str, Instrument] = field(default_factory=dict)
    chambers: dict[str, Chamber] = field(default_factory=dict)
    potentiostats: dict[str, PotentiostatPlace] = field(default_factory=dict)
    limits: Mapping[ChannelId, ChannelLimits] = field(default_factory=dict)
    classes: Mapping[str, CellClass] = field(default_factory=dict)
    loaded: Callable[[ChannelId], str | None] = lambda channel: None
    """Which cell a person has loaded into a channel, None where nobody has said."""

    def layers(self, program: Program, *, replay: bool = False) -> tuple[LimitLayer, ...]:
        """Return the limit layers of the station file above a program, as they are now: channel (L2), cell class (L3).

        Rows that are shown again (``replay``) are judged as if an override had not run out: it held when they came.
        """
        facts = program.cell
        sizes = (facts.area_cm2, facts.nominal_capacity_Ah)
        return self.layers_of(program.channel, facts.kind, *sizes, replay=replay)

    def layers_of(
        self,
        channel_id: ChannelId,
        kind: str,
        area_cm2: float | None,
        nominal_Ah: float | None,
        *,
        replay: bool = False,
    ) -> tuple[LimitLayer, ...]:
        """Return the same for a cell of a kind and size; an empty kind: of the channel alone."""
        channel = self.limits.get(channel_id)
        layers: list[LimitLayer] = [] if channel is None else [channel.layer(f"channel {channel_id}")]
        if self.classes and kind:
            layers.append(class_of(kind, self.classes).limits_for(area_cm2, nominal_Ah))
        override = None if channel is None else channel.override
        if override is None or not (replay or override.in_force(self.clock.link.utc())):
            return tuple(layers)
        return tuple(override.over(layer) for layer in layers)

    def locate(self, channel: ChannelId) -> tuple[Instrument, Place]:
        """Return the instrument of a channel and the place on it. Raises: UserInputError naming what there
        is.
        """
        name, _, place = channel.partition(":")
        instrument = self.instruments.get(name)
        if instrument is None or not place:
            known = ", ".join(sorted(self.instruments)) or "none"
            raise UserInputError(f"There is no channel {channel!r}. Instruments of {self.name}: {known}.")
        return instrument, place

    def chamber_of(self, channel: ChannelId) -> Chamber | None:
        """Return the chamber that a channel stands in."""
        return next((chamber for chamber in self.chambers.values() if channel in chamber.channels), None)

    def potentiostat_of(self, channel: ChannelId, name: str = "") -> PotentiostatPlace | None:
        """Return the named potentiostat, or the first that takes the cell of a channel; None where none does."""
        wanted = [place for place in self.potentiostats.values() if name in ("", place.name)]
        return next((place for place in wanted if place.takes(channel)), None)

    def potentiostat_facts(self) -> tuple[PotentiostatFacts, ...]:
        """Return what the binding of a protocol must know of the potentiostats."""
        return tuple(place.facts() for place in self.potentiostats.values())

    def device(self, name: str) -> Instrument | Chamber:
        """Return an instrument or chamber. Raises: UserInputError naming what there is."""
        found = self.instruments.get(name) or self.chambers.get(name)
        if found is None:
            known = ", ".join(sorted([*self.instruments, *self.chambers])) or "none"
            raise UserInputError(f"There is no instrument {name!r}. There are: {known}.")
        return found

    def wires(self, channel: ChannelId) -> tuple[FrameKeeper, ...]:
        """Return the raw-frame logs of what serves a channel: its instrument, its chamber."""
        instrument, _ = self.locate(channel)
        chamber = self.chamber_of(channel)
        logs = (instrument.wire, None if chamber is None else chamber.wire)
        return tuple(log for log in logs if log is not None)

    def capabilities(self, channel: ChannelId) -> CyclerCapabilities:
        """Return what a channel can do."""
        instrument, place = self.locate(channel)
        return instrument.cycler.capabilities(place)


Factory = Callable[[str, str, Mapping[str, object], Clock, Callable[[str], Transport]], Any]


def _entry_point(name: str) -> EntryPoint:
    found = {point.name: point for point in entry_points(group=DRIVERS)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none is installed"
        raise UserInputError(f"There is no driver {name!r}. Known drivers: {known}.")
    return found[name]


def load_driver(name: str) -> Factory:
    """Return a driver's factory by its entry point. Raises: UserInputError naming the drivers there are."""
    factory: Factory = _entry_point(name).load()
    return factory


def driver_version(name: str) -> str:
    """Return name and version of the package that brings a driver. Raises: UserInputError as above."""
    package = _entry_point(name).dist
    return "" if package is None else f"{package.name} {package.version}"


def _made(entry: DeviceEntry, clock: Clock, connect: Callable[[str], Transport] | None) -> Any:
    return load_driver(entry.driver)(
        entry.name, entry.resource, entry.driver_options, clock, connect or _by_resource(clock)
    )


def _by_resource(clock: Clock) -> Callable[[str], Transport]:
    return lambda resource: open_transport(resource, clock)


def build_cycler(
    entry: DeviceEntry, clock: Clock, connect: Callable[[str], Transport] | None = None
) -> Cycler:
    """Return the closed cycler of a station file's entry; nothing is said to it."""
    cycler: Cycler = _made(entry, clock, connect)
    return cycler


def build_chamber(
    entry: DeviceEntry, clock: Clock, connect: Callable[[str], Transport] | None = None
) -> TemperatureChamber:
    """Return the closed chamber of a station file's entry; nothing is said to it."""
    chamber: TemperatureChamber = _made(entry, clock, connect)
    return chamber


def capabilities_of(station: StationFile, channel: ChannelId, clock: Clock) -> CyclerCapabilities:
    """Return what a channel of a station file can do, without talking to it.

    Raises: UserInputError where the file has no such channel.
    """
    name, _, place = channel.partition(":")
    for entry in station.instruments:
        if entry.name == name and place:
            return build_cycler(entry, clock).capabilities(place)
    known = ", ".join(entry.name for entry in station.instruments) or "none"
    raise UserInputError(f"There is no channel {channel!r}. Instruments of {station.name}: {known}.")


def channel_limits(station: StationFile, channel: ChannelId) -> Limits | None:
    """Return the limits that a station file sets for a channel."""
    found = station.limits.get(channel)
    return None if found is None else found.trip


def override_of(station: StationFile, channel: ChannelId, clock: Clock) -> LimitOverride | None:
    """Return the override of a channel's limits that is in force now."""
    found = station.limits.get(channel)
    override = None if found is None else found.override
    return override if override is not None and override.in_force(clock.link.utc()) else None


def has_chamber(station: StationFile, channel: ChannelId) -> bool:
    """Tell whether a channel stands in a chamber of the station file."""
    return any(channel in entry.channels for entry in station.chambers)


def potentiostats_for(station: StationFile, channel: ChannelId) -> tuple[PotentiostatFacts, ...]:
    """Return the potentiostats that the cell of a channel can come to, as far as the station file tells."""
    facts = (_facts_of(entry, station.switches) for entry in station.potentiostats)
    return tuple(one for one in facts if one.takes(channel))


def _facts_of(entry: PotentiostatEntry, switches: Sequence[SwitchEntry]) -> PotentiostatFacts:
    places = (box.places for box in switches if box.potentiostat == entry.name)
    return PotentiostatFacts(entry.name, entry.channels, tuple(channel for box in places for channel in box))


@asynccontextmanager
async def open_station(
    station: StationFile,
    clock: Clock,
    *,
    connect: Callable[[str], Transport] | None = None,
    wire_root: DataRoot | None = None,
) -> AsyncIterator[Station]:
    """Open every instrument and chamber of a station file; close them again at the end.

    ``connect`` replaces the transports, for tests and in-memory benches. ``wire_root``, locked by the caller,
    keeps the raw frames of every link (S6); a process that runs programs names it. Raises: InstrumentError
    of the first one that does not answer, after the others have been closed.
    """
    async with AsyncExitStack() as stack:
        built = build_station(station, clock, stack, connect=connect, wire_root=wire_root)
        for instrument in built.instruments.values():
            await instrument.cycler.open()
            instrument.identity = await instrument.cycler.identify()
            note_identity(instrument)
        for chamber in built.chambers.values():
            await chamber.chamber.open()
            chamber.is_open = True
        yield built


def build_station(
    station: StationFile,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    connect: Callable[[str], Transport] | None = None,
    wire_root: DataRoot | None = None,
) -> Station:
    """Make every instrument and chamber of a station file, closed; ``stack`` closes them and their logs at the end."""
    built = Station(station.name, clock, limits=station.limits, classes=station.classes)
    for entry in station.instruments:
        made_by = driver_version(entry.driver)
        wire = _wire(entry, made_by, clock, wire_root, stack)
        cycler = build_cycler(entry, clock, _kept(entry, clock, connect, wire))
        stack.push_async_callback(cycler.close)
        built.instruments[entry.name] = Instrument(
            entry.name, entry.driver, cycler, entry.poll_s, "", made_by, wire, entry.resource, zone_of(entry)
        )
    for entry in station.chambers:
        made_by = driver_version(entry.driver)
        wire = _wire(entry, made_by, clock, wire_root, stack)
        chamber = build_chamber(entry, clock, _kept(entry, clock, connect, wire))
        stack.push_async_callback(chamber.close)
        built.chambers[entry.name] = Chamber(
            entry.name, entry.driver, chamber, entry.poll_s, entry.channels, made_by, wire, is_open=False
        )
    for place in _potentiostats(station, clock, stack, connect, wire_root):
        built.potentiostats[place.name] = place
    return built


def _potentiostats(
    station: StationFile,
    clock: Clock,
    stack: AsyncExitStack,
    connect: Callable[[str], Transport] | None,
    wire_root: DataRoot | None,
) -> Iterator[PotentiostatPlace]:
    """Make the potentiostats with their multiplexers, closed."""
    for entry in station.potentiostats:
        made_by = driver_version(entry.driver)
        wire = _wire(entry, made_by, clock, wire_root, stack)
        potentiostat: Potentiostat = _made(entry, clock, _kept(entry, clock, connect, wire))
        stack.push_async_callback(_closed, potentiostat)
        place = PotentiostatPlace(
            entry.name, entry.driver, potentiostat, entry.channels,
            ocv_tolerance_V=entry.ocv_tolerance_V, ocv_tolerance_fraction=entry.ocv_tolerance_fraction,
            poll_s=entry.poll_s, resource=entry.resource, driver_version=made_by, wire=wire,
        )  # fmt: skip
        for box in station.switches:
            if box.potentiostat != entry.name:
                continue
            made_by = driver_version(box.driver)
            wire = _wire(box, made_by, clock, wire_root, stack)
            switch: CellSwitch = _made(box, clock, _kept(box, clock, connect, wire))
            stack.push_async_callback(switch.close)
            place.switches.append(
                SwitchPlace(box.name, box.driver, switch, box.places, box.resource, made_by, wire)
            )
        yield place


async def _closed(potentiostat: Potentiostat) -> None:
    """Switch a potentiostat's cell off and leave; one that does not answer keeps nothing else from closing."""
    try:
        await potentiostat.close()
    except InstrumentError as error:
        log.error("cell unknown at the end potentiostat=%s error=%s", potentiostat.name, error)


def note_identity(instrument: Instrument) -> None:
    """Write who answered into the raw-frame log."""
    if instrument.wire is not None:
        line = {"event": Event.IDENTITY.value, "text": instrument.identity}
        instrument.wire.add(json.dumps(line) + "\n")


def zone_of(entry: DeviceEntry) -> tzinfo | None:
    """Return the time zone of an instrument's own clock. Raises: UserInputError for a name that nobody knows."""
    try:
        return ZoneInfo(entry.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UserInputError(
            f"{entry.name}: there is no time zone {entry.timezone!r}. Write for example 'Europe/Zurich' or 'UTC'."
        ) from error


def _wire(
    entry: DeviceEntry, made_by: str, clock: Clock, root: DataRoot | None, stack: AsyncExitStack
) -> FrameKeeper | None:
    """Begin the raw-frame log of an instrument, closed after its links."""
    if root is None:
        return None
    header = {
        "driver": entry.driver, "driver_version": made_by, "resource": entry.resource,
        "utc": clock.link.utc().isoformat(),
    }  # fmt: skip
    frames = FrameKeeper(WireLog(root.disk, root.path, entry.name, header, clock.link.now_s))
    stack.callback(frames.close)
    return frames


def _kept(
    entry: DeviceEntry, clock: Clock, connect: Callable[[str], Transport] | None, wire: FrameKeeper | None
) -> Callable[[str], Transport] | None:
    """Return ``connect`` with every pipe of the instrument written down, in the order in which it asks for them."""
    if wire is None:
        return connect
    inner, add = connect or _by_resource(clock), wire.add
    numbers, started_s = count(1), clock.link.now_s()

    def connect_kept(resource: str) -> Transport:
        link = f"{entry.name}/{next(numbers)}"
        return CaptureTransport(inner(resource), clock, add, link=link, started_s=started_s)

    return connect_kept
