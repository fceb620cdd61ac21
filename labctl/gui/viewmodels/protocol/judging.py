"""The live check of a text: problems with their cells, sentences, absolute values, needs and sketch.

Pure: it takes a text and a cell and gives a judgement, so that the window may ask for it in any thread.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from labctl.gui.viewmodels import text as words_of
from labctl.gui.viewmodels.protocol.needs import Needing, Needs
from labctl.gui.viewmodels.protocol.rows import Column
from labctl.gui.viewmodels.protocol.sketch import Sketch, sketch_of
from labctl.gui.viewmodels.protocol.steplines import Path
from labctl.gui.viewmodels.protocol.typed import pretty
from labctl.model.cell import Cell
from labctl.model.library import ProtocolProblem, StepFigures
from labctl.protocol.report import report_text
from labctl.protocol.sentences import sentences

FIGURES = 4
_PART = re.compile(r"([A-Za-z_]+)|\[(\d+)\]")
_STEP_LISTS = frozenset({"steps", "then", "else", "parallel"})
_COLUMNS: Mapping[str, Column] = {
    "name": Column.LABEL, "charge": Column.SET, "discharge": Column.SET, "hold": Column.SET, "then_hold": Column.SET,
    "at_most": Column.SET, "direction": Column.STEP, "range": Column.SET, "rest": Column.UNTIL, "until": Column.UNTIL,
    "to": Column.UNTIL, "vary": Column.UNTIL, "eis": Column.UNTIL, "ask": Column.UNTIL, "handover": Column.UNTIL,
    "if": Column.UNTIL, "repeat": Column.STEP, "record": Column.RECORD, "safety": Column.LIMITS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong or odd. ``path`` leads to its step (empty: the head), ``field`` names a key of the head."""

    text: str
    fix: str
    is_error: bool
    line: int
    path: Path = ()
    column: Column | None = None
    field: str = ""
    where: str = ""
    """The field as the checker names it: ``steps[2].until.voltage``."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the check said about one version of the text."""

    version: int = 0
    problems: tuple[Problem, ...] = ()
    sentences: Mapping[Path, str] = field(default_factory=dict)
    figures: Mapping[Path, StepFigures] = field(default_factory=dict)
    head: tuple[str, ...] = ()
    needs: Needs | None = None
    sketch: Sketch | None = None
    usable: bool = False
    """The text can be saved and started."""

    @property
    def errors(self) -> int:
        """Return how many problems are errors."""
        return sum(problem.is_error for problem in self.problems)

    @property
    def warnings(self) -> int:
        """Return how many problems are only odd."""
        return len(self.problems) - self.errors


def path_of(field_name: str) -> tuple[Path, str]:
    """Return the step of a field and the key inside it: ``steps[2].until.time`` is (("steps", 2), "until")."""
    parts: list[str | int] = [found[1] if found[1] else int(found[2]) for found in _PART.finditer(field_name)]
    last = 0
    for at in range(1, len(parts)):
        before = parts[at - 1]
        inside = isinstance(parts[at], int) and (before in _STEP_LISTS or isinstance(before, int))
        if inside and parts[0] == "steps":
            last = at + 1
    rest = parts[last:]
    return tuple(parts[:last]), str(rest[0]) if rest else ""


def judge(text: str, version: int = 0, cell: Cell | None = None, name: str = "") -> Judgement:
    """Return what the check says of a text, for a cell where one is chosen."""
    said = report_text(text, name or "protocol", cell=cell)
    figures = {path_of(step.path)[0]: step for step in said.steps}
    problems = tuple(_problem(item) for item in said.problems)
    if said.protocol is None:
        told = {path: step.sentence for path, step in figures.items()}
        return Judgement(version, problems, told, figures)
    needing = Needing(said.protocol, cell)
    needs = needing.needs()
    head = _head_lines(said.protocol)
    return Judgement(
        version, problems, {path: step.sentence for path, step in figures.items()}, figures, head, needs,
        sketch_of(said.protocol, needing, needs.time_s), said.ok,
    )  # fmt: skip


def _head_lines(protocol: object) -> tuple[str, ...]:
    """Return the sentences of the head: chamber, record, limits, detections."""
    from dataclasses import replace

    from labctl.model.protocol import Protocol

    assert isinstance(protocol, Protocol)
    return tuple(pretty(line) for line in sentences(replace(protocol, steps=())))


def _problem(item: ProtocolProblem) -> Problem:
    path, key = path_of(item.path)
    column = _COLUMNS.get(key) if path else None
    top = "" if path else item.path.partition(".")[0].partition("[")[0]
    return Problem(item.problem, item.fix, item.is_error, item.line or 0, path, column, top, item.path)


def absolute(step: StepFigures | None, sign: int) -> str:
    """Return a step's set current in absolute figures; empty where the step has none or the cell does not tell."""
    if step is None or not math.isfinite(step.current_A):
        return ""
    return str(words_of.shown((sign or 1) * step.current_A, "A", digits=FIGURES, sign=sign != 0))
