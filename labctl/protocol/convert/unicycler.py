"""Write and read aurora-unicycler JSON (0.4.6), with a loss report.

Source: data-formats, section 4.1. The keys are those of that package; unknown keys are errors here as there. Its two
traps are avoided: loops jump to tags, never to step numbers, and an end at 0 V is reported as a loss.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from labctl.errors import UserFileError
from labctl.interfaces.converter import Loss
from labctl.model.cell import Cell
from labctl.model.protocol import (
    Direction,
    Drive,
    Ends,
    Hold,
    Impedance,
    Protocol,
    ProtocolNode,
    Quantity,
    QuantityKind,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
)
from labctl.protocol.convert.reduce import Holds, Reducer
from labctl.protocol.quantities import base_value, quantity

NAME = "unicycler"
SUFFIX = ".json"
VERSION = "0.4.6"
READ_NAME = "unicycler protocol"
BYTES_MAX = 1_000_000
DEPTH_MAX = 32
HOLDS = Holds(
    "aurora-unicycler",
    record_change=True,
    safety=True,
    impedance=True,
    zero_volt_end=False,
    record_required=True,
)

_KEYS: dict[str, frozenset[str]] = {
    "open_circuit_voltage": frozenset({"until_time_s"}),
    "constant_current": frozenset({"rate_C", "current_mA", "until_time_s", "until_voltage_V"}),
    "constant_voltage": frozenset({"voltage_V", "until_time_s", "until_rate_C", "until_current_mA"}),
    "impedance_spectroscopy": frozenset(
        {
            "amplitude_V", "amplitude_mA", "start_frequency_Hz", "end_frequency_Hz", "points_per_decade",
            "measures_per_point", "drift_correction",
        }
    ),
    "voltage_scan": frozenset({"start_voltage_V", "end_voltage_V", "scan_rate_mV_per_s"}),
    "loop": frozenset({"loop_to", "cycle_count"}),
    "tag": frozenset({"tag"}),
}  # fmt: skip
_RATE = re.compile(r"^\s*([+-]?)\s*([\d.eE+-]*?)\s*([CD]?)\s*(?:/\s*([\d.eE+-]+))?\s*$")


def export(protocol: Protocol, cell: Cell | None = None) -> tuple[bytes, tuple[Loss, ...]]:
    """Write a protocol as unicycler JSON. Raises: UserInputError where a cell is needed or nothing can be written."""
    kept, losses = reduce(protocol, cell)
    return write(kept, cell), losses


def reduce(protocol: Protocol, cell: Cell | None = None) -> tuple[Protocol, tuple[Loss, ...]]:
    """Return what the format keeps of a protocol, and what is lost."""
    reducer = Reducer(HOLDS, cell)
    kept = reducer.protocol(protocol, READ_NAME)
    return kept, tuple(reducer.losses)


def write(kept: Protocol, cell: Cell | None = None) -> bytes:
    """Write a reduced protocol."""
    nominal_mAh = None if cell is None else cell.effective_capacity_mAh
    document: dict[str, Any] = {
        "unicycler": {"version": VERSION},
        "sample": {"name": "$NAME" if cell is None else str(cell.cell_id)},
        "record": {},
        "safety": {},
        "method": [],
    }
    if nominal_mAh is not None:
        document["sample"]["capacity_mAh"] = nominal_mAh
    record, safety = kept.record, kept.safety
    for key, value in (
        ("time_s", record.every), ("voltage_V", record.voltage_change), ("current_mA", record.current_change),
    ):  # fmt: skip
        if value is not None:
            document["record"][key] = value.value
    for key, value in (
        ("max_voltage_V", safety.voltage_max), ("min_voltage_V", safety.voltage_min),
        ("max_current_mA", safety.current_max), ("max_capacity_mAh", safety.capacity_max), ("delay_s", safety.delay),
    ):  # fmt: skip
        if value is not None:
            document["safety"][key] = value.value
    if safety.current_max is not None:
        document["safety"]["min_current_mA"] = -safety.current_max.value
    _write_steps(kept.steps, document["method"], [0])
    return (json.dumps(document, indent=2) + "\n").encode()


def _write_steps(steps: tuple[ProtocolNode, ...], method: list[dict[str, Any]], tags: list[int]) -> None:
    for node in steps:
        if isinstance(node, Repeat):
            tags[0] += 1
            tag = f"repeat {tags[0]}"
            method.append({"step": "tag", "tag": tag})
            _write_steps(node.bodies[0], method, tags)
            method.append({"step": "loop", "loop_to": tag, "cycle_count": node.count})
        else:
            method.append(_written(node))


def _written(node: ProtocolNode) -> dict[str, Any]:
    match node:
        case Rest():
            return {"step": "open_circuit_voltage", "until_time_s": node.time.value}
        case Drive():
            key = "rate_C" if node.current.kind is QuantityKind.C_RATE else "current_mA"
            sign = 1.0 if node.direction is Direction.CHARGE else -1.0
            return {"step": "constant_current", key: sign * node.current.value, **_written_ends(node.until)}
        case Hold():
            return {"step": "constant_voltage", "voltage_V": node.voltage.value, **_written_ends(node.until)}
        case Impedance():
            key = "amplitude_mA" if node.amplitude.kind is QuantityKind.CURRENT else "amplitude_V"
            return {
                "step": "impedance_spectroscopy",
                key: node.amplitude.value,
                "start_frequency_Hz": node.start.value,
                "end_frequency_Hz": node.end.value,
                "points_per_decade": node.points_per_decade,
            }
        case _:
            raise TypeError(f"{type(node).__name__} is not a reduced step")


def _written_ends(ends: Ends) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if ends.voltage is not None:
        found["until_voltage_V"] = ends.voltage.value
    if ends.time is not None:
        found["until_time_s"] = ends.time.value
    if ends.current is not None:
        found["until_rate_C" if ends.current.kind is QuantityKind.C_RATE else "until_current_mA"] = (
            ends.current.value
        )
    return found


def read(data: bytes, source: str = "<unicycler>") -> tuple[Protocol, tuple[Loss, ...]]:
    """Read unicycler JSON. Raises: UserFileError naming the step and the fix."""
    return _Reading(source).protocol(data)


class _Reading:
    """Reads one file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._losses: list[Loss] = []

    def _refuse(self, problem: str, fix: str = "Correct the file where it was made.") -> UserFileError:
        return UserFileError(problem, path=self._source, fix=fix)

    def protocol(self, data: bytes) -> tuple[Protocol, tuple[Loss, ...]]:
        document = self._document(data)
        self._known(document, "the file", {"unicycler", "sample", "record", "safety", "method"})
        self._object(document.get("unicycler", {}), "unicycler")
        sample = self._object(document.get("sample", {}), "sample")
        self._known(sample, "sample", {"name", "capacity_mAh"})
        if sample.get("name", "$NAME") != "$NAME":
            self._losses.append(
                Loss("sample.name", "the sample's name belongs to the cell, not to the protocol.")
            )
        if sample.get("capacity_mAh") is not None:
            self._losses.append(
                Loss("sample.capacity_mAh", "the nominal capacity belongs to the cell's record.")
            )
        record = self._object(document.get("record", {}), "record")
        self._known(record, "record", {"time_s", "voltage_V", "current_mA"})
        method = document.get("method")
        if not isinstance(method, list) or not method:
            raise self._refuse("'method' must be a list with at least one step.")
        protocol = Protocol(
            READ_NAME,
            self._steps(method),
            record=RecordIntent(
                self._positive(record, "time_s", "s", "record"),
                self._positive(record, "voltage_V", "V", "record"),
                self._positive(record, "current_mA", "mA", "record"),
            ),
            safety=self._safety(self._object(document.get("safety", {}), "safety")),
            source=self._source,
        )
        return protocol, tuple(self._losses)

    def _document(self, data: bytes) -> dict[str, Any]:
        if len(data) > BYTES_MAX:
            raise self._refuse(f"the file is larger than {BYTES_MAX} bytes.")
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._refuse(f"the file is not JSON: {error}.") from error
        return self._object(document, "the file")

    def _object(self, value: object, what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._refuse(f"{what} must be a JSON object.")
        return value

    def _known(self, value: dict[str, Any], what: str, keys: set[str] | frozenset[str]) -> None:
        unknown = sorted(set(value) - keys)
        if unknown:
            raise self._refuse(
                f"{what} has the unknown key '{unknown[0]}'.", f"Known keys: {', '.join(sorted(keys))}."
            )

    def _number(self, value: dict[str, Any], key: str, what: str) -> float | None:
        found = value.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
            raise self._refuse(f"{what}: '{key}' must be a number, not {found!r}.")
        return float(found)

    def _positive(self, value: dict[str, Any], key: str, unit: str, what: str) -> Quantity | None:
        number = self._number(value, key, what)
        if number is not None and number <= 0:
            raise self._refuse(f"{what}: '{key}' must be larger than zero.")
        return None if number is None else quantity(number, unit)

    def _signed(self, value: dict[str, Any], key: str, unit: str, what: str) -> Quantity | None:
        number = self._number(value, key, what)
        return None if number is None else quantity(number, unit)

    def _safety(self, value: dict[str, Any]) -> SafetyIntent:
        keys = {
            "max_voltage_V",
            "min_voltage_V",
            "max_current_mA",
            "min_current_mA",
            "max_capacity_mAh",
            "delay_s",
        }
        self._known(value, "safety", keys)
        most, least = (
            self._number(value, "max_current_mA", "safety"),
            self._number(value, "min_current_mA", "safety"),
        )
        sizes = [abs(number) for number in (most, least) if number is not None]
        if sizes and (most is None or least is None or most != -least):
            self._losses.append(
                Loss("safety.current", "one limit for both directions: the larger size is kept.")
            )
        return SafetyIntent(
            voltage_min=self._signed(value, "min_voltage_V", "V", "safety"),
            voltage_max=self._signed(value, "max_voltage_V", "V", "safety"),
            current_max=quantity(max(sizes), "mA") if sizes else None,
            capacity_max=self._positive(value, "max_capacity_mAh", "mAh", "safety"),
            delay=self._positive(value, "delay_s", "s", "safety"),
        )

    def _steps(self, method: list[Any]) -> tuple[ProtocolNode, ...]:
        """Return the steps with loops as nested repeats. Loops may not cross."""
        tags: dict[str, int] = {}
        found: list[
            tuple[int, int, ProtocolNode]
        ] = []  # numbers of its first and last step in the file, node
        used: set[str] = set()
        last = [Direction.CHARGE]
        for number, item in enumerate(method, 1):
            step = self._object(item, f"method[{number}]")
            kind = step.get("step")
            if not isinstance(kind, str) or kind not in _KEYS:
                raise self._refuse(
                    f"method[{number}]: unknown step {kind!r}.", f"Known steps: {', '.join(_KEYS)}."
                )
            self._known(step, f"method[{number}]", _KEYS[kind] | {"step", "id"})
            if kind == "tag":
                tag = step.get("tag")
                if not isinstance(tag, str) or tag in tags:
                    raise self._refuse(f"method[{number}]: a tag must be a text that occurs once.")
                tags[tag] = number
            elif kind == "loop":
                first = self._loop_start(step, number, tags, used)
                count = step.get("cycle_count")
                if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                    raise self._refuse(
                        f"method[{number}]: 'cycle_count' must be a whole number of at least 1."
                    )
                if any(begin < first <= end for begin, end, _ in found):
                    raise self._refuse(f"method[{number}]: loops may not cross; this one jumps into another.")
                body = tuple(node for begin, _, node in found if begin >= first)
                if not body:
                    raise self._refuse(f"method[{number}]: the loop holds no step.")
                repeat = Repeat(count, (body,))
                self._check_depth(repeat, number)
                found = [*(item for item in found if item[0] < first), (first, number, repeat)]
            else:
                found.append((number, number, self._step(step, kind, f"method[{number}]", last)))
        for tag in sorted(set(tags) - used):
            self._losses.append(Loss(f"tag {tag}", "no loop jumps to this tag; it is left out."))
        if not found:
            raise self._refuse("'method' holds no step.")
        return tuple(node for _, _, node in found)

    def _check_depth(self, node: ProtocolNode, number: int) -> None:
        if _depth(node) > DEPTH_MAX:
            raise self._refuse(f"method[{number}]: loops are nested deeper than {DEPTH_MAX}.")

    def _loop_start(self, step: dict[str, Any], number: int, tags: dict[str, int], used: set[str]) -> int:
        target = step.get("loop_to")
        if isinstance(target, str) and target in tags:
            used.add(target)
            return tags[target]
        if isinstance(target, int) and not isinstance(target, bool) and 1 <= target < number:
            return target
        raise self._refuse(
            f"method[{number}]: 'loop_to' {target!r} is neither a tag nor a step before the loop."
        )

    def _step(self, step: dict[str, Any], kind: str, place: str, last: list[Direction]) -> ProtocolNode:
        time = self._positive(step, "until_time_s", "s", place)
        if kind == "open_circuit_voltage":
            if time is None:
                raise self._refuse(f"{place}: a rest needs 'until_time_s'.")
            return Rest(time)
        if kind == "constant_current":
            return self._drive(step, place, time, last)
        if kind == "constant_voltage":
            voltage = self._signed(step, "voltage_V", "V", place)
            if voltage is None:
                raise self._refuse(f"{place}: 'voltage_V' is missing.")
            rate = self._rate(step, "until_rate_C", place)
            current = (
                quantity(abs(rate), "C") if rate else self._signed(step, "until_current_mA", "mA", place)
            )
            if current is not None and current.value < 0:
                current = quantity(-current.value, current.unit)
            return Hold(last[0], voltage, Ends(current=current, time=time))
        if kind == "impedance_spectroscopy":
            return self._impedance(step, place)
        raise self._refuse(f"{place}: labctl has no voltage scan on a cycler.", "Remove the step.")

    def _drive(self, step: dict[str, Any], place: str, time: Quantity | None, last: list[Direction]) -> Drive:
        rate = self._rate(step, "rate_C", place)
        current_mA = self._number(step, "current_mA", place)
        value, unit = (rate, "C") if rate else (current_mA, "mA")
        if not value:
            raise self._refuse(f"{place}: neither 'rate_C' nor 'current_mA' gives a current.")
        if rate and current_mA:
            self._losses.append(Loss(f"{place}.current_mA", "'rate_C' wins where both are given."))
        voltage = self._signed(step, "until_voltage_V", "V", place)
        if voltage is not None and base_value(voltage) == 0:
            self._losses.append(Loss(f"{place}.until_voltage_V", "0 counts as no end in this format."))
            voltage = None
        last[0] = Direction.CHARGE if value > 0 else Direction.DISCHARGE
        return Drive(last[0], quantity(abs(value), unit), Ends(voltage=voltage, time=time))

    def _impedance(self, step: dict[str, Any], place: str) -> Impedance:
        amplitude = self._positive(step, "amplitude_V", "V", place) or self._positive(
            step, "amplitude_mA", "mA", place
        )
        start = self._positive(step, "start_frequency_Hz", "Hz", place)
        end = self._positive(step, "end_frequency_Hz", "Hz", place)
        if amplitude is None or start is None or end is None:
            raise self._refuse(f"{place}: impedance needs an amplitude and two frequencies.")
        for key, usual in (("measures_per_point", 1), ("drift_correction", False)):
            if step.get(key, usual) != usual:
                self._losses.append(Loss(f"{place}.{key}", "labctl has no such setting yet."))
        points = step.get("points_per_decade", 10)
        if isinstance(points, bool) or not isinstance(points, int) or points < 1:
            raise self._refuse(f"{place}: 'points_per_decade' must be a whole number of at least 1.")
        return Impedance(start, end, points, amplitude)

    def _rate(self, step: dict[str, Any], key: str, place: str) -> float | None:
        """Return a C-rate given as a number or as text: C/3, -1/5, D/2 (D discharges)."""
        found = step.get(key)
        if not isinstance(found, str):
            return self._number(step, key, place)
        parts = _RATE.match(found)
        try:
            if parts is None or not found.strip():
                raise ValueError(found)
            value = float(parts[2] or 1.0) / float(parts[4] or 1.0)
        except (ValueError, ZeroDivisionError) as error:
            raise self._refuse(
                f"{place}: '{found}' is not a C-rate.", "Write a number, C/3 or D/2."
            ) from error
        sign = (-1.0 if parts[1] == "-" else 1.0) * (-1.0 if parts[3] == "D" else 1.0)
        if not math.isfinite(value):
            raise self._refuse(f"{place}: '{found}' is not a C-rate.", "Write a number, C/3 or D/2.")
        return sign * value


def _depth(node: ProtocolNode) -> int:
    return 1 + max(_depth(item) for item in node.bodies[0]) if isinstance(node, Repeat) else 0
