"""The texts of the table's cells and back: until, record, limits, what is set, sweeps and varied values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from labctl.gui.viewmodels.protocol.splices import Value
from labctl.gui.viewmodels.protocol.typed import Family, Option, Told, joined, narrowed, pretty, read_typed
from labctl.gui.viewmodels.words import tr

Show = Callable[[str], str]
"""Makes a value as it stands in the file into what is shown (variables replaced, or not)."""
BAR, DOTS = " | ", " … "
_ENDS = {"voltage": "V", "current": "I", "capacity": "Q", "time": "t"}
_FAMILY = {
    "voltage": Family.VOLTAGE, "current": Family.CURRENT, "time": Family.TIME, "capacity": Family.CAPACITY,
    "temperature": Family.TEMPERATURE,
}  # fmt: skip
_SYMBOL = re.compile(
    r"^(?P<symbol>\|V\||\|I\||V|I|t|Q|T|voltage|current|time|capacity|temperature|warn|delay)"
    r"(?![A-Za-z])\s*(?P<sign><=|>=|[≤≥<>=:]?)\s*(?P<rest>.*)$"
)
_NAMES = {"V": "voltage", "I": "current", "t": "time", "Q": "capacity", "T": "temperature", "|V|": "voltage",
          "|I|": "current"}  # fmt: skip
_BY_UNIT = (Family.VOLTAGE, Family.TIME, Family.CURRENT, Family.CAPACITY)
_KEY_OF = {
    Family.VOLTAGE: "voltage",
    Family.TIME: "time",
    Family.CURRENT: "current",
    Family.CAPACITY: "capacity",
}
_CONDITION_WORD = re.compile(r"[A-Za-z_]\w*\s*(<|>|=|above|below)|\band\b|\bor\b|\bnot\b", re.IGNORECASE)


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<!\|V)\s\|\s|\s*[;；]\s*", text) if part.strip()]


# -- until ---------------------------------------------------------------------------------------------------------


def until_text(ends: Mapping[str, Any], show: Show = pretty) -> str:
    """Return what ends a step: ``V 4.3 V | t 4 h | when retention < 80 %``."""
    parts = [f"{symbol} {show(str(ends[key]))}" for key, symbol in _ENDS.items() if key in ends]
    temperature = ends.get("temperature")
    if isinstance(temperature, Mapping):
        parts += [f"T {sign} {show(str(temperature[side]))}" for side, sign in (("above", ">"), ("below", "<"))
                  if side in temperature]  # fmt: skip
    if ends.get("when"):
        parts.append(f"when {show(str(ends['when']))}")
    return BAR.join(parts)


def read_until(text: str, variables: Collection[str] = ()) -> Told[dict[str, Value]]:
    """Read what ends a step; an empty text means no ends."""
    written = text.strip()
    parts = _split(re.sub(r"\s+or\s+(?=[VItQT]\b|when\b)", BAR, written))
    found, trouble = joined(parts, lambda part: _one_end(part, variables), BAR)
    if trouble is not None:
        return trouble
    ends: dict[str, Any] = {}
    for entry in found:
        for key, value in entry.items():
            if key == "temperature" and isinstance(value, Mapping):
                ends.setdefault(key, {}).update(value)
            elif key in ends:
                symbol = _ENDS.get(key, key)
                return Told(
                    problem=tr("protocoltyped", "“{symbol}” stands there twice.").format(symbol=symbol)
                )
            else:
                ends[key] = value
    order = ("voltage", "current", "capacity", "time", "temperature", "when")
    return Told(value={key: ends[key] for key in order if key in ends})


def _one_end(part: str, variables: Collection[str]) -> Told[dict[str, Value]]:
    written = narrowed(part)
    if written.lower().startswith("when ") or (
        _CONDITION_WORD.search(written) and not _SYMBOL.match(written)
    ):
        return read_condition(re.sub(r"^when\s+", "", written, flags=re.IGNORECASE), "when")
    found = _SYMBOL.match(written)
    if found and found["symbol"] not in ("warn", "delay"):
        key = _NAMES.get(found["symbol"], found["symbol"])
        told = read_typed(found["rest"], _FAMILY[key], variables, signed=key in ("voltage", "temperature"))
        return _keyed(told, key, found["sign"], f"{found['symbol']} ")
    if written in variables or written.startswith("${"):
        asked = tr("protocoltyped", "Is “{text}” a voltage, a current, a time or a capacity?").format(
            text=written
        )
        return Told(question=asked, options=tuple(Option(f"{sign} {written}", f"{sign} {written}")
                                                  for sign in _ENDS.values()))  # fmt: skip
    for family in _BY_UNIT:  # the unit says which end it is
        told = read_typed(written, family, variables, signed=family is Family.VOLTAGE)
        if told.value is not None and not re.fullmatch(r"[+-]?[\d.]+", written):
            return _keyed(told, _KEY_OF[family], "", "")
    told_ = tr("protocoltyped", "“{text}” is no end. Write for example V 4.3 V | I C/20 | t 4 h | Q 120 %.")
    return Told(problem=told_.format(text=written))


def _keyed(told: Told[str], key: str, sign: str, before: str) -> Told[dict[str, Value]]:
    if told.value is None:
        options = tuple(Option(item.label, f"{before}{item.text}") for item in told.options)
        return Told(problem=told.problem or ("" if told.question else tr("protocoltyped", "A value is missing.")),
                    question=told.question, options=options)  # fmt: skip
    if key == "temperature":
        return Told(value={key: {"below" if sign in ("<", "<=", "≤") else "above": told.value}})
    return Told(value={key: told.value})


def read_condition(text: str, key: str) -> Told[dict[str, Value]]:
    """Read a condition that the host decides."""
    from labctl.protocol.expressions import ExpressionError, parse_condition

    written = text.strip()
    if "${" not in written:
        try:
            parse_condition(written)
        except ExpressionError as error:
            return Told(problem=f"{error.problem} {error.fix}".strip())
    return Told(value={key: written})


# -- record --------------------------------------------------------------------------------------------------------

_RECORD = {"every": Family.TIME, "or_change": Family.VOLTAGE, "or_current_change": Family.PURE_CURRENT}


def record_text(record: Mapping[str, Any], show: Show = pretty) -> str:
    """Return when records are written: ``10 s or 5 mV``."""
    return " or ".join(show(str(record[key])) for key in _RECORD if key in record)


def read_record(text: str, variables: Collection[str] = ()) -> Told[dict[str, Value]]:
    """Read when records are written; empty or ``inherit`` means that of the protocol."""
    written = text.strip()
    if written.lower() in ("", "inherit", "-", "–", tr("protocoltyped", "inherit")):
        return Told()
    parts = [part.strip() for part in re.split(r"\s+or\s+|\s*[|,;，；]\s*", written) if part.strip()]
    found, trouble = joined(parts, lambda part: _one_record(part, variables), " or ")
    if trouble is not None:
        return trouble
    record: dict[str, Value] = {}
    for at, (key, value) in enumerate(item for entry in found for item in entry.items()):
        key = key or tuple(_RECORD)[min(at, 1)]
        if key in record:
            return Told(problem=tr("protocoltyped", "“{symbol}” stands there twice.").format(symbol=key))
        record[key] = value
    return Told(value={key: record[key] for key in _RECORD if key in record})


def _one_record(part: str, variables: Collection[str]) -> Told[dict[str, Value]]:
    written = re.sub(r"^(every|on)\s+", "", narrowed(part))
    if written.startswith("${") or written in variables:
        told = read_typed(written, Family.TIME, variables)
        return Told(value={"": told.value}) if told.value is not None else Told(problem=told.problem)
    for key, family in _RECORD.items():
        told = read_typed(written, family, variables)
        if told.value is not None:
            return Told(value={key: told.value})
        if told.question:
            return Told(question=told.question, options=told.options)
    return Told(problem=tr("protocoltyped", "“{text}” is no record rule. Write for example 10 s or 5 mV.").format(
        text=written))  # fmt: skip


# -- limits --------------------------------------------------------------------------------------------------------


def limits_text(safety: Mapping[str, Any], show: Show = pretty) -> str:
    """Return limits: ``V 2.5 V … 4.5 V | I 2 mA | T 0 °C … 60 °C | delay 1 s``."""
    parts = []
    for key, symbol in (("voltage", "V"), ("current", "I"), ("capacity", "Q"), ("temperature", "T")):
        value = safety.get(key)
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
            low, high = str(value[0]), str(value[1])
            if symbol == "V" and low == f"-{high}":
                parts.append(f"|V| {show(high)}")
            else:
                parts.append(_pair_text(symbol, low, high, show))
        elif value:
            parts.append(f"{symbol} {show(str(value))}")
    if safety.get("delay"):
        parts.append(f"delay {show(str(safety['delay']))}")
    return BAR.join(parts)


def _pair_text(symbol: str, low: str, high: str, show: Show) -> str:
    if low == "none":
        return f"{symbol} ≤ {show(high)}"
    if high == "none":
        return f"{symbol} ≥ {show(low)}"
    return f"{symbol} {show(low)}{DOTS}{show(high)}"


def read_limits(text: str, variables: Collection[str] = ()) -> Told[dict[str, Value]]:
    """Read limits; empty or ``inherit`` means those of the protocol."""
    written = text.strip()
    if written.lower() in ("", "inherit", "-", "–", tr("protocoltyped", "inherit")):
        return Told()
    found, trouble = joined(_split(written), lambda part: _one_limit(part, variables), BAR)
    if trouble is not None:
        return trouble
    limits: dict[str, Value] = {}
    for entry in found:
        for key, value in entry.items():
            if key in limits:
                return Told(problem=tr("protocoltyped", "“{symbol}” stands there twice.").format(symbol=key))
            limits[key] = value
    order = ("voltage", "current", "capacity", "temperature", "delay")
    return Told(value={key: limits[key] for key in order if key in limits})


def _one_limit(part: str, variables: Collection[str]) -> Told[dict[str, Value]]:
    written = re.sub(r"\s*(?:\.{2,3}|~)\s*", DOTS, narrowed(part))
    found = _SYMBOL.match(written)
    if not found or found["symbol"] in ("t", "time", "warn"):
        told = tr("protocoltyped", "“{text}” is no limit. Write for example V 2.5 V … 4.5 V | I 2 mA.")
        return Told(problem=told.format(text=written))
    symbol, rest = found["symbol"], found["rest"].strip()
    if symbol == "delay":
        return _keyed(read_typed(rest, Family.TIME, variables), "delay", "", "delay ")
    key = _NAMES.get(symbol, symbol)
    if key in ("current", "capacity"):
        return _keyed(read_typed(rest, _FAMILY[key], variables), key, "", f"{symbol} ")
    return _range(symbol, key, found["sign"], rest, variables)


def _range(symbol: str, key: str, sign: str, rest: str, variables: Collection[str]) -> Told[dict[str, Value]]:
    sides = [side.strip() for side in rest.split("…")]
    if len(sides) > 2:
        return Told(problem=tr("protocoltyped", "A limit has a lowest and a highest value."))
    values: list[str] = []
    for side in sides:
        told = read_typed(side, _FAMILY[key], variables, signed=True)
        if told.value is None:
            options = tuple(
                Option(item.label, f"{symbol} {rest.replace(side, item.text, 1)}") for item in told.options
            )
            missing = "" if told.question else tr("protocoltyped", "A value is missing.")
            return Told(problem=told.problem or missing, question=told.question, options=options)
        values.append(told.value)
    if len(values) == 2:
        return Told(value={key: values})
    if symbol == "|V|":
        return Told(value={key: [f"-{values[0]}", values[0]]})
    if sign in (">", ">=", "≥"):
        return Told(value={key: [values[0], "none"]})
    return Told(value={key: ["none", values[0]]})


# -- what is set -----------------------------------------------------------------------------------------------------

_THEN = re.compile(r"\s*(?:→|->|>|\bthen\b|，|,)\s*")
_AT_MOST = re.compile(r"\s*(?:≤|<=|<|\bat most\b|，|,)\s*")


def read_two(
    text: str, first: Family, second: Family, variables: Collection[str], *, hold: bool
) -> Told[tuple[str, str]]:
    """Read ``C/20 → 4.2 V`` (current, then hold) or ``4.2 V ≤ C/10`` (hold, at most); the second may be missing."""
    parts = [part for part in (_AT_MOST if hold else _THEN).split(text.strip(), maxsplit=1) if part.strip()]
    joint = " ≤ " if hold else " → "
    values: list[str] = []
    for at, (part, family) in enumerate(zip(parts, (first, second), strict=False)):
        told = read_typed(part, family, variables, signed=family is Family.VOLTAGE)
        if told.value is None:
            options = tuple(Option(item.label, joint.join([*parts[:at], item.text, *parts[at + 1 :]]))
                            for item in told.options)  # fmt: skip
            return Told(problem=told.problem, question=told.question, options=options)
        values.append(told.value)
    return Told(value=(values[0] if values else "", values[1] if len(values) > 1 else ""))


def sweep_text(eis: Mapping[str, Any], show: Show = pretty) -> str:
    """Return an impedance sweep: ``1 MHz … 100 mHz, 10/dec``."""
    points = eis.get("points_per_decade", "10")
    return f"{show(str(eis.get('from', '?')))}{DOTS}{show(str(eis.get('to', '?')))}, {points}/dec"


def read_sweep(text: str, variables: Collection[str] = ()) -> Told[dict[str, Value]]:
    """Read an impedance sweep."""
    found = re.fullmatch(
        r"(.+?)\s*(?:…|\.{2,3}|\bto\b)\s*(.+?)(?:\s*[,，]\s*(\d+)\s*(?:/|per )?\s*dec\w*)?", text.strip()
    )
    if not found:
        return Told(problem=tr("protocoltyped", "Write a sweep as 1 MHz … 100 mHz, 10/dec."))
    values, trouble = joined(
        [found[1], found[2]], lambda part: read_typed(part, Family.FREQUENCY, variables), DOTS
    )
    if trouble is not None:
        return Told(problem=trouble.problem, question=trouble.question, options=trouble.options)
    return Told(value={"from": values[0], "to": values[1], "points_per_decade": found[3] or "10"})


def vary_text(vary: Mapping[str, Any], show: Show = pretty) -> str:
    """Return the varied values of a repeat: ``j = 0.1 mA/cm² + 0.1 mA/cm²`` or ``rate = C/20, C/20, C/10``."""
    parts = []
    for name, value in vary.items():
        if isinstance(value, Mapping):
            parts.append(
                f"{name} = {show(str(value.get('start', '?')))} + {show(str(value.get('add', '?')))}"
            )
        elif isinstance(value, Sequence) and not isinstance(value, str):
            parts.append(f"{name} = {', '.join(show(str(item)) for item in value)}")
    return BAR.join(parts)


def read_vary(text: str) -> Told[dict[str, Value]]:
    """Read varied values; empty means none."""
    vary: dict[str, Value] = {}
    for part in _split(text):
        found = re.fullmatch(r"([A-Za-z_]\w*)\s*[=:]\s*(.+)", narrowed(part))
        if not found:
            return Told(
                problem=tr("protocoltyped", "Write j = 0.1 mA/cm^2 + 0.1 mA/cm^2, or rate = C/20, C/10.")
            )
        stairs = re.split(r"\s\+\s", found[2])
        texts = stairs if len(stairs) == 2 else re.split(r"\s*,\s*", found[2])
        values = []
        for item in texts:
            told = _any_quantity(item)
            if told.value is None:
                return Told(problem=told.problem)
            values.append(told.value)
        vary[found[1]] = {"start": values[0], "add": values[1]} if len(stairs) == 2 else values
    return Told(value=vary)


def _any_quantity(text: str) -> Told[str]:
    for family in Family:
        told = read_typed(text, family, signed=True)
        if told.value is not None:
            return told
    return Told(problem=tr("protocoltyped", "“{text}” is no quantity with a unit.").format(text=text))
