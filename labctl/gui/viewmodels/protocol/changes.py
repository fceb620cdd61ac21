"""What an edit of a cell means for the keys of its step: values, another kind of step, another direction."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from labctl.gui.viewmodels.protocol.celltexts import (
    read_condition,
    read_limits,
    read_record,
    read_sweep,
    read_two,
    read_until,
    read_vary,
)
from labctl.gui.viewmodels.protocol.rows import DEVICE, DRIVEN, HEADS, STEPS, Column, Kind, Row, word_of
from labctl.gui.viewmodels.protocol.splices import Value
from labctl.gui.viewmodels.protocol.typed import VARIABLE, Family, Option, Told, narrowed, pretty, read_typed
from labctl.gui.viewmodels.words import tr

HELD = (Kind.CCCV_CHG, Kind.CCCV_DIS)
CV = (Kind.CV_CHG, Kind.CV_DIS)
NEW_STEP: Mapping[str, Value] = {"rest": "10 min"}
"""What "add step" puts in: it can run as it is, and its kind is one key away."""
_DIRECTION = re.compile(r"^(charge|discharge|CHG|DIS)\s+(.*)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Updates:
    """What becomes of a step: keys with new values (None: gone), keys with another name."""

    wanted: Mapping[str, Value | None] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def why_not_editable(row: Row, column: Column) -> str:
    """Return why a cell cannot be edited; empty where it can."""
    if row.locked:
        return row.locked
    if column in (Column.NUMBER, Column.NEXT):
        return tr("protocolchanges", "The order of the rows says this; move the row.")
    if column is Column.ABSOLUTE:
        return tr("protocolchanges", "Worked out from the set value and the chosen cell.")
    if column in _EDITABLE.get(row.kind, ()):
        return ""
    if row.kind in DEVICE:
        return tr("protocolchanges", "A rest sets nothing; its time stands under “until”.")
    return tr("protocolchanges", "A row “{kind}” has nothing here.").format(kind=row.kind.value)


_FULL = (Column.LABEL, Column.STEP, Column.SET, Column.UNTIL, Column.RECORD, Column.LIMITS)
_EDITABLE: Mapping[Kind, tuple[Column, ...]] = {
    **dict.fromkeys((*DRIVEN, *CV), _FULL),
    Kind.REST: (Column.LABEL, Column.STEP, Column.UNTIL, Column.RECORD, Column.LIMITS),
    Kind.REPEAT: (Column.STEP, Column.UNTIL),
    Kind.REPEAT_END: (Column.UNTIL,),
    Kind.IF: (Column.UNTIL,),
    Kind.EIS: (Column.STEP, Column.SET, Column.UNTIL),
    Kind.ASK: (Column.STEP, Column.UNTIL),
    Kind.HANDOVER: (Column.STEP, Column.UNTIL),
    Kind.ODD: (Column.STEP,),
}


def read_cell(row: Row, column: Column, typed: str, variables: Collection[str]) -> Told[Updates]:
    """Return what a typed text means for the row's step, or the question, or the problem."""
    why = why_not_editable(row, column)
    if why:
        return Told(problem=why)
    if column is Column.LABEL:
        return Told(value=Updates({"name": typed.strip() or None}))
    if column is Column.STEP:
        return _count(typed, variables) if row.kind is Kind.REPEAT else _kind(row, typed)
    if column is Column.SET:
        return _set(row, typed, variables)
    if column is Column.UNTIL:
        return _until(row, typed, variables)
    if column is Column.RECORD:
        return _nested("record", read_record(typed, variables))
    told = read_limits(typed, variables)
    old = row.step.get("safety")
    if told.value is not None and isinstance(old, Mapping) and "warn" in old:
        told = Told(value={**told.value, "warn": old["warn"]})
    return _nested("safety", told)


def _nested(key: str, told: Told[dict[str, Value]]) -> Told[Updates]:
    if not told.ok:
        return Told(problem=told.problem, question=told.question, options=told.options)
    return Told(value=Updates({key: told.value or None}))


def _count(typed: str, variables: Collection[str]) -> Told[Updates]:
    written = re.sub(r"^(REPEAT)?\s*[×x*]?\s*", "", narrowed(typed), flags=re.IGNORECASE)
    if written in variables:
        written = f"${{{written}}}"
    found = VARIABLE.fullmatch(written)
    if found and found[1] in variables:
        return Told(value=Updates({"repeat": written}))
    if not re.fullmatch(r"\d{1,8}", written) or int(written) < 1:
        told = tr("protocolchanges", "“{text}” is no number of passes; write a whole number from 1.")
        return Told(problem=told.format(text=typed.strip()))
    return Told(value=Updates({"repeat": str(int(written))}))


# -- set -------------------------------------------------------------------------------------------------------------


def _set(row: Row, typed: str, variables: Collection[str]) -> Told[Updates]:
    if row.kind is Kind.EIS:
        return _amplitude(row, typed, variables)
    if row.kind in CV:
        told = read_two(typed, Family.VOLTAGE, Family.CURRENT, variables, hold=True)
        if not told.ok or told.value is None or not told.value[0]:
            return _passed_on(told)
        return Told(value=Updates({"hold": told.value[0], "at_most": told.value[1] or None}))
    word, renamed = word_of(row.kind), {}
    turned = _DIRECTION.match(typed.strip())
    if turned:
        wanted = "charge" if turned[1].lower() in ("charge", "chg") else "discharge"
        renamed, word, typed = ({word: wanted} if wanted != word else {}), wanted, turned[2]
    negative = re.match(r"^([+-])\s*", narrowed(typed))
    if negative and negative[1] == "-":
        size = narrowed(typed)[negative.end() :]
        told_ = tr("protocolchanges", "Charge is positive here. Is “{text}” a discharge?").format(
            text=typed.strip()
        )
        shown = pretty(size)
        return Told(question=told_, options=(
            Option(tr("protocolchanges", "discharge {size}").format(size=shown), f"discharge {size}"),
            Option(tr("protocolchanges", "charge {size}").format(size=shown), f"charge {size}")))  # fmt: skip
    told = read_two(typed.lstrip("+ "), Family.CURRENT, Family.VOLTAGE, variables, hold=False)
    if not told.ok or told.value is None or not told.value[0]:
        return _passed_on(told)
    return Told(value=_driven(row, word, renamed, *told.value))


def _passed_on(told: Told[Any]) -> Told[Updates]:
    problem = told.problem
    if told.ok:
        problem = tr("protocolchanges", "A value is needed here, for example C/20 or 1 mA/cm².")
    return Told(problem=problem, question=told.question, options=told.options)


def _driven(row: Row, word: str, renamed: Mapping[str, str], current: str, hold: str) -> Updates:
    """Return the updates of a driven step; with or without a hold it becomes CCCV or CC."""
    wanted: dict[str, Value | None] = {word: current}
    if hold != str(row.step.get("then_hold", "")):
        wanted["then_hold"] = hold or None
        wanted.update(_ends_for(row.step, held=bool(hold), voltage=str(row.step.get("then_hold", ""))))
    return Updates(wanted, renamed)


def _ends_for(step: Mapping[str, Any], *, held: bool, voltage: str) -> dict[str, Value | None]:
    """Return the ends that a step can have: a held voltage is no end, a constant current does not end by current."""
    ends = dict(step["until"]) if isinstance(step.get("until"), Mapping) else {}
    wanted: dict[str, Value | None] = {}
    if held:
        ends.pop("voltage", None)
        if "to" in step:
            wanted["to"] = None
    else:
        ends.pop("current", None)
        if voltage and "to" not in step:
            ends = {"voltage": voltage, **ends}
    wanted["until"] = ends or None
    return wanted


def _amplitude(row: Row, typed: str, variables: Collection[str]) -> Told[Updates]:
    found = re.fullmatch(r"(.+?)(?:\s+(rms|peak))?", narrowed(typed))
    if not found:
        return Told(problem=tr("protocolchanges", "Write an amplitude as 10 mV rms."))
    told = read_typed(found[1], Family.VOLTAGE, variables)
    if told.value is None:
        told = read_typed(found[1], Family.PURE_CURRENT, variables)
    if told.value is None:
        return _passed_on(told)
    eis = dict(row.step.get("eis") or {})
    return Told(value=Updates({"eis": {**eis, "amplitude": f"{told.value} {found[2] or 'rms'}"}}))


# -- until -----------------------------------------------------------------------------------------------------------


def _until(row: Row, typed: str, variables: Collection[str]) -> Told[Updates]:
    if row.kind is Kind.EIS:
        told = read_sweep(typed, variables)
        eis = dict(row.step.get("eis") or {})
        return _nested("eis", Told(value={**eis, **told.value}) if told.value else told)
    if row.kind in (Kind.ASK, Kind.HANDOVER):
        word = word_of(row.kind)
        if not typed.strip():
            return Told(problem=tr("protocolchanges", "Write some text."))
        return Told(value=Updates({word: typed.strip()}))
    if row.kind is Kind.REPEAT:
        return _nested("vary", read_vary(typed))
    if row.kind in (Kind.REPEAT_END, Kind.IF):
        return _condition(row, typed)
    told = read_until(typed, variables)
    if told.value is None:
        return _passed_on(told) if not told.ok else Told(value=Updates({"until": None}))
    ends = told.value
    if row.kind is Kind.REST:
        if tuple(ends) != ("time",):
            return Told(problem=tr("protocolchanges", "A rest ends by time only, for example t 10 min."))
        return Told(value=Updates({"rest": ends["time"]}))
    return _device_ends(row, ends)


def _device_ends(row: Row, ends: dict[str, Value]) -> Told[Updates]:
    if row.kind in (Kind.CC_CHG, Kind.CC_DIS) and "current" in ends:
        told = tr(
            "protocolchanges",
            "A constant current cannot end by current. Set “C/20 → 4.2 V” to hold a voltage.",
        )
        return Told(problem=told)
    if row.kind in (*HELD, *CV) and "voltage" in ends:
        return Told(
            problem=tr("protocolchanges", "A held voltage cannot be the end as well; end by I and t.")
        )
    wanted: dict[str, Value | None] = {}
    if "to" in row.step:
        wanted["to"] = ends.pop("voltage", None)
    wanted["until"] = ends or None
    return Told(value=Updates(wanted))


def _condition(row: Row, typed: str) -> Told[Updates]:
    """Read the condition of a branch, or that which ends a repeat early ("250 done or" may stand before it)."""
    key = "if" if row.kind is Kind.IF else "until"
    done = tr("protocolrows", "{n} done").format(n=r"\S+")
    written = re.sub(rf"^\s*({done}|\S+ done)(\s+(or|或)\s+|\s*$)", "", typed).strip()
    if not written:
        if key == "if":
            return Told(
                problem=tr("protocolchanges", "A branch needs a condition, for example retention < 80 %.")
            )
        return Told(value=Updates({"until": None}))
    told = read_condition(written, key)
    return Told(problem=told.problem) if told.value is None else Told(value=Updates({key: told.value[key]}))


# -- kind ------------------------------------------------------------------------------------------------------------


def _kind(row: Row, typed: str) -> Told[Updates]:
    wanted = typed.strip().upper()
    kind = next((item for item in STEPS if item.value == wanted), None)
    near = [item for item in STEPS if wanted and item.value.startswith(wanted)]
    if kind is None and len(near) == 1:
        kind = near[0]
    if kind is None:
        asked = tr("protocolchanges", "“{text}” is no step. Which is meant?").format(text=typed.strip())
        options = tuple(Option(item.value, item.value) for item in (near or STEPS) if item not in HEADS)
        return Told(question=asked, options=options)
    if kind is row.kind:
        return Told(value=Updates())
    if kind in HEADS:
        return Told(problem=tr("protocolchanges", "Choose the steps and wrap them in a repeat (Ctrl+G)."))
    return Told(value=as_kind(row.step, row.kind, kind))


def as_kind(step: Mapping[str, Any], old: Kind, new: Kind) -> Updates:
    """Return the updates that make a step another kind, keeping what fits: current, times, record, limits, label."""
    if new in DEVICE and old in DEVICE:
        return _device_kind(step, old, new)
    word, value = _fresh(new)
    gone: dict[str, Value | None] = {key: None for key in step if key != word_of(old)}
    if new in DEVICE:
        gone.update(_fresh_ends(new))
    renamed = {word_of(old): word} if word_of(old) in step and word_of(old) != word else {}
    if word_of(old) not in step:  # an odd step: its first key becomes the word
        first = next(iter(step), "")
        renamed = {first: word} if first else {}
        gone.pop(first, None)
    gone.pop(word, None)
    return Updates({**gone, word: value}, renamed)


def _fresh(kind: Kind) -> tuple[str, Value]:
    values: dict[Kind, Value] = {
        Kind.REST: "10 min", Kind.CV_CHG: "4.2 V", Kind.CV_DIS: "3.0 V",
        Kind.EIS: {"from": "1 MHz", "to": "100 mHz", "points_per_decade": "10", "amplitude": "10 mV rms"},
        Kind.ASK: "Cell moved?", Kind.HANDOVER: "potentiostat",
    }  # fmt: skip
    return word_of(kind), values.get(kind, "C/10")


def _fresh_ends(kind: Kind) -> dict[str, Value | None]:
    if kind is Kind.REST:
        return {}
    held = kind in (*HELD, *CV)
    charge = kind in (Kind.CC_CHG, Kind.CCCV_CHG, Kind.CV_CHG)
    ends: dict[str, Value] = {"current": "C/20", "time": "4 h"} if held else {"time": "10 h"}
    more: dict[str, Value | None] = {"until": ends}
    if kind in HELD:
        more = {"then_hold": "4.2 V" if charge else "3.0 V", "until": {**ends, "time": "14 h"}}
    if kind is Kind.CV_DIS:
        more["direction"] = "discharge"
    if kind in CV:
        more["at_most"] = "C/10"
    return more


def _device_kind(step: Mapping[str, Any], old: Kind, new: Kind) -> Updates:
    ends = dict(step["until"]) if isinstance(step.get("until"), Mapping) else {}
    to = str(step.get("to", ""))
    voltage = str(step.get("then_hold", step.get("hold", to or ends.get("voltage", ""))))
    current = str(step.get(word_of(old), "")) if old in DRIVEN else str(step.get("at_most", ""))
    current = current or "C/10"
    wanted: dict[str, Value | None] = dict.fromkeys(
        key for key in ("then_hold", "at_most", "direction", "to", "range") if key in step
    )
    time = str(step.get("rest", "")) if old is Kind.REST else str(ends.get("time", ""))
    if new is Kind.REST:
        wanted.update({"rest": time or "10 min", "until": None})
    elif new in DRIVEN:
        wanted.pop("range", None)
        held = new in HELD
        wanted[word_of(new)] = current
        wanted.update(
            _ends_for({"until": {"time": time, **ends} if time else ends}, held=held, voltage=voltage)
        )
        if held:
            wanted["then_hold"] = voltage or "4.2 V"
        elif to and not held:
            wanted["to"] = None
    else:
        wanted.pop("range", None)
        wanted.update({"hold": voltage or "4.2 V", "at_most": current})
        wanted["direction"] = "discharge" if new is Kind.CV_DIS else None
        wanted.update(_ends_for({"until": {"time": time, **ends} if time else ends}, held=True, voltage=""))
    if new is not Kind.REST and not wanted.get("until"):
        wanted["until"] = {"time": time or "10 h"}
    same = word_of(old) == word_of(new)
    return Updates({key: value for key, value in wanted.items() if value is not None or key in step},
                   {} if same else {word_of(old): word_of(new)})  # fmt: skip
