"""Write and read PyBaMM experiment strings (PyBaMM 26), with a loss report.

Written is a Python expression for ``pybamm.Experiment(...)``: lists of tuples of strings, multiplied for repeats::

    [("Rest for 6 hours",)] + [("Charge at 1 C until 3.8 V", "Discharge at 1 C until 3 V")] * 150

Read are such expressions (parsed, never evaluated: only lists, tuples, texts, ``+``, ``*`` and a call of
``Experiment``), and plain lines with one string each. Source: data-formats, section 4.3.
"""

from __future__ import annotations

import ast
import re

from labctl.errors import UserFileError
from labctl.interfaces.converter import Loss
from labctl.model.cell import Cell
from labctl.model.protocol import (
    Direction,
    Drive,
    Ends,
    Hold,
    Protocol,
    ProtocolNode,
    Quantity,
    QuantityKind,
    RecordIntent,
    Repeat,
    Rest,
    StepOptions,
)
from labctl.protocol.convert.reduce import Holds, Reducer
from labctl.protocol.quantities import (
    NUMBER,
    base_value,
    format_quantity,
    number_text,
    parse_quantity,
    quantity,
)

NAME = "pybamm"
SUFFIX = ".py"
READ_NAME = "PyBaMM experiment"
BYTES_MAX = 1_000_000
DEPTH_MAX = 32
STEPS_MAX = 10_000
HOLDS = Holds("PyBaMM")

_TIME_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("h", "hour", "hours", "hr", "hrs"), "h"),
}
_TIME = re.compile(rf"^({NUMBER})\s*([a-z]+)$")
_PERIOD = re.compile(r"\s*\(([^()]+)\s+period\)\s*$")
_STEP = re.compile(
    r"^(Rest|Charge|Discharge|Hold)\b\s*(?:at\s+(.+?))?(?:\s+(?=for\b|until\b|or until\b)(.*))?$", re.I
)
_OTHER_UNITS = re.compile(rf"^{NUMBER}\s*(m?W|m?Ohm|m?ohm)$")


def export(protocol: Protocol, cell: Cell | None = None) -> tuple[bytes, tuple[Loss, ...]]:
    """Write a protocol as an experiment. Raises: UserInputError where a cell is needed or nothing can be written."""
    kept, losses = reduce(protocol, cell)
    return write(kept), losses


def reduce(protocol: Protocol, cell: Cell | None = None) -> tuple[Protocol, tuple[Loss, ...]]:
    """Return what the format keeps of a protocol, and what is lost."""
    reducer = Reducer(HOLDS, cell)
    kept = reducer.protocol(protocol, READ_NAME)
    return kept, tuple(reducer.losses)


def write(kept: Protocol) -> bytes:
    """Write a reduced protocol."""
    every = kept.record.every
    period = "" if every is None else f" ({number_text(every.value)} second period)"
    return f"experiment = {_written_list(kept.steps, period, 0)}\n".encode()


def _written_list(steps: tuple[ProtocolNode, ...], period: str, indent: int) -> str:
    """Return steps as a sum of lists; neighbouring single steps share a tuple."""
    parts: list[str] = []
    group: list[str] = []

    def close() -> None:
        if group:
            parts.append(f"[({', '.join(group)}{',' if len(group) == 1 else ''})]")
            group.clear()

    for node in steps:
        if isinstance(node, Repeat):
            close()
            parts.append(f"{_written_list(node.bodies[0], period, indent + 4)} * {node.count}")
        else:
            group.append('"' + _written(node) + period + '"')
    close()
    if len(parts) == 1 and not parts[0].endswith("]"):
        return f"({parts[0]})"  # a repeat of a repeat
    pad = " " * (indent + 4)
    return parts[0] if len(parts) == 1 else "(\n" + pad + f"\n{pad}+ ".join(parts) + "\n" + " " * indent + ")"


def _written(node: ProtocolNode) -> str:
    match node:
        case Rest():
            return f"Rest for {_seconds(node.time)}"
        case Drive():
            word = node.direction.value.capitalize()
            return f"{word} at {_amount(node.current)}{_written_ends(node.until)}"
        case Hold():
            return f"Hold at {_amount(node.voltage)}{_written_ends(node.until)}"
        case _:
            raise TypeError(f"{type(node).__name__} is not a reduced step")


def _seconds(time: Quantity) -> str:
    value = time.value
    if value >= 3600 and value % 3600 == 0:
        return f"{number_text(value / 3600)} hour{'' if value == 3600 else 's'}"
    if value >= 60 and value % 60 == 0:
        return f"{number_text(value / 60)} minute{'' if value == 60 else 's'}"
    return f"{number_text(value)} seconds"


def _amount(amount: Quantity) -> str:
    return format_quantity(amount)


def _written_ends(ends: Ends) -> str:
    parts = [f"for {_seconds(ends.time)}"] if ends.time is not None else []
    parts += [f"until {_amount(value)}" for value in (ends.voltage, ends.current) if value is not None]
    return (" " + " or ".join(parts)) if parts else ""


def read(data: bytes, source: str = "<pybamm>") -> tuple[Protocol, tuple[Loss, ...]]:
    """Read experiment strings. Raises: UserFileError naming the string and the fix."""
    return _Reading(source).protocol(data)


class _Reading:
    """Reads one file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._last = Direction.CHARGE
        self._periods: list[float | None] = []
        self._count = 0
        self._losses: list[Loss] = []

    def _refuse(self, problem: str, fix: str = "Write strings as PyBaMM documents them.") -> UserFileError:
        return UserFileError(problem, path=self._source, fix=fix)

    def protocol(self, data: bytes) -> tuple[Protocol, tuple[Loss, ...]]:
        if len(data) > BYTES_MAX:
            raise self._refuse(f"the file is larger than {BYTES_MAX} bytes.")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._refuse("the file is not UTF-8 text.", "Save it as UTF-8.") from error
        steps = self._plain_lines(text) if self._is_plain(text) else self._steps(self._parsed(text), 1)
        if not steps:
            raise self._refuse("the experiment holds no step.")
        periods = set(self._periods)
        record = RecordIntent()
        if len(periods) == 1:
            period = periods.pop()
            record = RecordIntent() if period is None else RecordIntent(every=quantity(period, "s"))
            steps = _without_record(steps)
        return Protocol(READ_NAME, steps, record=record, source=self._source), tuple(self._losses)

    @staticmethod
    def _is_plain(text: str) -> bool:
        first = text.lstrip().split("\n", 1)[0].lower()
        return re.match(r"(rest|charge|discharge|hold)\b", first) is not None and "=" not in first

    def _plain_lines(self, text: str) -> tuple[ProtocolNode, ...]:
        lines = [line.strip() for line in text.splitlines()]
        return tuple(self._step(line) for line in lines if line and not line.startswith("#"))

    def _parsed(self, text: str) -> ast.expr:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._refuse(f"this is not a Python expression: {error}.") from error
        found = [node.value for node in tree.body if isinstance(node, ast.Expr | ast.Assign)]
        if len(found) != 1 or len(tree.body) - len(found) > sum(
            isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body
        ):
            raise self._refuse(
                "the file must hold one experiment and nothing else.", "Keep only 'experiment = [...]'."
            )
        node = found[0]
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Experiment" and node.args:
            if len(node.args) > 1 or node.keywords:
                what = "arguments beside the list of steps are not read."
                names = [keyword.arg or "**" for keyword in node.keywords]
                self._losses.append(Loss(f"Experiment.{', '.join(names) or 'arguments'}", what))
            node = node.args[0]
        return node

    def _steps(self, node: ast.expr, depth: int) -> tuple[ProtocolNode, ...]:
        """Return the steps of an expression: text, tuple, list, sum or multiple."""
        if depth > DEPTH_MAX:
            raise self._refuse(f"lists are nested deeper than {DEPTH_MAX}.")
        match node:
            case ast.Constant(value=str() as text):
                return (self._step(text),)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return tuple(step for item in items for step in self._steps(item, depth + 1))
            case ast.BinOp(op=ast.Add()):
                return tuple(step for item in _summands(node) for step in self._steps(item, depth + 1))
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                count = right if isinstance(right, ast.Constant) else left
                body = left if count is right else right
                if (
                    not isinstance(count, ast.Constant)
                    or type(count.value) is not int
                    or not 1 <= count.value <= 10**7
                ):
                    raise self._refuse("a list may be multiplied by a whole number from 1 only.")
                return (Repeat(count.value, (self._steps(body, depth + 1),)),)
        raise self._refuse(
            f"'{ast.unparse(node)[:60]}' is not part of an experiment.",
            "Use lists, tuples, texts, + and * with a number.",
        )

    def _step(self, text: str) -> ProtocolNode:
        self._count += 1
        if self._count > STEPS_MAX:
            raise self._refuse(
                f"the experiment has more than {STEPS_MAX} strings.", "Use list multiplication."
            )
        what = " ".join(text.split())
        period = _PERIOD.search(what)
        period_s = None
        if period:
            period_s = base_value(self._time(period[1].strip(), text))
            what = what[: period.start()]
        self._periods.append(period_s)
        record = None if period_s is None else RecordIntent(every=quantity(period_s, "s"))
        options = StepOptions(record=record)
        found = _STEP.match(what)
        if not found:
            raise self._refuse(f"'{text}' is not an experiment string that labctl knows.")
        word, amount, tail = found[1].lower(), found[2], found[3] or ""
        ends = self._ends(tail, text)
        if word == "rest":
            if ends.time is None:
                raise self._refuse(f"'{text}': a rest needs a time, 'Rest for 1 hour'.")
            return Rest(ends.time, options)
        if amount is None:
            raise self._refuse(f"'{text}' does not say at what.")
        value = self._amount(amount, text)
        if word == "hold":
            if value.kind is not QuantityKind.VOLTAGE:
                raise self._refuse(f"'{text}': labctl holds voltages only.")
            return Hold(self._last, value, ends, None, options)
        if value.kind is QuantityKind.VOLTAGE or value.value <= 0:
            raise self._refuse(f"'{text}': a charge or discharge is at a current or C-rate above zero.")
        self._last = Direction(word)
        return Drive(self._last, value, ends, None, options)

    def _ends(self, tail: str, text: str) -> Ends:
        voltage = current = time = None
        for part in re.split(r"\s+or\s+", tail.strip()) if tail.strip() else []:
            word, _, value = part.partition(" ")
            if word.lower() == "for" and time is None:
                time = self._time(value.strip(), text)
                continue
            found = self._amount(value, text) if word.lower() == "until" else None
            if found is None:
                raise self._refuse(
                    f"'{text}': '{part}' is not an end.", "Write 'for 1 hour' or 'until 4.2 V'."
                )
            is_voltage = found.kind is QuantityKind.VOLTAGE
            if is_voltage and voltage is None:
                voltage = found
            elif not is_voltage and current is None:
                current = found
            else:
                raise self._refuse(f"'{text}' has two ends of one kind.")
        return Ends(voltage=voltage, current=current, time=time)

    def _time(self, value: str, text: str) -> Quantity:
        found = _TIME.match(value.lower())
        unit = _TIME_WORDS.get(found[2]) if found else None
        if not found or unit is None or float(found[1]) <= 0:
            raise self._refuse(f"'{text}': '{value}' is not a time.", "Write 's', 'minutes' or 'hours'.")
        return quantity(base_value(quantity(float(found[1]), unit)), "s")

    def _amount(self, value: str, text: str) -> Quantity:
        stripped = value.strip()
        if _OTHER_UNITS.match(stripped):
            raise self._refuse(
                f"'{text}': constant power and resistance are not steps of labctl.", "Use a current."
            )
        found = parse_quantity(re.sub(r"(?i)\bc\b", "C", stripped))
        kinds = {QuantityKind.CURRENT: "mA", QuantityKind.VOLTAGE: "V", QuantityKind.C_RATE: "C"}
        if found is None or found.kind not in kinds:
            raise self._refuse(f"'{text}': '{value}' is not a current, C-rate or voltage.")
        if found.kind is QuantityKind.C_RATE:
            return found
        unit = kinds[found.kind]
        scale = 1e3 if unit == "mA" else 1.0
        return found if found.unit == unit else quantity(float(f"{base_value(found) * scale:.15g}"), unit)


def _summands(node: ast.expr) -> list[ast.expr]:
    """Return the parts of a sum from left to right, without recursion (a long sum leans to the left)."""
    parts: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _without_record(steps: tuple[ProtocolNode, ...]) -> tuple[ProtocolNode, ...]:
    """Return the steps without record rules of their own (all have the same, which stands for the whole)."""
    found: list[ProtocolNode] = []
    for node in steps:
        match node:
            case Repeat():
                found.append(Repeat(node.count, (_without_record(node.bodies[0]),)))
            case Rest():
                found.append(Rest(node.time))
            case Drive():
                found.append(Drive(node.direction, node.current, node.until))
            case Hold():
                found.append(Hold(node.direction, node.voltage, node.until))
            case _:
                raise TypeError(f"{type(node).__name__} is not read from PyBaMM")
    return tuple(found)
