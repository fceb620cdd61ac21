"""Reading BTS step files of any origin into model steps, with a line for everything that has no place there.

Tolerant where real files vary (encoding, order, decimals, wrong Num, missing parts), strict where a guess could hurt
(Scale other than 1, numbers that are none). Source: neware-bts.md section 5; writer: ``stepfile``.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from labctl.errors import UserFileError
from labctl.interfaces.converter import Loss
from labctl.model.program import (
    CHARGE_MODES,
    DISCHARGE_MODES,
    DeviceNode,
    Limits,
    Loop,
    RecordRule,
    Step,
    StepMode,
)
from labctl_drivers.neware import stepunits as units
from labctl_drivers.neware.stepfile import CC_MODES, CV_MODES, TYPE_BY_MODE, TYPE_END, TYPE_LOOP
from labctl_drivers.neware.stepunits import FileUnit
from labctl_drivers.neware.xmltree import XmlProblem, parse_xml

BACKSTOP_S = 365 * 86400.0
"""End time of a step whose file line has none: the longest step of the tester (section 6)."""

STEPS_MAX = 10_000
LOOP_DEPTH_MAX = 32
"""Far beyond any tester (254 steps, 3 levels); a file with more is damaged or hostile."""

STEP_FILE_MAX_BYTES = 20 * 1024 * 1024
"""X09."""

_MODE_BY_TYPE = {kind: mode for mode, kind in TYPE_BY_MODE.items()} | {18: StepMode.CCCV_CHARGE}
_TYPE_NAMES = {
    8: "constant power discharge", 9: "constant power charge", 10: "constant resistance discharge", 16: "pulse",
    17: "profile", 21: "control", 22: "OCV", 25: "voltage ramp", 26: "CPCV discharge", 27: "CPCV charge",
}  # fmt: skip
_IGNORED_IN_STEP = frozenset({"Limit", "Protect", "Record", "AdvancedPrt"})
_MAIN_KNOWN = frozenset({"Curr", "Rate", "Volt", "Time", "Stop_Volt", "Stop_Curr", "Stop_Rate", "Cap"})


@dataclass(frozen=True, slots=True)
class ReadStepFile:
    """What a step file says, in the model's words."""

    body: tuple[DeviceNode, ...]
    record: RecordRule
    limits: Limits
    remark: str
    nominal_capacity_Ah: float | None
    active_mass_mg: float | None
    losses: tuple[Loss, ...]


def read_step_file(data: bytes, source: str) -> ReadStepFile:
    """Read a step file. Raises: UserFileError for what is no usable step file, with the fix."""
    if len(data) > STEP_FILE_MAX_BYTES:
        raise UserFileError("this file is too large for a step file", path=source)
    try:
        root = parse_xml(data)
    except XmlProblem as problem:
        raise UserFileError(
            f"this is not readable XML: {problem}.", path=source, fix="Export it again from the BTS Client."
        ) from problem
    config = root.find("config")
    if config is None or config.get("type") != "Step File":
        raise UserFileError('there is no <config type="Step File">; is this a Neware step file?', path=source)
    return _Reader(source).read(config)


class _Reader:
    """Collects losses while it walks one file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._losses: list[Loss] = []
        self._next_step_id = 1
        self._nominal_capacity_Ah: float | None = None

    def read(self, config: Element) -> ReadStepFile:
        head = config.find("Head_Info")
        scale = "1" if head is None else _text(head, "Scale") or "1"
        if self._plain(scale, "Scale") != 1.0:
            raise UserFileError(
                f"Scale is {scale}; what that multiplies is not known for certain.", path=self._source,
                fix="Save the step file with Scale 1 (a BTS Client of 2024 or later does).",
            )  # fmt: skip
        self._nominal_capacity_Ah = self._number(head, "MultCap", units.CAPACITY)
        whole = config.find("Whole_Prt")
        steps = config.find("Step_Info")
        if steps is None or len(steps) == 0:
            raise UserFileError("the file holds no steps", path=self._source)
        if len(steps) > STEPS_MAX:
            raise UserFileError(
                f"{len(steps)} steps; no tester holds more than {STEPS_MAX}", path=self._source
            )
        body = self._body(steps)
        record = self._record(whole, "Whole_Prt")
        limits = self._limits(whole, "Whole_Prt")
        return ReadStepFile(
            body=body,
            record=record or RecordRule(),
            limits=limits or Limits(),
            remark="" if head is None else _text(head, "Remark") or "",
            nominal_capacity_Ah=self._nominal_capacity_Ah,
            active_mass_mg=self._number(head, "SCQ", units.MASS_MG),
            losses=tuple(self._losses),
        )

    # ------------------------------------------------------------------------------------------------ structure

    def _body(self, steps: Element) -> tuple[DeviceNode, ...]:
        """Nest flat device steps: a loop line takes back the nodes from its Start_Step on."""
        nodes: list[tuple[int, int, DeviceNode]] = []  # first and last device step of each node
        ended = False
        for number, line in enumerate(steps, start=1):
            kind = int(self._plain(line.get("Step_Type", ""), f"{line.tag} Step_Type"))
            if ended:
                self._lose(line.tag, "stands behind the end step and is never reached")
            elif kind == TYPE_END:
                ended = True
            elif kind == TYPE_LOOP:
                self._close_loop(nodes, line, number)
            elif kind in _MODE_BY_TYPE:
                nodes.append((number, number, self._step(line, _MODE_BY_TYPE[kind], kind)))
            else:
                self._lose(
                    line.tag, f"{_TYPE_NAMES.get(kind, f'step type {kind}')} has no counterpart; left out"
                )
        if not ended:
            self._lose("Step_Info", "there is no end step; one is assumed")
        if not nodes:
            raise UserFileError("no step of this file can be expressed in labctl", path=self._source)
        return tuple(node for _, _, node in nodes)

    def _close_loop(self, nodes: list[tuple[int, int, DeviceNode]], line: Element, number: int) -> None:
        other = line.find("Limit/Other")
        start = int(self._plain(_text(other, "Start_Step") or "0", f"{line.tag} Start_Step"))
        count = int(self._plain(_text(other, "Cycle_Count") or "0", f"{line.tag} Cycle_Count"))
        inside = [item for item in nodes if item[0] >= start]
        crossed = any(first < start <= last for first, last, _ in nodes)
        too_deep = max((_depth(node) for _, _, node in inside), default=0) >= LOOP_DEPTH_MAX
        if not 1 <= start < number or not inside or count < 1 or crossed or too_deep:
            self._lose(line.tag, f"a loop to step {start}, {count} times, cannot be nested; left out")
            return
        del nodes[len(nodes) - len(inside) :]
        nodes.append((inside[0][0], number, Loop(count, tuple(node for _, _, node in inside))))

    # ------------------------------------------------------------------------------------------------ one step

    def _step(self, line: Element, mode: StepMode, kind: int) -> Step:
        place = line.tag
        for child in line:
            if child.tag not in _IGNORED_IN_STEP:
                self._lose(place, f"<{child.tag}> has no counterpart; left out")
        if kind == 18:
            self._lose(place, "the pack form of CCCV charge is read as plain CCCV charge")
        main, other = line.find("Limit/Main"), line.find("Limit/Other")
        self._note_unknown(main, other, place)
        end_time_s = self._number(main, "Time", units.TIME)
        end_voltage_V = self._number(main, "Stop_Volt", units.VOLTAGE)
        end_current_A = self._current(main, "Stop_Curr", "Stop_Rate", place)
        end_capacity_Ah = self._number(main, "Cap", units.CAPACITY)
        if mode not in CC_MODES and end_voltage_V is not None:
            self._lose(place, "Stop_Volt has no meaning in this step; left out")
            end_voltage_V = None
        if mode not in CV_MODES and end_current_A is not None:
            self._lose(place, "Stop_Curr has no meaning in this step; left out")
            end_current_A = None
        step_id = self._next_step_id
        self._next_step_id += 1
        return Step(
            step_id=step_id,
            mode=mode,
            end_time_s=BACKSTOP_S if end_time_s is None else end_time_s,
            time_is_backstop=end_time_s is None,
            current_A=self._set_current(main, mode, place),
            voltage_V=self._set_voltage(main, mode, place),
            range_A=self._number(other, "Step_Range", units.CURRENT),
            end_voltage_V=end_voltage_V,
            end_current_A=end_current_A,
            end_capacity_Ah=end_capacity_Ah,
            record=self._record(line, place),
            limits=self._limits(line, place),
        )

    def _set_current(self, main: Element | None, mode: StepMode, place: str) -> float | None:
        """Return the signed current: the file has magnitudes, the step type the direction."""
        if mode not in CHARGE_MODES | DISCHARGE_MODES:
            return None
        current_A = self._current(main, "Curr", "Rate", place)
        if current_A is None:
            if mode in CC_MODES:
                raise UserFileError(f"{place}: a constant-current step without Curr", path=self._source)
            self._lose(place, "there is no Curr: the tester would begin at its maximum current")
            return None
        return abs(current_A) if mode in CHARGE_MODES else -abs(current_A)

    def _set_voltage(self, main: Element | None, mode: StepMode, place: str) -> float | None:
        if mode not in CV_MODES:
            return None
        voltage_V = self._number(main, "Volt", units.VOLTAGE)
        if voltage_V is None:
            raise UserFileError(f"{place}: a constant-voltage step without Volt", path=self._source)
        return voltage_V

    def _current(self, main: Element | None, tag: str, rate_tag: str, place: str) -> float | None:
        """Read an absolute current; a rate counts only where there is none, and needs MultCap."""
        current_A = self._number(main, tag, units.CURRENT)
        rate = None if main is None else _text(main, rate_tag)
        if current_A is not None or rate is None:
            return current_A
        if self._nominal_capacity_Ah is None:
            raise UserFileError(
                f"{place}: {rate_tag} without MultCap: the current is not known", path=self._source
            )
        return self._plain(rate, f"{place} {rate_tag}") * self._nominal_capacity_Ah

    def _note_unknown(self, main: Element | None, other: Element | None, place: str) -> None:
        for child in () if main is None else main:
            if child.tag not in _MAIN_KNOWN:
                self._lose(place, f"end or set value <{child.tag}> has no counterpart; left out")
        for child in () if other is None else other:
            if child.tag.startswith("Cnd"):
                self._lose(place, f"condition {child.tag} (IF line) has no counterpart; left out")
            elif child.tag != "Step_Range":
                self._lose(place, f"<{child.tag}> has no counterpart; left out")

    # --------------------------------------------------------------------------------------- records and limits

    def _record(self, parent: Element | None, place: str) -> RecordRule | None:
        main = None if parent is None else parent.find("Record/Main")
        if parent is not None and parent.find("Record/Aux/Time") is not None:
            self._lose(place, "the interval of auxiliary channels has no counterpart; left out")
        rule = RecordRule(
            every_s=self._number(main, "Time", units.TIME),
            voltage_change_V=self._number(main, "Volt", units.VOLTAGE),
            current_change_A=self._number(main, "Curr", units.CURRENT),
        )
        return None if rule == RecordRule() else rule

    def _limits(self, parent: Element | None, place: str) -> Limits | None:
        main = None if parent is None else parent.find("Protect/Main")
        aux = None if parent is None else parent.find("Protect/Aux")
        delay_s = self._number(main, "Delay_Time", units.TIME)
        limits = Limits(
            voltage_min_V=self._number(main, "Volt/Lower", units.VOLTAGE),
            voltage_max_V=self._number(main, "Volt/Upper", units.VOLTAGE),
            current_max_A=self._current_limit(main, place),
            capacity_max_Ah=self._number(main, "Cap/Upper", units.CAPACITY),
            temperature_max_degC=self._number(aux, "Temp/Upper", units.TEMPERATURE),
            delay_s=1.0 if delay_s is None else delay_s,
        )
        return None if limits == Limits() else limits

    def _current_limit(self, main: Element | None, place: str) -> float | None:
        """Return one magnitude; two different ones are read as the tighter."""
        upper_A = self._number(main, "Curr/Upper", units.CURRENT)
        lower_A = self._number(main, "Curr/Lower", units.CURRENT)
        bounds_A = [abs(bound_A) for bound_A in (upper_A, lower_A) if bound_A is not None]
        if not bounds_A:
            return None
        if len(bounds_A) == 1:
            self._lose(place, "a current limit of one direction is read as a limit of both")
        elif bounds_A[0] != bounds_A[1]:
            self._lose(
                place, "different current limits for charge and discharge: the tighter is taken for both"
            )
        return min(bounds_A)

    # -------------------------------------------------------------------------------------------------- numbers

    def _number(self, parent: Element | None, tag: str, unit: FileUnit) -> float | None:
        text = _text(parent, tag)
        if text is None:
            return None
        try:
            value = unit.value(text)
        except ValueError as error:
            raise UserFileError(f"<{tag}>: {error}", path=self._source) from error
        if value < 0.0 and unit in (units.TIME, units.CAPACITY, units.MASS_MG):
            raise UserFileError(f"<{tag}> is {text[:40]}: it cannot be negative", path=self._source)
        return value

    def _plain(self, text: str, what: str) -> float:
        try:
            return units.PLAIN.value(text)
        except ValueError as error:
            raise UserFileError(f"{what}: {error}", path=self._source) from error

    def _lose(self, place: str, what: str) -> None:
        self._losses.append(Loss(place, what))


def _text(parent: Element | None, tag: str) -> str | None:
    """Return the ``Value`` of a child; None where the child is not there."""
    child = None if parent is None else parent.find(tag)
    return None if child is None else child.get("Value", "")


def _depth(node: DeviceNode) -> int:
    """Return how deep loops are nested in a node."""
    return 0 if isinstance(node, Step) else 1 + max(map(_depth, node.body), default=0)
