"""A protocol as a person means it: intent, with the units that were written, before any cell is known.

Plain frozen data. ``labctl.protocol.parse`` reads it from YAML, ``labctl.protocol.bind`` turns it into a ``Program``
of absolute SI numbers for one cell and channel. Places in the text (``place``) take no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from labctl.model.cell import CellKind
from labctl.model.program import DetectionAction, DetectionKind


class QuantityKind(StrEnum):
    """What a number with a unit measures; the value is a readable name."""

    CURRENT = "current"
    AREAL_CURRENT = "current per area"
    SPECIFIC_CURRENT = "current per active mass"
    C_RATE = "C-rate"
    VOLTAGE = "voltage"
    TIME = "time"
    CAPACITY = "capacity"
    AREAL_CAPACITY = "capacity per area"
    SPECIFIC_CAPACITY = "capacity per active mass"
    FRACTION = "fraction"
    TEMPERATURE = "temperature"
    TEMPERATURE_DIFFERENCE = "temperature difference"
    AREA_RESISTANCE = "area resistance"
    FREQUENCY = "frequency"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the unit that was written (``1 mA/cm^2``); ``kind`` follows from the unit."""

    value: float
    unit: str
    kind: QuantityKind


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Line and column in the protocol file, from 1; 0 where there is no file."""

    line: int = 0
    column: int = 0


class Direction(StrEnum):
    """Which way charge flows; charge is the positive current."""

    CHARGE = "charge"
    DISCHARGE = "discharge"


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends a step; the first one met does.

    ``temperature_above``/``temperature_below`` and the expression ``when`` are decided by the host.
    """

    voltage: Quantity | None = None
    current: Quantity | None = None
    time: Quantity | None = None
    capacity: Quantity | None = None
    temperature_above: Quantity | None = None
    temperature_below: Quantity | None = None
    when: str = ""


@dataclass(frozen=True, slots=True)
class RecordIntent:
    """When a record is written: each interval, or when a value has changed by a threshold."""

    every: Quantity | None = None
    voltage_change: Quantity | None = None
    current_change: Quantity | None = None


@dataclass(frozen=True, slots=True)
class SafetyIntent:
    """Limits that stop the run; currents and capacity are magnitudes. Those under ``warn`` only tell."""

    voltage_min: Quantity | None = None
    voltage_max: Quantity | None = None
    current_max: Quantity | None = None
    capacity_max: Quantity | None = None
    temperature_min: Quantity | None = None
    temperature_max: Quantity | None = None
    delay: Quantity | None = None
    warn: SafetyIntent | None = None


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What every step may carry. ``range`` is a quantity, ``auto`` (device chooses) or empty (smallest that fits)."""

    label: str = ""
    record: RecordIntent | None = None
    safety: SafetyIntent | None = None
    range: Quantity | None = None
    range_auto: bool = False
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """Open circuit for a time."""

    time: Quantity
    options: StepOptions = field(default_factory=StepOptions)


@dataclass(frozen=True, slots=True)
class Drive:
    """Constant current; with ``then_hold`` followed by constant voltage in the same step (CCCV)."""

    direction: Direction
    current: Quantity
    until: Ends
    then_hold: Quantity | None = None
    options: StepOptions = field(default_factory=StepOptions)


@dataclass(frozen=True, slots=True)
class Hold:
    """Constant voltage. ``at_most`` bounds the current; without it the current of the step before is used."""

    direction: Direction
    voltage: Quantity
    until: Ends
    at_most: Quantity | None = None
    options: StepOptions = field(default_factory=StepOptions)


@dataclass(frozen=True, slots=True)
class Vary:
    """A variable that changes with every pass of a repeat: ``values[k]`` in pass k + 1.

    ``add`` is set when the file says "start, then add so much each time" instead of listing the values.
    """

    name: str
    values: tuple[Quantity, ...]
    add: Quantity | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """``count`` passes in total, or fewer when the expression ``until`` is true after one of them.

    ``bodies`` holds one body, or one per pass when variables ``vary`` from pass to pass.
    """

    count: int
    bodies: tuple[tuple[ProtocolNode, ...], ...]
    until: str = ""
    vary: tuple[Vary, ...] = ()
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Branch:
    """``if``: take ``then`` when the expression is true at that moment, else ``otherwise``."""

    condition: str
    then: tuple[ProtocolNode, ...]
    otherwise: tuple[ProtocolNode, ...] = ()
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Impedance:
    """An impedance sweep (``eis``), from high to low frequency. Amplitude is rms unless ``peak``.

    An empty ``on`` leaves the choice of the potentiostat to the station; ``via`` is ``operator``, ``multiplexer`` or
    empty for the potentiostat's own way. ``settle`` is held before the first point.
    """

    start: Quantity
    end: Quantity
    points_per_decade: int
    amplitude: Quantity
    peak: bool = False
    on: str = ""
    via: str = ""
    settle: Quantity | None = None
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the operator; the run goes on when it is answered."""

    text: str
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Handover:
    """The cell moves to another instrument."""

    to: str
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches that run at the same time on different instruments."""

    branches: tuple[tuple[ProtocolNode, ...], ...]
    place: TextPlace = field(default_factory=TextPlace, compare=False)


ProtocolNode: TypeAlias = Rest | Drive | Hold | Repeat | Branch | Impedance | Ask | Handover | Parallel
DeviceStep: TypeAlias = Rest | Drive | Hold


@dataclass(frozen=True, slots=True)
class DetectIntent:
    """A detection rule; ``limit`` is ohm cm2 (short), voltage (polarisation) or a fraction (capacity, efficiency)."""

    kind: DetectionKind
    limit: Quantity
    in_a_row: int
    action: DetectionAction
    of_cycle: int = 1
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class TemperatureIntent:
    """What is asked of the chamber; None = the chamber's usual rules."""

    setpoint: Quantity
    tolerance: Quantity | None = None
    soak: Quantity | None = None
    give_up: Quantity | None = None
    warn: Quantity | None = None
    warn_after: Quantity | None = None
    trip: Quantity | None = None
    place: TextPlace = field(default_factory=TextPlace, compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that can be changed when the protocol is bound; ``default`` is text as in the file."""

    name: str
    default: str
    note: str = ""


class NoteKind(StrEnum):
    """Why a note stands in a protocol."""

    ASSUMPTION = "assumption"  # the source is silent; the value is ours and editable
    CONTRADICTION = "contradiction"  # the source disagrees with itself; the decision is named
    SOURCE = "source"  # where a value comes from
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Note:
    """A remark for people, shown by ``labctl protocols show``."""

    kind: NoteKind
    text: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What to do, in intent units.

    ``template`` is the document with its ``${names}`` still in place, as canonical JSON text, and empty where the file
    uses none: with it the protocol can be read again for other variable values. ``text`` is the file as written.
    """

    name: str
    steps: tuple[ProtocolNode, ...]
    description: str = ""
    for_kinds: tuple[CellKind, ...] = ()
    temperature: TemperatureIntent | None = None
    record: RecordIntent = field(default_factory=RecordIntent)
    safety: SafetyIntent = field(default_factory=SafetyIntent)
    detections: tuple[DetectIntent, ...] = ()
    variables: tuple[Variable, ...] = ()
    notes: tuple[Note, ...] = ()
    template: str = ""
    text: str = field(default="", compare=False)
    source: str = field(default="<text>", compare=False)
