"""Read a plan sheet as the person at PowerSuite does: lines of label, value and unit, in any order.

A unit stands behind its number or in parentheses behind the label; a number without one is not guessed at. Amplitudes
are rms unless the sheet says peak. Other lines are passed over. What cannot be read is told, and nothing is measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labctl.errors import UserInputError

_LINE = re.compile(r"[\s|*\-•]*(?P<label>[A-Za-z][^:=|\t]*?)\s*(?:[:=|\t]|\s{2,})\s*(?P<value>\S.*?)[\s|]*")
_NUMBER = re.compile(r"([+\-−]?\d+(?:[.,]\d+)?(?:[eE][+\-]?\d+)?)\s*([A-Za-zµμ]*)")
_IN_LABEL = re.compile(r"\(([^)]*)\)")
_PREFIXES = {"M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9}
_TIMES_s = {"s": 1.0, "min": 60.0, "h": 3600.0}
_FIRST = ("start", "first", "initial", "from", "high")
_LAST = ("end", "last", "final", "stop", "to", "low")
NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured: ``amplitude`` (rms) and ``level`` in V, or in A where ``galvanostatic``.

    A potential counts from the open circuit or from the reference; ``range_A`` 0 leaves the range to the instrument.
    """

    first_Hz: float
    last_Hz: float
    points_per_decade: int
    amplitude: float
    level: float = 0.0
    galvanostatic: bool = False
    against_open_circuit: bool = True
    settle_s: float = 0.0
    range_A: float = 0.0
    cell: str = ""
    name: str = ""


def read_sheet(text: str) -> Plan:
    """Return the plan of a sheet. Raises: UserInputError naming what is missing or cannot be read."""
    found: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        field = None if match is None else _field_of(match["label"].lower())
        if match is None or field is None:
            continue
        entry = (match["label"], match["value"])
        if field in found and _numbers(found[field][1]) != _numbers(entry[1]):
            raise UserInputError(f"The sheet says two things: {found[field][1]!r} and {entry[1]!r}.")
        found.setdefault(field, entry)
    missing = [field for field in _NEEDED if field not in found]
    if missing:
        raise UserInputError(f"The sheet does not tell {', '.join(missing)}.")
    plan = _plan(found)
    if "points" in found:
        told, counted = _count(*found["points"]), points_of(plan)
        if told != counted:
            raise UserInputError(f"The sheet says {told} points, its frequencies make {counted}.")
    return plan


def points_of(plan: Plan) -> int:
    """Return how many points a plan has: both ends are measured."""
    decades = abs(math.log10(plan.last_Hz / plan.first_Hz))
    return max(round(decades * plan.points_per_decade), int(plan.first_Hz != plan.last_Hz)) + 1


_NEEDED = ("start frequency", "end frequency", "points per decade", "amplitude")


def _field_of(label: str) -> str | None:
    """Return which setting a label means; None for anything else on the sheet."""
    words = re.findall(r"[a-z]+", label)
    if "freq" in label:
        side = next((side for side in words if side in _FIRST + _LAST or side in ("highest", "lowest")), "")
        if side:
            return "start frequency" if side in _FIRST or side == "highest" else "end frequency"
    for field, belongs in _LABELS.items():
        if belongs(label, words):
            return field
    return None


_DRIVEN = frozenset({"potential", "current"})
_LABELS: Mapping[str, Callable[[str, list[str]], bool]] = {
    "points per decade": lambda label, words: "per decade" in label or "points/decade" in label,
    "points": lambda label, words: "points" in words,
    "amplitude": lambda label, words: "amplitude" in words,
    "level": lambda label, words: "bias" in words or ("dc" in words and not _DRIVEN.isdisjoint(words)),
    "against": lambda label, words: words in (["versus"], ["vs"]),
    "technique": lambda label, words: words == ["technique"],
    "settle": lambda label, words: any(word.startswith(("settl", "equilib", "delay")) for word in words),
    "range": lambda label, words: "range" in words and "current" in words,
    "name": lambda label, words: "folder" not in words and ("save" in words or "file" in words),
    "cell": lambda label, words: label.strip() in ("cell", "cell id", "cell name"),
}


def _plan(found: Mapping[str, tuple[str, str]]) -> Plan:
    galvanostatic = "galvanostatic" in found.get("technique", ("", ""))[1].lower()
    unit = "A" if galvanostatic else "V"
    amplitude = _quantity(*found["amplitude"], unit)
    if re.search(r"\b(peak|pk|pp)\b", " ".join(found["amplitude"]).lower()):
        amplitude /= math.sqrt(2.0)
    level = found.get("level", ("dc", f"0 {unit} vs OC"))
    range_told = found.get("range", ("range", "AUTO"))
    plan = Plan(
        first_Hz=_quantity(*found["start frequency"], "Hz"),
        last_Hz=_quantity(*found["end frequency"], "Hz"),
        points_per_decade=_count(*found["points per decade"]),
        amplitude=amplitude,
        level=_quantity(*level, unit),
        galvanostatic=galvanostatic,
        against_open_circuit=galvanostatic
        or _from_open_circuit(" ".join((*level, *found.get("against", ())))),
        settle_s=_quantity(*found.get("settle", ("settle", "0 s")), "s"),
        range_A=0.0 if range_told[1].lower().startswith("auto") else _quantity(*range_told, "A"),
        cell=found.get("cell", ("", ""))[1],
        name=file_name(found["name"][1]) if "name" in found else "",
    )
    if not (plan.first_Hz > 0.0 and plan.last_Hz > 0.0 and plan.amplitude > 0.0):
        raise UserInputError("Frequencies and amplitude are above 0.")
    return plan


def _from_open_circuit(told: str) -> bool:
    """Tell whether a potential counts from the open circuit. Raises: UserInputError where the sheet does not say."""
    for answer, words in ((True, "oc|ocv|open circuit"), (False, "ref|reference")):
        if re.search(rf"\b({words})\b", told.lower()):
            return answer
    raise UserInputError("The sheet does not tell against what the direct potential counts.")


def _numbers(text: str) -> list[tuple[str, str]]:
    return _NUMBER.findall(text)


def _quantity(label: str, text: str, unit: str) -> float:
    """Return a number in a base unit. Raises: UserInputError where the unit is missing or another one."""
    match = _NUMBER.match(text)
    if match is None:
        raise UserInputError(f"{label.strip()}: {text!r} is no number.")
    inside = _IN_LABEL.search(label)
    told = match[2] or (inside[1].split()[0] if inside and inside[1].strip() else "")
    factors = _TIMES_s if unit == "s" else {prefix + unit: size for prefix, size in _PREFIXES.items()}
    if told not in factors:
        raise UserInputError(f"{label.strip()}: {text!r} has no unit of {unit}.")
    number = float(match[1].replace(",", ".").replace("−", "-")) * factors[told]
    if not math.isfinite(number):
        raise UserInputError(f"{label.strip()}: {text!r} is no number.")
    return number


def _count(label: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text.strip()) or int(text) < 1:
        raise UserInputError(f"{label.strip()}: {text!r} is no count.")
    return int(text)


def file_name(text: str) -> str:
    """Return the bare name of a file. Raises: UserInputError for what is none."""
    name = re.split(r"[/\\]", text.strip().strip("\"'`"))[-1]
    if not re.fullmatch(r"[\w][\w .\-()+]*", name) or len(name) > NAME_MAX:
        raise UserInputError(f"{text!r} is no name for a file.")
    return name
