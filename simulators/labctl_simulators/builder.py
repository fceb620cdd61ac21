"""Turn a checked bench file into living parts: cells, chambers, channels, installations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labctl.errors import LabctlError, UserFileError
from labctl_simulators.benchfile import BenchFile, shipped_text
from labctl_simulators.chamber.device import ChamberDevice, RtuChamberDevice
from labctl_simulators.leadkinds import KIND_DEFAULT, KINDS
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.neware.channel import Air, Channel
from labctl_simulators.neware.device import Installation
from labctl_simulators.neware.faults import Switches
from labctl_simulators.neware.records import WallClock
from labctl_simulators.neware.runner import StepMachine
from labctl_simulators.neware.stepfile import ChannelLimits
from labctl_simulators.onleads import OnLeads
from labctl_simulators.world.cell import Cell, CellSpec
from labctl_simulators.world.chain import MeasurementChain
from labctl_simulators.world.chamber import Chamber, ROOM_degC
from labctl_simulators.world.loads import CellLoad, DummyLoad
from labctl_simulators.world.network import DUMMIES, resistor

if TYPE_CHECKING:
    from labctl_simulators.multiplexer.device import Multiplexer
    from labctl_simulators.multiplexer.place import Place

SEED_DEFAULT = 7
EPOCH_DEFAULT_unix_s = 1767225600.0
"""2026-01-01T00:00:00Z, the plant epoch of a virtual bench (virtual-time 2)."""

MODELS_mA: Mapping[str, tuple[float, ...]] = {
    "5V10mA": (1.0, 10.0),
    "5V20mA": (1.0, 10.0, 20.0),
    "5V50mA": (1.0, 50.0),
    "5V1mA": (1.0,),
    "5V100mA": (0.1, 1.0, 10.0, 100.0),
    "5V100mA-4R": (0.1, 1.0, 10.0, 100.0),
    "5V12A": (1000.0, 6000.0, 12000.0),
}
"""Current ranges by model (neware-bts 6; those of the 5V10mA are the assumption 1 mA + 10 mA)."""


@dataclass(slots=True)
class CellRecord:
    """A cell of the bench: what the file said and the living cell; ``slot`` None: in the drawer."""

    entry: dict[str, Any]
    cell: Cell
    slot: str | None = None


@dataclass(slots=True)
class Parts:
    """Everything that stands on the bench."""

    seed: int
    epoch_unix_s: float
    name: str
    installations: dict[str, Installation] = field(default_factory=dict)
    models: dict[str, dict[int, str]] = field(default_factory=dict)
    chambers: dict[str, ChamberDevice] = field(default_factory=dict)
    cells: dict[str, CellRecord] = field(default_factory=dict)
    slots: dict[str, Channel] = field(default_factory=dict)
    potentiostats: dict[str, OnLeads] = field(default_factory=dict)
    on_ptys: set[str] = field(default_factory=set)
    chamber_of: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    multiplexers: dict[str, Multiplexer] = field(default_factory=dict)

    def holder(self, place: str) -> Channel | OnLeads | Place:
        """Return what holds the cell of a place: a channel by its slot, a potentiostat or a wired place by its name."""
        if place in self.wired_places:
            return self.wired_places[place]
        return self.slots[place] if place in self.slots else self.potentiostats[place]

    @property
    def names(self) -> list[str]:
        """Return the names of everything that can be spoken to."""
        boxes = (self.installations, self.chambers, self.potentiostats, self.multiplexers, self.more_links)
        return [name for box in boxes for name in box]

    @property
    def more_links(self) -> dict[str, Callable[[], ScriptLink]]:
        """Return the further connections of instruments that have several, by their full names."""
        devices = self.potentiostats.items()
        return {f"{name}:{end}": link for name, one in devices for end, link in one.more_links().items()}

    @property
    def wired_places(self) -> dict[str, Place]:
        """Return the places of all multiplexers by their names, ``multiplexer:nn``."""
        return {place.name: place for box in self.multiplexers.values() for place in box.places.values()}


def build(
    file: BenchFile, seed: int | None, now_tick: Callable[[], int], now_s: Callable[[], float]
) -> Parts:
    """Build the parts of a bench.

    Raises: UserFileError naming line and column for values that do not fit together.
    """
    values = file.values
    parts = Parts(
        seed=int(values.get("seed", SEED_DEFAULT)) if seed is None else seed,
        epoch_unix_s=float(values.get("epoch_unix_s", EPOCH_DEFAULT_unix_s)),
        name=str(values.get("name", "bench")),
    )
    for index, entry in enumerate(values.get("chambers", [])):
        _add_chamber(file, parts, index, entry)
    placed = _placed_cells(file, values)
    for index, entry in enumerate(values["instruments"]):
        _add_instrument(file, parts, index, entry, placed, now_tick)
    for index, entry in enumerate(values.get("cells", [])):
        _add_cell(file, parts, index, entry)
    for index, entry in enumerate(values.get("potentiostats", [])):
        add_potentiostat(file, parts, index, entry, now_s)
    for index, entry in enumerate(values.get("history", [])):
        _add_history(file, parts, index, entry)
    return parts


def slot_name(text: str, instrument: str) -> str:
    """Return ``instrument:unit-channel`` for a slot that may leave the instrument out."""
    return text if ":" in text else f"{instrument}:{text}"


def first_instrument(values: Mapping[str, Any]) -> str:
    """Return the name of the instrument that a slot without one belongs to."""
    return str(values["instruments"][0]["name"]) if values["instruments"] else ""


def _add_chamber(file: BenchFile, parts: Parts, index: int, entry: dict[str, Any]) -> None:
    name = entry["name"]
    if name in parts.chambers:
        raise file.error(("chambers", index, "name"), f"There are two chambers '{name}'.", "Rename one.")
    chamber = Chamber(
        name,
        seed=parts.seed,
        profile=entry.get("profile", "calibrated"),
        air_degC=entry.get("air_degC", ROOM_degC),
        setpoint_degC=entry.get("setpoint_degC", 25.0),
        on=entry.get("on", False),
    )
    kind = RtuChamberDevice if entry.get("link", "tcp") == "rtu" else ChamberDevice
    parts.chambers[name] = kind(chamber)


def _placed_cells(file: BenchFile, values: Mapping[str, Any]) -> dict[str, tuple[int, dict[str, Any]]]:
    placed: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, entry in enumerate(values.get("cells", [])):
        if "slot" not in entry:
            continue
        slot = slot_name(entry["slot"], first_instrument(values))
        if slot in placed:
            other = placed[slot][1]["cell_id"]
            raise file.error(
                ("cells", index, "slot"), f"{slot} holds cell {other} already.", "Take another slot."
            )
        placed[slot] = (index, entry)
    return placed


def _add_instrument(
    file: BenchFile,
    parts: Parts,
    index: int,
    entry: dict[str, Any],
    placed: Mapping[str, tuple[int, dict[str, Any]]],
    now_tick: Callable[[], int],
) -> None:
    name = entry["name"]
    if name in parts.installations:
        raise file.error(
            ("instruments", index, "name"), f"There are two instruments '{name}'.", "Rename one."
        )
    channels: dict[tuple[int, int], Channel] = {}
    limits: dict[tuple[int, int], ChannelLimits] = {}
    parts.models[name] = {}
    for place, unit in enumerate(entry["units"]):
        ranges_mA = unit.get("ranges_mA") or MODELS_mA.get(unit["model"])
        if not ranges_mA:
            raise file.error(
                ("instruments", index, "units", place, "model"),
                f"The ranges of a '{unit['model']}' are not known.",
                f"Give ranges_mA, or take one of {', '.join(MODELS_mA)}.",
            )
        parts.models[name][unit["unit"]] = unit["model"]
        for chlid in range(1, unit.get("channels", 8) + 1):
            key = (unit["unit"], chlid)
            slot = f"{name}:{key[0]}-{key[1]}"
            cell_index, cell_entry = placed.get(slot, (None, {}))
            wanted = cell_entry.get("chain", {})
            ranges_A = tuple(sorted(value / 1e3 for value in wanted.get("ranges_mA", ranges_mA)))
            rail_V = wanted.get("voltage_V", unit.get("voltage_V", 5.0))
            chain = _chain(file, parts, entry, slot, ranges_A, rail_V, cell_index, cell_entry)
            channel = Channel(slot.partition(":")[2], StepMachine(chain, rail_V), Air(_room_degC, _still))
            channels[key], limits[key] = channel, ChannelLimits(rail_V, ranges_A)
            parts.slots[slot] = channel
    options = entry.get("options", {})
    parts.installations[name] = Installation(
        name=name,
        devtype=entry.get("devtype", 27),
        devid=entry.get("devid", 33),
        ip=entry.get("ip", "127.0.0.1"),
        channels=dict(sorted(channels.items())),
        limits=limits,
        clock=WallClock(parts.epoch_unix_s, options.get("utc_offset_s", 0.0)),
        now_tick=now_tick,
        switches=_switches(options),
        next_test_id=entry.get("first_test_id", 1),
    )


def _room_degC() -> float:
    return ROOM_degC


def _still() -> bool:
    return True


def _switches(options: Mapping[str, Any]) -> Switches:
    known = {key: value for key, value in options.items() if key not in ("utc_offset_s", "upload_lag_s")}
    return Switches(upload_lag_ticks=round(options.get("upload_lag_s", 0.0) * 10), **known)


def _chain(
    file: BenchFile,
    parts: Parts,
    entry: Mapping[str, Any],
    slot: str,
    ranges_A: tuple[float, ...],
    rail_V: float,
    cell_index: int | None,
    cell_entry: Mapping[str, Any],
) -> MeasurementChain:
    wanted = cell_entry.get("chain", {})
    overrides: dict[object, Mapping[str, float]] = dict(wanted.get("current", {}))
    for key in overrides:
        if float(str(key)) not in ranges_A:
            raise file.error(
                ("cells", cell_index or 0, "chain", "current"),
                f"{slot} has no range of {float(str(key)) * 1e3:g} mA.",
                f"Its ranges are {', '.join(f'{value * 1e3:g}' for value in ranges_A)} mA.",
            )
    if "voltage" in wanted:
        overrides["voltage"] = wanted["voltage"]
    return MeasurementChain(
        wanted.get("profile", entry.get("profile", "calibrated")),
        parts.seed,
        entry["name"],
        slot.partition(":")[2],
        ranges_A,
        rail_V,
        overrides,
    )


def make_cell(entry: Mapping[str, Any], seed: int, air_degC: float, film_nm: float | None = None) -> Cell:
    """Make a cell of a bench entry. Raises: LabctlError when its values cannot be."""
    spec = CellSpec(
        cell_id=entry["cell_id"],
        variant=entry["variant"],
        diameter_mm=float(entry.get("diameter_mm", 10.0)),
        film_nm=entry.get("film_nm") if film_nm is None else film_nm,
        seed=entry.get("seed"),
        x=entry.get("x"),
        overrides=entry.get("overrides", {}),
        precursor=bool(entry.get("precursor", False)),
    )
    return Cell(spec, seed, temperature_degC=entry.get("temperature_degC", air_degC))


def _add_cell(file: BenchFile, parts: Parts, index: int, entry: dict[str, Any]) -> None:
    name = entry["cell_id"]
    if name in parts.cells:
        raise file.error(("cells", index, "cell_id"), f"There are two cells '{name}'.", "Rename one.")
    chamber = entry.get("chamber")
    if chamber is not None and chamber not in parts.chambers:
        raise file.error(
            ("cells", index, "chamber"), f"There is no chamber '{chamber}'.",
            f"Chambers are {', '.join(parts.chambers) or 'none'}.",
        )  # fmt: skip
    air_degC = ROOM_degC if chamber is None else parts.chambers[chamber].chamber.temperature_degC()
    try:
        record = CellRecord(entry, make_cell(entry, parts.seed, air_degC))
    except UserFileError:
        raise
    except LabctlError as error:
        raise file.error(("cells", index, "variant"), str(error)) from error
    parts.cells[name] = record
    if "slot" not in entry:
        return
    slot = slot_name(entry["slot"], first_instrument(file.values))
    channel = parts.slots.get(slot)
    if channel is None:
        raise file.error(
            ("cells", index, "slot"), f"There is no slot '{slot}'.",
            f"Slots are {next(iter(parts.slots), '-')} to {list(parts.slots)[-1] if parts.slots else '-'}.",
        )  # fmt: skip
    channel.cell, record.slot = record.cell, slot
    if chamber is not None:
        parts.chamber_of[slot] = chamber
        channel.air = air_of(parts.chambers[chamber].chamber)


def add_potentiostat(
    file: BenchFile, parts: Parts, index: int, entry: dict[str, Any], now_s: Callable[[], float]
) -> None:
    """Add a potentiostat with what hangs on its leads. Raises: UserFileError."""
    name, path = entry["name"], ("potentiostats", index)
    if name in parts.potentiostats or name in parts.installations or name in parts.chambers:
        raise file.error((*path, "name"), f"There are two instruments '{name}'.", "Rename one.")
    if "cell" in entry and "dummy" in entry:
        raise file.error((*path, "dummy"), f"{name} holds a cell already.", "Leave out 'cell' or 'dummy'.")
    if (entry.get("dummy") == "resistor") is not ("resistance_ohm" in entry):
        raise file.error(
            (*path, "resistance_ohm" if "resistance_ohm" in entry else "dummy"),
            "'resistance_ohm' and 'dummy: resistor' belong together.",
            "Write both, for example dummy: resistor, resistance_ohm: 110.",
        )
    for key in ("resistance_ohm", "eis_max_Hz"):
        if entry.get(key, 1.0) <= 0.0:
            raise file.error((*path, key), f"'{key}' is a number above 0.")
    kind = entry.get("kind", KIND_DEFAULT)
    if entry["model"] not in KINDS[kind].models:
        models = ", ".join(KINDS[kind].models)
        raise file.error((*path, "model"), f"A {kind} has no model '{entry['model']}'.", f"Known: {models}.")
    if "folder" in entry and file.folder is not None:
        entry = {**entry, "folder": str(file.folder / entry["folder"])}
    try:
        parts.potentiostats[name] = device = KINDS[kind].make(entry, parts.seed, now_s)
    except LabctlError as error:
        raise file.error(path, str(error)) from error
    if entry.get("link") == "pty":
        parts.on_ptys.add(name)
    if "dummy" in entry:
        known = DUMMIES.get(entry["dummy"])
        device.clip(DummyLoad(known or resistor(float(entry["resistance_ohm"])), now_s()))
    if "cell" in entry:
        record = parts.cells.get(entry["cell"])
        if record is None:
            raise file.error(
                (*path, "cell"), f"There is no cell '{entry['cell']}'.",
                f"Cells are {', '.join(parts.cells) or 'none'}.",
            )  # fmt: skip
        if record.slot is not None:
            raise file.error(
                (*path, "cell"), f"Cell {entry['cell']} stands in {record.slot} already.",
                "Leave out its slot: a cell has one holder.",
            )  # fmt: skip
        hang(parts, record, name, 0)


def hang(parts: Parts, record: CellRecord, name: str, tick: int) -> None:
    """Hang a cell on a potentiostat's leads; it stays in its chamber."""
    chamber, air = surroundings(parts, record)
    if chamber is not None:
        parts.chamber_of[name] = chamber
    parts.potentiostats[name].clip(CellLoad(record.cell, air, tick))
    record.slot = name


def surroundings(parts: Parts, record: CellRecord) -> tuple[str | None, Air]:
    """Return the chamber that a cell stands in, None for the room, and its air."""
    chamber = record.entry.get("chamber")
    if chamber in parts.chambers:
        return str(chamber), air_of(parts.chambers[str(chamber)].chamber)
    return None, Air(_room_degC, _still)


def air_of(chamber: Chamber) -> Air:
    """Return the air that cells in a chamber stand in."""
    return Air(chamber.temperature_degC, lambda: chamber.steady)


def _add_history(file: BenchFile, parts: Parts, index: int, entry: dict[str, Any]) -> None:
    slot = slot_name(entry["slot"], first_instrument(file.values))
    if slot not in parts.slots:
        raise file.error(("history", index, "slot"), f"There is no slot '{slot}'.", "Name a slot of a unit.")
    if entry["start_s"] > 0:
        raise file.error(
            ("history", index, "start_s"), "A past test starts before plant time 0.", "Give a negative time."
        )
    text = shipped_text(entry["steps"])
    if text is None and file.folder is not None and (file.folder / entry["steps"]).is_file():
        text = (file.folder / entry["steps"]).read_text("utf-8")
    if text is None:
        raise file.error(
            ("history", index, "steps"), f"There is no step file '{entry['steps']}'.",
            "Put it beside the bench file.",
        )  # fmt: skip
    parts.history.append({**entry, "slot": slot, "text": text})
