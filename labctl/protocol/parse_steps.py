"""Read the steps of a protocol from YAML nodes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from labctl.model.handover import Via
from labctl.model.protocol import (
    Ask,
    Branch,
    Direction,
    Drive,
    Ends,
    Handover,
    Hold,
    Impedance,
    Parallel,
    ProtocolNode,
    Quantity,
    QuantityKind,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
    Vary,
)
from labctl.protocol.quantities import format_quantity, number_text
from labctl.protocol.reading import CAPACITIES, CURRENTS, WORD, Values
from labctl.protocol.yamlfile import Fields, Mapping, Node, Scalar, Sequence, nearest

VARIED_PASSES_MAX = 200
"""Every varied pass has steps of its own in the device's program; a staircase has 10 to 50."""
EXPANDED_NODES_MAX = 10_000
NO_LIMIT = "none"
"""Stands for the open side of a limit: ``voltage: [none, 4.5 V]``."""

COMMON = ("name", "record", "safety", "range")
STEP_KEYS: dict[str, tuple[str, ...]] = {
    "rest": ("rest", *COMMON[:3]),
    "charge": ("charge", "to", "then_hold", "until", *COMMON),
    "discharge": ("discharge", "to", "then_hold", "until", *COMMON),
    "hold": ("hold", "direction", "at_most", "until", *COMMON),
    "repeat": ("repeat", "until", "vary", "steps"),
    "if": ("if", "then", "else"),
    "eis": ("eis",),
    "ask": ("ask",),
    "handover": ("handover",),
    "parallel": ("parallel",),
}
"""Step word to the keys that may stand beside it."""
ENDS_KEYS = ("voltage", "current", "time", "capacity", "temperature", "when")
RECORD_KEYS = ("every", "or_change", "or_current_change")
WARN_KEYS = ("voltage", "current", "capacity", "delay")
"""Temperatures are the chamber's business, which warns by itself (``warn`` of 'temperature')."""
SAFETY_KEYS = ("voltage", "current", "capacity", "temperature", "delay", "warn")
EIS_KEYS = ("from", "to", "points_per_decade", "amplitude", "on", "via", "settle")

_V = (QuantityKind.VOLTAGE,)
_T = (QuantityKind.TIME,)


class StepReader:
    """Reads step lists; counts what varied repeats expand to."""

    def __init__(self, values: Values) -> None:
        self._expanded = 0
        self._values = values

    def steps(self, node: Node, what: str, values: Values | None = None) -> tuple[ProtocolNode, ...]:
        """Return the steps of a list, which must not be empty."""
        values = values or self._values
        if not isinstance(node, Sequence):
            raise values.refuse(
                node,
                f"{what} must be a list of steps.",
                "Begin each step with '- ', for example '- rest: 6 h'.",
            )
        if not node.items:
            raise values.refuse(node, f"{what} is an empty list.", "Add a step, for example '- rest: 6 h'.")
        return tuple(self.step(item, values) for item in node.items)

    def step(self, node: Node, values: Values) -> ProtocolNode:
        """Return one step."""
        self._expanded += 1
        if self._expanded > EXPANDED_NODES_MAX:
            raise values.refuse(
                node, f"varied repeats expand to more than {EXPANDED_NODES_MAX} steps.", "Use fewer passes."
            )
        if not isinstance(node, Mapping):
            hint = (
                f"Write '- {node.text}: ...'."
                if isinstance(node, Scalar) and node.text in STEP_KEYS
                else "Write for example '- rest: 6 h'."
            )
            raise values.refuse(node, "a step must be written as 'word: value'.", hint)
        words = [key for key, _ in node.entries if key.text in STEP_KEYS]
        if not words:
            raise self._no_word(node, values)
        if len(words) > 1:
            raise values.refuse(
                words[1],
                f"one step cannot be both '{words[0].text}' and '{words[1].text}'.",
                f"Begin a new step: put '- ' before '{words[1].text}'.",
            )
        word = words[0].text
        fields = Fields(node, values.source, f"a '{word}' step", STEP_KEYS[word])
        return self._readers()[word](fields, values)

    def _readers(self) -> dict[str, Callable[[Fields, Values], ProtocolNode]]:
        return {
            "rest": self._rest, "charge": self._drive, "discharge": self._drive, "hold": self._hold,
            "repeat": self._repeat, "if": self._if, "eis": self._eis, "ask": self._ask,
            "handover": self._handover, "parallel": self._parallel,
        }  # fmt: skip

    @staticmethod
    def _no_word(node: Mapping, values: Values) -> Exception:
        for key, _ in node.entries:
            near = nearest(key.text, STEP_KEYS)
            if near:
                return values.refuse(
                    key,
                    f"unknown step '{key.text}'.",
                    f"Did you mean '{near}'? Steps: {', '.join(STEP_KEYS)}.",
                )
        first = node.entries[0][0] if node.entries else node
        found = f"unknown step '{first.text}'" if isinstance(first, Scalar) else "this step is empty"
        return values.refuse(first, f"{found}.", f"Steps: {', '.join(STEP_KEYS)}.")

    def _options(self, fields: Fields, values: Values, first: str) -> StepOptions:
        range_node = fields.get("range")
        auto = range_node is not None and values.scalar(range_node, "range") == "auto"
        name, record, safety = fields.get("name"), fields.get("record"), fields.get("safety")
        return StepOptions(
            label="" if name is None else values.text(name, "name"),
            record=None if record is None else read_record(record, values),
            safety=None if safety is None else read_safety(safety, values),
            range=None
            if range_node is None or auto
            else values.quantity(range_node, "range", (QuantityKind.CURRENT,)),
            range_auto=auto,
            place=values.place(fields.keys[first]),
        )

    def _rest(self, fields: Fields, values: Values) -> Rest:
        time = values.quantity(fields.need("rest", "6 h"), "rest", _T)
        return Rest(time, self._options(fields, values, "rest"))

    def _drive(self, fields: Fields, values: Values) -> Drive:
        word = "charge" if "charge" in fields else "discharge"
        current = values.quantity(fields.need(word, "1 mA/cm^2"), word, CURRENTS)
        options = self._options(fields, values, word)
        hold_node, to_node, until_node = fields.get("then_hold"), fields.get("to"), fields.get("until")
        hold = None if hold_node is None else values.quantity(hold_node, "then_hold", _V, signed=True)
        ends = Ends() if until_node is None else read_ends(until_node, values)
        if to_node is not None:
            if ends.voltage is not None:
                raise values.refuse(
                    to_node, "the end voltage is given twice, as 'to' and under 'until'.", "Keep one of them."
                )
            to = values.quantity(to_node, "to", _V, signed=True)
            ends = Ends(
                to,
                ends.current,
                ends.time,
                ends.capacity,
                ends.temperature_above,
                ends.temperature_below,
                ends.when,
            )
        if hold is not None and ends.voltage is not None:
            raise values.refuse(
                to_node or until_node,
                "a step that holds a voltage cannot also end at one.",
                "With 'then_hold: 4.2 V' end by current and time: 'until: {current: C/20, time: 4 h}'.",
            )
        if hold is None and ends.current is not None:
            raise values.refuse(
                until_node,
                f"a constant-current '{word}' cannot end by current.",
                "Add 'then_hold: 4.2 V' for CCCV, or end by voltage, capacity or time.",
            )
        return Drive(Direction(word), current, ends, hold, options)

    def _hold(self, fields: Fields, values: Values) -> Hold:
        voltage = values.quantity(fields.need("hold", "4.2 V"), "hold", _V, signed=True)
        direction, at_most, until = fields.get("direction"), fields.get("at_most"), fields.get("until")
        ends = Ends() if until is None else read_ends(until, values)
        if ends.voltage is not None:
            raise values.refuse(
                until, "a held voltage cannot be the end as well.", "End by 'current' and 'time'."
            )
        return Hold(
            Direction.CHARGE if direction is None else values.choice(direction, "direction", Direction),
            voltage,
            ends,
            None if at_most is None else values.quantity(at_most, "at_most", CURRENTS),
            self._options(fields, values, "hold"),
        )

    def _repeat(self, fields: Fields, values: Values) -> Repeat:
        count_node, steps = fields.need("repeat", "10"), fields.need("steps", "[{rest: 1 h}]")
        until, vary_node = fields.get("until"), fields.get("vary")
        if isinstance(count_node, Mapping):
            raise values.refuse(
                count_node,
                "'repeat' takes a number.",
                "Write 'repeat: 50', and 'until: retention < 80 %' on a line of its own.",
            )
        count = values.count(count_node, "repeat")
        condition = "" if until is None else values.condition(until, "until")
        place = values.place(fields.keys["repeat"])
        if vary_node is None:
            return Repeat(count, (self.steps(steps, "steps", values),), condition, (), place)
        if count > VARIED_PASSES_MAX:
            raise values.refuse(
                count_node,
                f"a repeat that varies can have {VARIED_PASSES_MAX} passes, not {count}.",
                "Use larger stairs.",
            )
        vary = _read_vary(vary_node, values, count)
        bodies = []
        for index in range(count):
            more = {item.name: format_quantity(item.values[index]) for item in vary}
            bodies.append(self.steps(steps, "steps", values.with_more(more)))
        return Repeat(count, tuple(bodies), condition, vary, place)

    def _if(self, fields: Fields, values: Values) -> Branch:
        otherwise = fields.get("else")
        return Branch(
            values.condition(fields.need("if", "retention < 80 %"), "if"),
            self.steps(fields.need("then", "[{rest: 1 h}]"), "then", values),
            () if otherwise is None else self.steps(otherwise, "else", values),
            values.place(fields.keys["if"]),
        )

    def _eis(self, fields: Fields, values: Values) -> Impedance:
        inner = Fields(fields.need("eis", "{...}"), values.source, "'eis'", EIS_KEYS)
        amplitude_node = inner.need("amplitude", "10 mV rms")
        text = values.scalar(amplitude_node, "amplitude")
        peak = text.endswith(" peak")
        if isinstance(amplitude_node, Scalar):
            bare = text.removesuffix(" peak").removesuffix(" rms")
            amplitude_node = Scalar(bare, amplitude_node.line, amplitude_node.column, amplitude_node.plain)
        points, on, via, settle = (inner.get(key) for key in ("points_per_decade", "on", "via", "settle"))
        return Impedance(
            values.quantity(inner.need("from", "1 MHz"), "from", (QuantityKind.FREQUENCY,)),
            values.quantity(inner.need("to", "100 mHz"), "to", (QuantityKind.FREQUENCY,)),
            10 if points is None else values.count(points, "points_per_decade", most=1000),
            values.quantity(amplitude_node, "amplitude", (QuantityKind.VOLTAGE, QuantityKind.CURRENT)),
            peak,
            "" if on is None else values.text(on, "on"),
            "" if via is None else values.choice(via, "via", Via).value,
            None if settle is None else values.quantity(settle, "settle", (QuantityKind.TIME,)),
            values.place(fields.keys["eis"]),
        )

    def _ask(self, fields: Fields, values: Values) -> Ask:
        return Ask(values.text(fields.need("ask", "Cell moved?"), "ask"), values.place(fields.keys["ask"]))

    def _handover(self, fields: Fields, values: Values) -> Handover:
        return Handover(
            values.text(fields.need("handover", "potentiostat"), "handover"),
            values.place(fields.keys["handover"]),
        )

    def _parallel(self, fields: Fields, values: Values) -> Parallel:
        node = fields.need("parallel", "[[...], [...]]")
        if not isinstance(node, Sequence) or len(node.items) < 2:
            raise values.refuse(
                node,
                "'parallel' needs a list of at least two step lists.",
                "Write '- parallel: [[...], [...]]'.",
            )
        branches = tuple(self.steps(item, "a branch of 'parallel'", values) for item in node.items)
        return Parallel(branches, values.place(fields.keys["parallel"]))


def _read_vary(node: Node, values: Values, count: int) -> tuple[Vary, ...]:
    if not isinstance(node, Mapping) or not node.entries:
        raise values.refuse(
            node, "'vary' names variables.", "Write 'vary: {j: {start: 0.1 mA/cm^2, add: 0.1 mA/cm^2}}'."
        )
    found = []
    for key, value in node.entries:
        if not WORD.fullmatch(key.text):
            raise values.refuse(key, f"'{key.text}' is not a variable name.", "Use letters, digits and '_'.")
        if key.text in values.variables:
            raise values.refuse(
                key, f"variable '{key.text}' exists already.", "Choose another name for the one that varies."
            )
        found.append(_read_varied(key.text, value, values, count))
    return tuple(found)


def _read_varied(name: str, node: Node, values: Values, count: int) -> Vary:
    kinds = tuple(QuantityKind)
    if isinstance(node, Sequence):
        if len(node.items) != count:
            raise values.refuse(
                node,
                f"'{name}' has {len(node.items)} values for {count} passes.",
                "Give one value per pass, or change 'repeat'.",
            )
        return Vary(name, tuple(values.quantity(item, name, kinds, signed=True) for item in node.items))
    inner = Fields(node, values.source, f"'{name}' under 'vary'", ("start", "add"))
    start = values.quantity(inner.need("start", "0.1 mA/cm^2"), "start", kinds, signed=True, zero=True)
    add_node = inner.need("add", "0.1 mA/cm^2")
    add = values.quantity(add_node, "add", kinds, signed=True)
    if add.unit != start.unit:
        raise values.refuse(
            add_node, f"'add' is in '{add.unit}' but 'start' in '{start.unit}'.", "Use one unit for both."
        )
    first, more = Decimal(number_text(start.value)), Decimal(number_text(add.value))
    stairs = (float(first + index * more) for index in range(count))  # decimal: 0.1 + 2 x 0.1 is 0.3
    return Vary(name, tuple(Quantity(value, start.unit, start.kind) for value in stairs), add)


def read_ends(node: Node, values: Values) -> Ends:
    """Return what ends a step."""
    fields = Fields(node, values.source, "'until'", ENDS_KEYS)
    voltage, current, time, capacity = (fields.get(key) for key in ENDS_KEYS[:4])
    above = below = None
    if (temperature := fields.get("temperature")) is not None:
        inner = Fields(temperature, values.source, "'temperature' under 'until'", ("above", "below"))
        kinds = (QuantityKind.TEMPERATURE,)
        above_node, below_node = inner.get("above"), inner.get("below")
        above = None if above_node is None else values.quantity(above_node, "above", kinds, signed=True)
        below = None if below_node is None else values.quantity(below_node, "below", kinds, signed=True)
    when = fields.get("when")
    return Ends(
        None if voltage is None else values.quantity(voltage, "voltage", _V, signed=True),
        None if current is None else values.quantity(current, "current", CURRENTS),
        None if time is None else values.quantity(time, "time", _T),
        None if capacity is None else values.quantity(capacity, "capacity", CAPACITIES),
        above,
        below,
        "" if when is None else values.condition(when, "when"),
    )


def read_record(node: Node, values: Values) -> RecordIntent:
    """Return when records are written."""
    fields = Fields(node, values.source, "'record'", RECORD_KEYS)
    every, change, current = (fields.get(key) for key in RECORD_KEYS)
    return RecordIntent(
        None if every is None else values.quantity(every, "every", _T),
        None if change is None else values.quantity(change, "or_change", _V),
        None if current is None else values.quantity(current, "or_current_change", CURRENTS),
    )


def _pair(
    node: Node, what: str, kind: QuantityKind, values: Values
) -> tuple[Quantity | None, Quantity | None]:
    if not isinstance(node, Sequence) or len(node.items) != 2:
        example = "[-5 V, 5 V]" if kind is QuantityKind.VOLTAGE else "[0 degC, 60 degC]"
        raise values.refuse(
            node, f"{what} needs the lowest and the highest value.", f"Write '{what}: {example}'."
        )
    low, high = (
        None if values.scalar(item, what) == NO_LIMIT else values.quantity(item, what, (kind,), signed=True)
        for item in node.items
    )
    if low is None and high is None:
        raise values.refuse(node, f"'{what}' limits nothing.", "Give at least one value, or remove the line.")
    if low is None or high is None:
        return low, high
    if low.unit == high.unit and low.value >= high.value:
        raise values.refuse(node, f"the lowest {what} is not below the highest.", "Swap the two values.")
    return low, high


def read_safety(node: Node, values: Values, what: str = "'safety'") -> SafetyIntent:
    """Return limits that stop the run, and under ``warn`` those that only tell."""
    fields = Fields(node, values.source, what, SAFETY_KEYS if what == "'safety'" else WARN_KEYS)
    voltage, current, capacity, temperature, delay, warn = (fields.get(key) for key in SAFETY_KEYS)
    volts = (None, None) if voltage is None else _pair(voltage, "voltage", QuantityKind.VOLTAGE, values)
    degrees = (
        (None, None)
        if temperature is None
        else _pair(temperature, "temperature", QuantityKind.TEMPERATURE, values)
    )
    return SafetyIntent(
        voltage_min=volts[0],
        voltage_max=volts[1],
        current_max=None if current is None else values.quantity(current, "current", CURRENTS),
        capacity_max=None if capacity is None else values.quantity(capacity, "capacity", CAPACITIES),
        temperature_min=degrees[0],
        temperature_max=degrees[1],
        delay=None if delay is None else values.quantity(delay, "delay", _T),
        warn=None if warn is None else read_safety(warn, values, "'warn'"),
    )
