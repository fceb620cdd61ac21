"""The bound program: a protocol with absolute SI numbers for one cell on one channel.

Plain frozen data. It is written into ``run.json`` when a run starts and never changes afterwards (I11); a
resumed run
reads it back from there. ``program_to_json`` and ``program_from_json`` are exact inverses.

Shape of a program::

    Program.flow = (Segment, Spectroscopy, HostRepeat(body=(Segment, ...)), HostIf(...), Segment, ...)
    Segment.body = (Step, Loop(body=(Step, Loop, ...)), ...)      what one device test performs by itself

Between segments the host decides and the cell rests at open circuit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from labctl.model.ids import CellId, ChannelId
from labctl.model.technique import Geis, Peis


class StepMode(StrEnum):
    """What a step regulates; the direction is part of the word."""

    REST = "rest"
    CC_CHARGE = "cc_charge"
    CC_DISCHARGE = "cc_discharge"
    CV_CHARGE = "cv_charge"
    CV_DISCHARGE = "cv_discharge"
    CCCV_CHARGE = "cccv_charge"
    CCCV_DISCHARGE = "cccv_discharge"
    PAUSE = "pause"


STEP_KINDS: dict[StepMode, str] = {
    StepMode.REST: "REST", StepMode.CC_CHARGE: "CC-CHG", StepMode.CC_DISCHARGE: "CC-DIS",
    StepMode.CV_CHARGE: "CV-CHG", StepMode.CV_DISCHARGE: "CV-DIS", StepMode.CCCV_CHARGE: "CCCV-CHG",
    StepMode.CCCV_DISCHARGE: "CCCV-DIS", StepMode.PAUSE: "PAUSE",
}  # fmt: skip
"""Each step as operators write it."""
CHARGE_MODES = frozenset({StepMode.CC_CHARGE, StepMode.CV_CHARGE, StepMode.CCCV_CHARGE})
DISCHARGE_MODES = frozenset({StepMode.CC_DISCHARGE, StepMode.CV_DISCHARGE, StepMode.CCCV_DISCHARGE})


@dataclass(frozen=True, slots=True)
class RecordRule:
    """When the device writes a record: each interval, or when a value moved by a threshold. ``None`` =
    off.
    """

    every_s: float | None = None
    voltage_change_V: float | None = None
    current_change_A: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Safety limits; ``None`` = not limited here. Currents and capacity are magnitudes."""

    voltage_min_V: float | None = None
    voltage_max_V: float | None = None
    current_max_A: float | None = None
    capacity_max_Ah: float | None = None
    temperature_min_degC: float | None = None
    temperature_max_degC: float | None = None
    delay_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One device step.

    ``current_A`` is signed (charge positive): the set current of CC and CCCV, the largest current of CV.
    Every step has
    ``end_time_s``; ``time_is_backstop`` says that the protocol did not ask for it and that reaching it is an
    event.
    ``end_current_A`` is a magnitude. ``step_id`` numbers the steps of the whole program from 1 and is the
    ``step_id``
    of the records. ``range_A`` fixes the instrument's current range, ``None`` leaves it to the device.
    """

    step_id: int
    mode: StepMode
    end_time_s: float
    current_A: float | None = None
    voltage_V: float | None = None
    range_A: float | None = None
    time_is_backstop: bool = False
    end_voltage_V: float | None = None
    end_current_A: float | None = None
    end_capacity_Ah: float | None = None
    record: RecordRule | None = None
    limits: Limits | None = None
    sentence: str = ""
    warn: Limits | None = None
    kind: Literal["step"] = "step"


@dataclass(frozen=True, slots=True)
class Loop:
    """``count`` passes in total over ``body``, done by the device. Each pass after the first raises the
    cycle by one.
    """

    count: int
    body: tuple[DeviceNode, ...]
    kind: Literal["loop"] = "loop"


DeviceNode: TypeAlias = Annotated[Step | Loop, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Segment:
    """What one device test performs by itself. ``index`` counts from 1 in the order of the text."""

    index: int
    body: tuple[DeviceNode, ...]
    kind: Literal["segment"] = "segment"


@dataclass(frozen=True, slots=True)
class Spectroscopy:
    """An impedance spectrum that a potentiostat takes of the cell between two segments.

    ``index`` counts the spectra of the program from 1 in the order of the text. An empty ``on`` leaves the choice of
    the potentiostat to the station, an empty ``via`` who moves the leads to the potentiostat's own way.
    """

    index: int
    technique: Peis | Geis
    on: str = ""
    via: str = ""
    sentence: str = ""
    kind: Literal["eis"] = "eis"


@dataclass(frozen=True, slots=True)
class HostRepeat:
    """Repeat ``body`` until the expression ``until`` is true after a pass, at most ``at_most`` passes in
    total.
    """

    until: str
    at_most: int
    body: tuple[HostNode, ...]
    kind: Literal["host_repeat"] = "host_repeat"


@dataclass(frozen=True, slots=True)
class HostIf:
    """Take ``then`` when the expression ``condition`` is true at that moment, else ``otherwise``."""

    condition: str
    then: tuple[HostNode, ...]
    otherwise: tuple[HostNode, ...] = ()
    kind: Literal["host_if"] = "host_if"


HostNode: TypeAlias = Annotated[Segment | Spectroscopy | HostRepeat | HostIf, Field(discriminator="kind")]


class DetectionKind(StrEnum):
    """What is looked for at the ends of half-cycles or cycles."""

    SHORT = "short"  # apparent area resistance |V|/|J| below a limit, ohm cm2
    POLARISATION = "polarisation"  # |V| above a limit, V
    CAPACITY = "capacity"  # cycle capacity below a fraction of the reference cycle
    EFFICIENCY = "efficiency"  # coulombic efficiency below a fraction


class DetectionAction(StrEnum):
    """What happens when a detection fires."""

    STOP = "stop"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection rule in absolute numbers.

    ``limit`` is ohm cm2 (short), V (polarisation) or a fraction (capacity, efficiency). ``in_a_row``
    half-cycles
    (short, polarisation) or cycles (capacity, efficiency) must meet it. Source of the definitions: the
    reference
    study's P1, where V is the mean of the half-cycle's last minute less the offset, and the offset is the
    mean of
    the last 10 min of the opening rest.
    """

    kind: DetectionKind
    limit: float
    in_a_row: int
    action: DetectionAction
    reference_cycle: int = 1


@dataclass(frozen=True, slots=True)
class TemperatureDemand:
    """What the protocol asks of the chamber. Defaults: temperature-chamber rules 1 and 2."""

    setpoint_degC: float
    tolerance_K: float = 1.0
    soak_s: float = 1800.0
    give_up_s: float = 14400.0
    warn_K: float = 2.0
    warn_s: float = 300.0
    trip_K: float = 5.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will need: plant seconds, record rows, bytes on disk (sealed), host decisions.

    ``duration_s`` is the longest the program can take by its own time ends where no rehearsal is at hand, and
    ``duration_expected_s`` the likely one (capacity ends and nominal capacities used).
    """

    duration_s: float
    duration_expected_s: float
    rows: int
    bytes_on_disk: int
    cycles: int
    host_decisions: int


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What records and detections need to know of the cell, frozen into the program."""

    cell_id: CellId
    name: str
    kind: str
    area_cm2: float | None = None
    active_mass_mg: float | None = None
    nominal_capacity_Ah: float | None = None
    first_sign: Literal["charge", "discharge"] = "charge"


@dataclass(frozen=True, slots=True)
class Program:
    """A protocol bound to one cell and one channel: absolute SI numbers, checked and immutable (I11)."""

    protocol_name: str
    protocol_hash: str
    cell: CellFacts
    channel: ChannelId
    flow: tuple[HostNode, ...]
    record: RecordRule
    limits: Limits
    estimate: Estimate
    detections: tuple[Detection, ...] = ()
    temperature: TemperatureDemand | None = None
    warnings: tuple[str, ...] = ()
    warn: Limits | None = None
    """Limits of the protocol that only tell; those of a step are in the step."""
    variables: dict[str, str] = field(default_factory=dict)
    schema: Literal["labctl.program/1"] = "labctl.program/1"


_ADAPTER: TypeAdapter[Program] | None = None


def _adapter() -> TypeAdapter[Program]:
    global _ADAPTER
    if _ADAPTER is None:
        _ADAPTER = TypeAdapter(Program)
    return _ADAPTER


def program_to_json(program: Program) -> str:
    """Return the program as canonical JSON text."""
    return _adapter().dump_json(program).decode()


def program_from_json(text: str | bytes) -> Program:
    """Read back what ``program_to_json`` wrote."""
    return _adapter().validate_json(text)


def steps_of(body: tuple[DeviceNode, ...]) -> list[Step]:
    """Return the steps of a device body in the order of the text, loops not unrolled."""
    found: list[Step] = []
    for node in body:
        if isinstance(node, Step):
            found.append(node)
        else:
            found.extend(steps_of(node.body))
    return found


def spectra_of(flow: tuple[HostNode, ...]) -> list[Spectroscopy]:
    """Return the spectra of a flow in the order of the text, repeats not unrolled."""
    found: list[Spectroscopy] = []
    for node in flow:
        if isinstance(node, Spectroscopy):
            found.append(node)
        elif isinstance(node, HostRepeat):
            found.extend(spectra_of(node.body))
        elif isinstance(node, HostIf):
            found.extend((*spectra_of(node.then), *spectra_of(node.otherwise)))
    return found


def without_spectra(flow: tuple[HostNode, ...]) -> tuple[HostNode, ...]:
    """Return a flow as its cycler alone can walk it; the numbers of its segments stay."""
    found: list[HostNode] = []
    for node in flow:
        if isinstance(node, HostRepeat):
            body = without_spectra(node.body)
            found.extend([replace(node, body=body)] if body else [])
        elif isinstance(node, HostIf):
            found.append(
                replace(node, then=without_spectra(node.then), otherwise=without_spectra(node.otherwise))
            )
        elif isinstance(node, Segment):
            found.append(node)
    return tuple(found)


def spectroscopy_to_plain(part: Spectroscopy) -> dict[str, Any]:
    """Return a spectrum as plain data, for the journal."""
    plain: dict[str, Any] = TypeAdapter(Spectroscopy).dump_python(part, mode="json")
    return plain


def spectroscopy_from_plain(plain: Mapping[str, Any]) -> Spectroscopy:
    """Read back what ``spectroscopy_to_plain`` gave."""
    return TypeAdapter(Spectroscopy).validate_python(plain)
