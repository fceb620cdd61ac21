"""A run's program as lines for a person: steps, loops and branches in the order of the text, with what ends them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.text import duration, quantity
from labctl.gui.viewmodels.words import StateWord, step_name, tr

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class ProgramLine:
    """One line. ``step_id`` is 0 for loops and branches; ``limits`` are those of the step alone, by name."""

    number: int
    depth: int
    step_id: int
    name: str
    glyph: str
    token: str
    set_text: str
    until: str
    sentence: str
    end_time_s: float = NAN
    limits: Mapping[str, float] | None = None


_WORDS: Mapping[str, StateWord] = {
    "rest": words.RESTING, "pause": words.PAUSED, "cc_charge": words.CHARGING, "cv_charge": words.CHARGING,
    "cccv_charge": words.CHARGING, "cc_discharge": words.DISCHARGING, "cv_discharge": words.DISCHARGING,
    "cccv_discharge": words.DISCHARGING,
}  # fmt: skip


def program_lines(program: Mapping[str, Any]) -> tuple[ProgramLine, ...]:
    """Return the lines of a bound program (JSON of ``labctl.model.program``)."""
    found = list(_nodes(program.get("flow") or (), 0))
    return tuple(
        ProgramLine(number, line.depth, line.step_id, line.name, line.glyph, line.token, line.set_text, line.until,
                    line.sentence, line.end_time_s, line.limits)
        for number, line in enumerate(found, 1)
    )  # fmt: skip


def _nodes(nodes: Sequence[Mapping[str, Any]], depth: int) -> Iterator[ProgramLine]:
    for node in nodes:
        kind = node.get("kind")
        if kind == "step":
            yield _step(node, depth)
        elif kind == "segment":
            yield from _nodes(node.get("body") or (), depth)
        elif kind == "loop":
            yield _fold(f"LOOP × {node.get('count', '?')}", "", depth)
            yield from _nodes(node.get("body") or (), depth + 1)
        elif kind == "host_repeat":
            most = tr("channel", "at most {n} times").format(n=node.get("at_most", "?"))
            yield _fold("REPEAT", f"{node.get('until', '')} · {most}".strip(" ·"), depth)
            yield from _nodes(node.get("body") or (), depth + 1)
        elif kind == "host_if":
            yield _fold("IF", str(node.get("condition", "")), depth)
            yield from _nodes(node.get("then") or (), depth + 1)
            if node.get("otherwise"):
                yield _fold("ELSE", "", depth)
                yield from _nodes(node["otherwise"], depth + 1)


def _fold(name: str, until: str, depth: int) -> ProgramLine:
    return ProgramLine(0, depth, 0, name, "loop", words.Token.MUTED.value, "", until, "")


def _step(node: Mapping[str, Any], depth: int) -> ProgramLine:
    mode = str(node.get("mode", ""))
    word = _WORDS.get(mode, words.RUNNING)
    current_A, voltage_V = _number(node, "current_A"), _number(node, "voltage_V")
    sets = []
    if current_A == current_A:
        sets.append(quantity(current_A, "A", sign=True))
    if voltage_V == voltage_V:
        sets.append(quantity(voltage_V, "V"))
    end_time_s = _number(node, "end_time_s")
    limits = {
        name: float(value)
        for name, value in (node.get("limits") or {}).items()
        if isinstance(value, int | float)
    }
    return ProgramLine(
        0, depth, int(node.get("step_id") or 0), step_name(mode), word.glyph.value, word.token.value,
        " · ".join(sets), _until(node, mode, end_time_s), str(node.get("sentence") or ""), end_time_s, limits or None,
    )  # fmt: skip


def _until(node: Mapping[str, Any], mode: str, end_time_s: float) -> str:
    """Return what ends a step: ``V ≥ 3.80 V · 4 h``."""
    parts = []
    end_V, end_A, end_Ah = (
        _number(node, name) for name in ("end_voltage_V", "end_current_A", "end_capacity_Ah")
    )
    if end_V == end_V:
        parts.append(f"V {'≤' if 'discharge' in mode else '≥'} {quantity(end_V, 'V')}")
    if end_A == end_A:
        parts.append(f"|I| ≤ {quantity(end_A, 'A')}")
    if end_Ah == end_Ah:
        parts.append(f"Q {quantity(end_Ah, 'Ah')}")
    if end_time_s == end_time_s and not (node.get("time_is_backstop") and parts):
        parts.append(duration(end_time_s))
    return " · ".join(parts)


def _number(node: Mapping[str, Any], name: str) -> float:
    value = node.get(name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else NAN


def _all_steps(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for node in nodes:
        if node.get("kind") == "step":
            yield node
        for part in ("body", "then", "otherwise"):
            yield from _all_steps(node.get(part) or ())


def end_levels(program: Mapping[str, Any], unit: str) -> tuple[float, ...]:
    """Return the voltages (V) at which steps end, lowest first: at most the four that end most steps."""
    names = ("end_voltage_V",) if unit == "V" else ()
    found: dict[float, int] = {}
    for step in _all_steps(program.get("flow") or ()):
        for name in names:
            value = _number(step, name)
            if value == value:
                found[value] = found.get(value, 0) + 1
    most = sorted(found, key=lambda value: -found[value])[:4]
    return tuple(sorted(most))


def greatest_current_A(program: Mapping[str, Any]) -> float:
    """Return the greatest current that a step sets, A; 0 where none does."""
    currents = [abs(_number(step, "current_A")) for step in _all_steps(program.get("flow") or ())]
    return max((value for value in currents if value == value), default=0.0)
