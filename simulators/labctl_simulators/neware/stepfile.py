"""Read BTS step files (XML) into steps with SI values, or refuse them.

File units (neware-bts 5.3): voltage 0.1 mV, current mA (Scale 1), time ms, capacity mA s. Currents are
magnitudes, the direction is in the step type; protection limits are signed.
Source: neware-bts section 5; what is refused: 5.8.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from xml.etree.ElementTree import Element as XmlElement

from labctl_simulators.neware.wire import RequestProblem, parse_xml

RAW_PER_V = 1e4
RAW_PER_A = 1e3
RAW_PER_S = 1e3
RAW_PER_AH = 3.6e6
RAW_PER_V_PER_S = 1e3
TICKS_PER_S = 10
"""Sampling and limit checks run at 10 Hz; every step time is a whole number of ticks."""
DEFAULT_RECORD_TICKS = TICKS_PER_S
"""Record interval of a file that names none: 1 s (neware-bts 5.8)."""
CYCLE_COUNT_MAX = 65535


class StepFileRefused(Exception):
    """The step file cannot be started; the text says why (the wire only says ``false``)."""


class StepKind(IntEnum):
    """Step type codes of neware-bts 5.5 that this simulator executes."""

    CC_CHARGE = 1
    CC_DISCHARGE = 2
    CV_CHARGE = 3
    REST = 4
    LOOP = 5
    END = 6
    CCCV_CHARGE = 7
    PAUSE = 13
    CV_DISCHARGE = 19
    CCCV_DISCHARGE = 20
    RAMP = 25


WORDS: Mapping[StepKind, str] = {
    StepKind.CC_CHARGE: "cc",
    StepKind.CC_DISCHARGE: "dc",
    StepKind.CV_CHARGE: "cv",
    StepKind.REST: "rest",
    StepKind.END: "end",
    StepKind.CCCV_CHARGE: "cccv",
    StepKind.PAUSE: "pause",
    StepKind.CV_DISCHARGE: "dv",
    StepKind.CCCV_DISCHARGE: "cccd",
    StepKind.RAMP: "ramp",
}
"""API words (neware-bts 4.3); the word of a ramp is unknown there and is this simulator's own."""

DISCHARGING = frozenset({StepKind.CC_DISCHARGE, StepKind.CV_DISCHARGE, StepKind.CCCV_DISCHARGE})
CONSTANT_CURRENT = frozenset({StepKind.CC_CHARGE, StepKind.CC_DISCHARGE})
CONSTANT_VOLTAGE = frozenset(
    {StepKind.CV_CHARGE, StepKind.CV_DISCHARGE, StepKind.CCCV_CHARGE, StepKind.CCCV_DISCHARGE}
)


@dataclass(frozen=True, slots=True)
class RecordRule:
    """When to record: time grid in ticks from the step's start, change of voltage, change of current."""

    interval_ticks: int | None = None
    delta_V: float | None = None
    delta_A: float | None = None

    @property
    def empty(self) -> bool:
        """Return whether the rule asks for nothing."""
        return self.interval_ticks is None and self.delta_V is None and self.delta_A is None


@dataclass(frozen=True, slots=True)
class Protection:
    """Limits that lead to ``protect`` when broken for longer than the delay; None is no limit."""

    voltage_max_V: float | None = None
    voltage_min_V: float | None = None
    current_max_A: float | None = None
    current_min_A: float | None = None
    capacity_max_Ah: float | None = None
    delay_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step with SI values; ``current_A`` is a magnitude, ``sign`` its direction."""

    step_id: int
    kind: StepKind
    current_A: float | None = None
    voltage_V: float | None = None
    time_ticks: int | None = None
    stop_voltage_V: float | None = None
    stop_current_A: float | None = None
    stop_capacity_Ah: float | None = None
    range_A: float | None = None
    record: RecordRule = RecordRule()
    protection: Protection | None = None
    loop_start: int = 0
    loop_count: int = 0
    ramp_start_V: float = 0.0
    ramp_end_V: float = 0.0
    ramp_V_per_s: float = 0.0

    @property
    def sign(self) -> int:
        """Return -1, 0 or +1: the direction of the step's current (charge positive)."""
        if self.kind is StepKind.REST:
            return 0
        if self.kind is StepKind.RAMP:
            return 1 if self.ramp_end_V >= self.ramp_start_V else -1
        return -1 if self.kind in DISCHARGING else 1

    @property
    def word(self) -> str:
        """Return the step word of the API replies."""
        return WORDS.get(self.kind, "--")


@dataclass(frozen=True, slots=True)
class StepProgram:
    """A whole step file: steps in file order, protection and record rule of the whole test."""

    steps: tuple[Step, ...]
    record: RecordRule
    protection: Protection | None = None

    def index_of(self, step_id: int) -> int | None:
        """Return the position of a step number, or None."""
        for index, step in enumerate(self.steps):
            if step.step_id == step_id:
                return index
        return None


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """What a channel can do: largest voltage magnitude and the full scales of its current ranges."""

    voltage_max_V: float
    ranges_A: tuple[float, ...]


def read_step_file(data: bytes, limits: ChannelLimits) -> StepProgram:
    """Read a step file for a channel.

    Raises: StepFileRefused with the first reason of neware-bts 5.8 that applies.
    """
    try:
        root = parse_xml(data)
    except RequestProblem as problem:
        raise StepFileRefused(problem.reason) from problem
    config = next((item for item in root.iter("config") if item.get("type") == "Step File"), None)
    if config is None:
        raise StepFileRefused("there is no config element of type Step File")
    head = config.find("Head_Info")
    scale = _value(None if head is None else head.find("Scale"))
    if scale not in (None, 1.0):
        raise StepFileRefused(f"Scale {scale} is not 1")
    nominal_Ah = _scaled(None if head is None else head.find("MultCap"), RAW_PER_AH)
    info = config.find("Step_Info")
    elements = [] if info is None else [item for item in info if item.get("Step_Type") is not None]
    if not elements:
        raise StepFileRefused("there are no steps")
    whole = config.find("Whole_Prt")
    steps = tuple(_step(item, nominal_Ah) for item in elements)
    _check_order(steps)
    for step in steps:
        _check_step(step, limits)
    return StepProgram(steps, _record_rule(whole), _protection(whole))


def _value(element: XmlElement | None) -> float | None:
    if element is None:
        return None
    text = element.get("Value")
    if text is None or not text.strip():
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise StepFileRefused(f"{element.tag} {text!r} is not a number") from error
    if not math.isfinite(number):
        raise StepFileRefused(f"{element.tag} {text!r} is not a finite number")
    return number


def _scaled(element: XmlElement | None, raw_per_unit: float) -> float | None:
    number = _value(element)
    return None if number is None else number / raw_per_unit


def _ticks(element: XmlElement | None) -> int | None:
    raw_ms = _value(element)
    if raw_ms is None or raw_ms <= 0:
        return None
    # A time is reached at the first tick at or beyond it (virtual-time 4.2), with its relative slack.
    return max(1, math.ceil(raw_ms / RAW_PER_S * TICKS_PER_S * (1.0 - 1e-9)))


def _integer(element: XmlElement | None) -> int:
    number = _value(element)
    return 0 if number is None else round(number)


def _record_rule(owner: XmlElement | None) -> RecordRule:
    main = None if owner is None else owner.find("Record/Main")
    if main is None:
        return RecordRule()
    delta_V = _scaled(main.find("Volt"), RAW_PER_V)
    delta_A = _scaled(main.find("Curr"), RAW_PER_A)
    return RecordRule(
        _ticks(main.find("Time")),
        delta_V if delta_V and delta_V > 0 else None,
        delta_A if delta_A and delta_A > 0 else None,
    )


def _protection(owner: XmlElement | None) -> Protection | None:
    main = None if owner is None else owner.find("Protect/Main")
    if main is None:
        return None
    delay_ms = _value(main.find("Delay_Time")) or 0.0
    return Protection(
        voltage_max_V=_scaled(main.find("Volt/Upper"), RAW_PER_V),
        voltage_min_V=_scaled(main.find("Volt/Lower"), RAW_PER_V),
        current_max_A=_scaled(main.find("Curr/Upper"), RAW_PER_A),
        current_min_A=_scaled(main.find("Curr/Lower"), RAW_PER_A),
        capacity_max_Ah=_scaled(main.find("Cap/Upper"), RAW_PER_AH),
        delay_ticks=max(0, math.ceil(delay_ms / RAW_PER_S * TICKS_PER_S * (1.0 - 1e-9))),
    )


def _step(item: XmlElement, nominal_Ah: float | None) -> Step:
    try:
        step_id = int(float(item.get("Step_ID", "0")))
        code = int(item.get("Step_Type", "0"))
    except ValueError as error:
        raise StepFileRefused(f"{item.tag}: step number or type is not a number") from error
    try:
        kind = StepKind(code)
    except ValueError as error:
        raise StepFileRefused(f"step {step_id}: type {code} is not known") from error
    limit = item.find("Limit/Main")
    other = item.find("Limit/Other")
    if other is not None and any(child.tag.startswith("Cnd") for child in other):
        raise StepFileRefused(f"step {step_id}: conditions are not supported")
    start_V, end_V, rate_V_per_s = _ramp(item)

    def part(name: str) -> XmlElement | None:
        return None if limit is None else limit.find(name)

    return Step(
        step_id=step_id,
        kind=kind,
        current_A=_current(part("Curr"), part("Rate"), nominal_Ah),
        voltage_V=_scaled(part("Volt"), RAW_PER_V),
        time_ticks=_ticks(part("Time")),
        stop_voltage_V=_scaled(part("Stop_Volt"), RAW_PER_V),
        stop_current_A=_current(part("Stop_Curr"), part("Stop_Rate"), nominal_Ah),
        stop_capacity_Ah=_scaled(part("Cap"), RAW_PER_AH),
        range_A=_scaled(None if other is None else other.find("Step_Range"), RAW_PER_A),
        record=_record_rule(item),
        protection=_protection(item),
        loop_start=_integer(None if other is None else other.find("Start_Step")),
        loop_count=_integer(None if other is None else other.find("Cycle_Count")),
        ramp_start_V=start_V,
        ramp_end_V=end_V,
        ramp_V_per_s=rate_V_per_s,
    )


def _current(current: XmlElement | None, rate: XmlElement | None, nominal_Ah: float | None) -> float | None:
    """Return a current magnitude in A: as written, else the C-rate times the nominal capacity."""
    absolute_A = _scaled(current, RAW_PER_A)
    if absolute_A is not None:
        return absolute_A
    per_h = _value(rate)
    return None if per_h is None or nominal_Ah is None else per_h * nominal_Ah


def _ramp(item: XmlElement) -> tuple[float, float, float]:
    slope = next((child for child in item.iter("Slope1")), None)
    if slope is None:
        return 0.0, 0.0, 0.0
    try:
        start = float(slope.get("StartValue", "0")) / RAW_PER_V
        end = float(slope.get("EndValue", "0")) / RAW_PER_V
        return start, end, abs(float(slope.get("Value", "0"))) / RAW_PER_V_PER_S
    except ValueError as error:
        raise StepFileRefused(f"{item.tag}: the slope is not a number") from error


def _check_order(steps: Sequence[Step]) -> None:
    numbers = [step.step_id for step in steps]
    if len(set(numbers)) != len(numbers):
        raise StepFileRefused("two steps have the same number")
    if steps[-1].kind is not StepKind.END:
        raise StepFileRefused("the last step is not an end step")
    for index, step in enumerate(steps):
        if step.kind is not StepKind.LOOP:
            continue
        if step.loop_start not in numbers or numbers.index(step.loop_start) >= index:
            raise StepFileRefused(f"step {step.step_id}: the loop does not go back")
        if not 1 <= step.loop_count <= CYCLE_COUNT_MAX:
            raise StepFileRefused(f"step {step.step_id}: the cycle count is not 1 to {CYCLE_COUNT_MAX}")
        inside = steps[numbers.index(step.loop_start) : index]
        if all(item.kind in (StepKind.LOOP, StepKind.END) for item in inside):
            raise StepFileRefused(f"step {step.step_id}: the loop holds no step that takes time")


def _check_step(step: Step, limits: ChannelLimits) -> None:
    where = f"step {step.step_id}"
    ends = (step.time_ticks, step.stop_voltage_V, step.stop_capacity_Ah)
    if step.kind in CONSTANT_CURRENT:
        if not step.current_A or step.current_A <= 0:
            raise StepFileRefused(f"{where}: constant current without Curr")
        if all(end is None for end in ends):
            raise StepFileRefused(f"{where}: constant current without any end condition")
    if step.kind in CONSTANT_VOLTAGE and step.voltage_V is None:
        raise StepFileRefused(f"{where}: constant voltage without Volt")
    if step.kind is StepKind.RAMP and step.ramp_V_per_s <= 0:
        raise StepFileRefused(f"{where}: ramp without a rate")
    largest_A = max(limits.ranges_A)
    for current_A in (step.current_A, step.stop_current_A, step.range_A):
        if current_A is not None and not 0 <= current_A <= largest_A * (1 + 1e-9):
            raise StepFileRefused(f"{where}: {current_A} A is outside the channel's range")
    for voltage_V in (step.voltage_V, step.stop_voltage_V, step.ramp_start_V, step.ramp_end_V):
        if voltage_V is not None and abs(voltage_V) > limits.voltage_max_V * (1 + 1e-9):
            raise StepFileRefused(f"{where}: {voltage_V} V is outside the channel's range")
