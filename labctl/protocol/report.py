"""Say everything about a protocol's text at once: every problem with its field, and each step in words and numbers.

The reader stops at the first thing that it cannot read. Here that step is set aside and the rest is read on, so that
a person who edits sees all that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from labctl.errors import LabctlError, UserFileError
from labctl.model.cell import Cell
from labctl.model.library import NAN, ProtocolProblem, StepFigures
from labctl.model.protocol import (
    Branch,
    Drive,
    Hold,
    Parallel,
    Protocol,
    ProtocolNode,
    Quantity,
    QuantityKind,
    Repeat,
    Rest,
)
from labctl.protocol.check import Finding, check_protocol, place_of
from labctl.protocol.parse import read_protocol
from labctl.protocol.quantities import format_quantity
from labctl.protocol.resolve import Resolver
from labctl.protocol.sentences import lines_of
from labctl.protocol.yamlfile import Mapping as YamlMapping
from labctl.protocol.yamlfile import Node, Scalar, Sequence, load_yaml

PROBLEMS_MAX = 20
"""More say nothing new to who edits."""
STEPS_MAX = 2_000
_FOLLOWS = ("has no largest current",)
"""Ends of problems that only a step that was set aside brings about."""
_UNUSED = re.compile(r"variable '(\w+)' is never used")


@dataclass(frozen=True, slots=True)
class TextReport:
    """What a text says. ``protocol`` is None where it cannot be read as a whole."""

    protocol: Protocol | None
    problems: tuple[ProtocolProblem, ...]
    steps: tuple[StepFigures, ...]

    @property
    def ok(self) -> bool:
        """Tell whether there is no error."""
        return self.protocol is not None and not any(problem.is_error for problem in self.problems)


def report_text(
    text: str, source: str, *, variables: Mapping[str, str] | None = None, cell: Cell | None = None
) -> TextReport:
    """Check a text without raising: problems with their fields, steps with absolute values for ``cell``."""
    try:
        root = load_yaml(text, source)
    except UserFileError as error:
        return TextReport(None, (_problem(error, None),), ())
    problems, readable = _read_on(root, text, source, variables or {})
    if readable is None:
        return TextReport(None, tuple(problems), ())
    whole = not problems
    # A variable that nothing uses leaves every step as it is: whether they make sense can be told all the same.
    complete = all(_UNUSED.match(problem.problem) for problem in problems)
    found = check_protocol(readable) if complete else ()
    problems += [_of_finding(finding, root) for finding in found]
    steps = tuple(_steps(readable, root, cell, problems))[:STEPS_MAX]
    problems.sort(key=lambda problem: (not problem.is_error, problem.line or 0, problem.column or 0))
    return TextReport(readable if whole else None, tuple(problems[:PROBLEMS_MAX]), steps)


def _read_on(
    root: Node, text: str, source: str, variables: Mapping[str, str]
) -> tuple[list[ProtocolProblem], Protocol | None]:
    """Read a document, setting steps aside that cannot be read, until the rest is readable or nothing helps."""
    problems: list[ProtocolProblem] = []
    node = root
    while len(problems) < PROBLEMS_MAX:
        try:
            return problems, read_protocol(node, text, source, variables)
        except UserFileError as error:
            unused = _UNUSED.match(error.problem)
            follows = unused is None and any(word in error.problem for word in _FOLLOWS)
            if problems and follows:
                return problems, None
            aside = any(item.path.startswith("steps[") for item in problems)
            if not (unused and aside):  # a step that was set aside may use it
                problems.append(_problem(error, root))
            rest = (
                _without_variable(node, unused[1])
                if unused
                else _without_step(node, error.line or 0, error.column or 0)
            )
            if rest is None:
                return problems, None
            node = rest
        except LabctlError as error:
            return [*problems, ProtocolProblem(str(error))], None
    return problems, None


def _without_variable(root: Node, name: str) -> Node | None:
    """Return the document without a variable that nothing uses, so that the rest can be read."""
    if not isinstance(root, YamlMapping):
        return None
    entries: list[tuple[Scalar, Node]] = []
    for key, value in root.entries:
        if key.text == "variables" and isinstance(value, YamlMapping):
            kept = tuple(entry for entry in value.entries if entry[0].text != name)
            if len(kept) == len(value.entries):
                return None
            if kept:
                entries.append((key, replace(value, entries=kept)))
        else:
            entries.append((key, value))
    return replace(root, entries=tuple(entries))


def _problem(error: UserFileError, root: Node | None) -> ProtocolProblem:
    path = "" if root is None or error.line is None else path_at(root, error.line, error.column or 1)
    return ProtocolProblem(error.problem, error.fix, error.line, error.column, path)


def _of_finding(finding: Finding, root: Node) -> ProtocolProblem:
    line, column = finding.place.line or None, finding.place.column or None
    path = "" if line is None else path_at(root, line, column or 1)
    return ProtocolProblem(finding.problem, finding.fix, line, column, path, finding.is_error)


# -- fields ------------------------------------------------------------------------------------------------------------


def _fields(node: Node, path: str) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and path of every value of a document, and of every key."""
    yield node.line, node.column, path
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _fields(item, f"{path}[{index}]")
    elif isinstance(node, YamlMapping):
        for key, value in node.entries:
            inner = f"{path}.{key.text}" if path else key.text
            yield key.line, key.column, inner
            yield from _fields(value, inner)


def path_at(root: Node, line: int, column: int) -> str:
    """Return the path of the field at a place of a text: the deepest one that begins there or last before it."""
    before = [at for at in _fields(root, "") if (at[0], at[1]) <= (line, column)]
    if not before:
        return ""
    place = max((at[0], at[1]) for at in before)
    return max((at[2] for at in before if (at[0], at[1]) == place), key=len)


def _without_step(root: Node, line: int, column: int) -> Node | None:
    """Return the document with the innermost step at a place set aside, None where none stands there."""
    path = path_at(root, line, column)
    while "[" in path:
        head, _, tail = path.rpartition("[")
        if head.rpartition(".")[2] in ("steps", "then", "else"):
            made = _replaced(root, f"{head}[{tail.partition(']')[0]}]", "")
            return None if made is root else made
        path = head
    return None


def _replaced(node: Node, path: str, here: str) -> Node:
    """Return a document in which the node at ``path`` is a rest that nobody wrote; the same one where it is one."""
    if here == path:
        if isinstance(node, YamlMapping) and node.line < 0:
            return node
        word, value = Scalar("rest", -1, -1), Scalar("1 s", -1, -1)
        return YamlMapping(((word, value),), -1, -1)
    if isinstance(node, Sequence):
        items = tuple(_replaced(item, path, f"{here}[{index}]") for index, item in enumerate(node.items))
        same = all(new is old for new, old in zip(items, node.items, strict=True))
        return node if same else replace(node, items=items)
    if isinstance(node, YamlMapping):
        entries = tuple(
            (key, _replaced(value, path, f"{here}.{key.text}" if here else key.text))
            for key, value in node.entries
        )
        same = all(new[1] is old[1] for new, old in zip(entries, node.entries, strict=True))
        return node if same else replace(node, entries=entries)
    return node


# -- steps -------------------------------------------------------------------------------------------------------------


def _steps(
    protocol: Protocol, root: Node, cell: Cell | None, problems: list[ProtocolProblem]
) -> Iterator[StepFigures]:
    """Yield the steps of a protocol; what a cell does not tell becomes a problem."""
    missing: list[str] = []
    resolver = None if cell is None else Resolver(cell, missing)
    for node, depth in _walk(protocol.steps, 0):
        place = place_of(node)
        if place.line < 0:
            continue  # set aside: its problem is told
        known = len(missing)
        inside, bracket, _ = path_at(root, place.line, place.column or 1).rpartition("]")
        path = inside + bracket
        yield _figures(node, depth, path, resolver)
        for text in missing[known:]:
            problems.append(ProtocolProblem(text, "", place.line or None, place.column or None, path))


def _walk(nodes: tuple[ProtocolNode, ...], depth: int) -> Iterator[tuple[ProtocolNode, int]]:
    """Yield every step as it stands in the text: a varied repeat's body once."""
    for node in nodes:
        yield node, depth
        if isinstance(node, Repeat):
            yield from _walk(node.bodies[0], depth + 1)
        elif isinstance(node, Branch):
            yield from _walk(node.then, depth + 1)
            yield from _walk(node.otherwise, depth + 1)
        elif isinstance(node, Parallel):
            for branch in node.branches:
                yield from _walk(branch, depth + 1)


def _figures(node: ProtocolNode, depth: int, path: str, resolver: Resolver | None) -> StepFigures:
    place = place_of(node)
    sentence = lines_of(node)[0]
    kind = "if" if isinstance(node, Branch) else type(node).__name__.lower()
    kind = {"impedance": "eis"}.get(kind, kind)
    if isinstance(node, Drive):
        kind = node.direction.value
    if not isinstance(node, Rest | Drive | Hold):
        return StepFigures(path, place.line, depth, kind, sentence)
    current = node.at_most if isinstance(node, Hold) else node.current if isinstance(node, Drive) else None
    ends = None if isinstance(node, Rest) else node.until
    return StepFigures(
        path, place.line, depth, kind, sentence, node.options.label,
        "" if current is None else format_quantity(current),
        _ampere(resolver, current),
        _ampere(resolver, None if ends is None else ends.current),
        _ampere_hour(resolver, None if ends is None else ends.capacity),
    )  # fmt: skip


def _ampere(resolver: Resolver | None, value: Quantity | None) -> float:
    if resolver is None or value is None:
        return NAN
    found = resolver.current_A(value, "")
    return NAN if found is None else abs(found)


def _ampere_hour(resolver: Resolver | None, value: Quantity | None) -> float:
    if resolver is None or value is None or value.kind is QuantityKind.TIME:
        return NAN
    found = resolver.capacity_Ah(value, "")
    return NAN if found is None else found
