"""What the check offers to mend by one press: each an edit like any other, so that it can be undone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labctl.gui.viewmodels.protocol.changes import Updates
from labctl.gui.viewmodels.protocol.document import Document, Outcome
from labctl.gui.viewmodels.protocol.judging import Problem
from labctl.gui.viewmodels.protocol.rows import Row
from labctl.gui.viewmodels.protocol.splices import Value
from labctl.gui.viewmodels.words import tr
from labctl.protocol.quantities import parse_quantity, readable_time

SLACK = 1.02
"""A time end stands so much behind the capacity end: the capacity ends the step, the time only where it fails."""
_NEAR = re.compile(r"Did you mean '\$?\{?([^'}]+)\}?'\?")
_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True)
class Offer:
    """A button beside a problem."""

    text: str
    make: Callable[[], Outcome]


def offer_for(problem: Problem, document: Document) -> Offer | None:
    """Return what can be offered for a problem, None where only a person can know."""
    row = document.row_at(problem.path) if problem.path else None
    for pattern, build in _STEP_OFFERS:
        if row is not None and re.search(pattern, problem.text):
            return build(problem, document, row)
    for pattern, build_whole in _WHOLE_OFFERS:
        if re.search(pattern, problem.text):
            return build_whole(problem, document)
    return None


def _update(document: Document, row: Row, text: str, wanted: Mapping[str, Value | None],
            renamed: Mapping[str, str] | None = None) -> Offer:  # fmt: skip
    return Offer(text, lambda: document.update_step(row, text, Updates(wanted, renamed or {})))


def _ends(row: Row) -> dict[str, Value]:
    ends = row.step.get("until")
    return dict(ends) if isinstance(ends, Mapping) else {}


def _time_for(row: Row) -> str:
    """Return a time that a step can surely be done in: twice what its C-rate says, else ten hours."""
    for word in ("charge", "discharge", "at_most"):
        quantity = parse_quantity(str(row.step.get(word, "")))
        if quantity is not None and quantity.unit == "C" and quantity.value > 0:
            return f"{max(1, round(2 / quantity.value))} h"
    return "10 h"


def _add_time(problem: Problem, document: Document, row: Row) -> Offer:
    time = _time_for(row)
    text = tr("protocoloffers", "End after {time}").format(time=time)
    return _update(document, row, text, {"until": {**_ends(row), "time": time}})


def _add_current(problem: Problem, document: Document, row: Row) -> Offer:
    return _update(
        document, row, tr("protocoloffers", "End at C/20"), {"until": {"current": "C/20", **_ends(row)}}
    )


def _enough_time(problem: Problem, document: Document, row: Row) -> Offer | None:
    found = re.search(r"\(([\d.e+-]+) min", problem.text)
    if not found:
        return None
    time = readable_time(round(float(found[1]) * SLACK + 0.5) * 60)
    text = tr("protocoloffers", "Allow {time}").format(time=time)
    return _update(document, row, text, {"until": {**_ends(row), "time": time}})


def _turn(problem: Problem, document: Document, row: Row) -> Offer | None:
    word = "charge" if "charge" in row.step else "discharge" if "discharge" in row.step else ""
    if not word:
        return None
    other = "discharge" if word == "charge" else "charge"
    text = tr("protocoloffers", "Make it a {word}").format(word=other)
    return _update(document, row, text, {}, {word: other})


def _own_limits_away(problem: Problem, document: Document, row: Row) -> Offer:
    return _update(document, row, tr("protocoloffers", "Use the protocol's limits"), {"safety": None})


def _at_most(problem: Problem, document: Document, row: Row) -> Offer:
    return _update(document, row, tr("protocoloffers", "At most 1 C"), {"at_most": "1 C"})


def _cycle_for_pass(problem: Problem, document: Document, row: Row) -> Offer | None:
    key = "if" if "if" in row.step else "until"
    condition = re.sub(r"\bpass\b", "cycle", str(row.step.get(key, "")))
    return _update(document, row, tr("protocoloffers", "Use “cycle”"), {key: condition})


def _rename_key(problem: Problem, document: Document, row: Row) -> Offer | None:
    near, bad = _NEAR.search(problem.fix), _QUOTED.search(problem.text)
    if not near or not bad or bad[1] not in row.step or near[1] in row.step:
        return None
    text = tr("protocoloffers", "Write “{word}”").format(word=near[1])
    return _update(document, row, text, {}, {bad[1]: near[1]})


_STEP_OFFERS: tuple[tuple[str, Callable[[Problem, Document, Row], Offer | None]], ...] = (
    (r"can never end", _add_time),
    (r"ends by voltage alone", _add_time),
    (r"without a current end", _add_current),
    (r"is over before", _enough_time),
    (r"on the wrong side|would be over at once", _turn),
    (r"is looser than the protocol", _own_limits_away),
    (r"has no largest current", _at_most),
    (r"'pass' counts", _cycle_for_pass),
    (r"unknown (key|step) ", _rename_key),
)


def _unused(problem: Problem, document: Document) -> Offer | None:
    name = _QUOTED.search(problem.text)
    if not name:
        return None
    text = tr("protocoloffers", "Remove “{name}”").format(name=name[1])
    return Offer(text, lambda: document.remove_variable(name[1]))


def _undefined(problem: Problem, document: Document) -> Offer | None:
    name = re.search(r"\$\{(\w+)\}", problem.text)
    if not name:
        return None
    near = _NEAR.search(problem.fix)
    if near:
        text = tr("protocoloffers", "Use “{name}”").format(name=near[1])
        return Offer(text, lambda: document.replaced(text, f"${{{name[1]}}}", f"${{{near[1]}}}"))
    text = tr("protocoloffers", "Add variable “{name}”").format(name=name[1])
    return Offer(text, lambda: document.set_variable(name[1], _guess(problem), ""))


def _guess(problem: Problem) -> str:
    """Return a first value for a variable, by where it stands."""
    words = {"time": "1 h", "rest": "1 h", "every": "10 s", "voltage": "4 V", "hold": "4 V", "repeat": "10"}
    return next((value for word, value in words.items() if problem.where.endswith(word)), "1 mA")


def _percent(problem: Problem, document: Document) -> Offer | None:
    found = re.search(r"detect (\w+): (\S+) is more than", problem.text)
    if not found:
        return None
    text = tr("protocoloffers", "Write {value} %").format(value=found[2])
    return Offer(text, lambda: document.replaced(text, f"{{below: {found[2]}", f"{{below: {found[2]} %"))


_WHOLE_OFFERS: tuple[tuple[str, Callable[[Problem, Document], Offer | None]], ...] = (
    (r"is never used", _unused),
    (r"is not defined", _undefined),
    (r"^detect \w+: .* is more than", _percent),
)
