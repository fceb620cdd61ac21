"""Whole steps: add, duplicate, delete, move, wrap in a repeat, take a repeat away. Each returns the new text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labctl.gui.viewmodels.protocol.rows import HEADS, Kind, Row
from labctl.gui.viewmodels.protocol.splices import Value, block_lines, line_end_of
from labctl.gui.viewmodels.protocol.steplines import (
    Path,
    at_path,
    dash_column,
    insert_lines,
    lines_of,
    opened,
    remove_items,
    unwrapped,
    wrapped,
)
from labctl.gui.viewmodels.protocol.yamltree import Items, read_tree, real
from labctl.gui.viewmodels.words import tr

_INNER = {Kind.REPEAT: "steps", Kind.IF: "then"}


class Impossible(Exception):
    """An edit that cannot be made; the text says why."""


def place_behind(row: Row | None) -> tuple[Path, int]:
    """Return the list and the place where a step goes that is added behind a row."""
    if row is None:
        return ("steps",), 0
    if row.kind is Kind.END:
        return ("steps",), 1_000_000
    if row.kind in _INNER:
        return (*row.path, _INNER[row.kind]), 0
    if row.kind is Kind.ELSE:
        return (*row.path, "else"), 0
    if row.kind is Kind.BRANCH:
        return row.path, 0
    if row.kind is Kind.PARALLEL:
        return (*row.path, "parallel", 0), 0
    return row.path[:-1], int(row.path[-1]) + 1


def steps_of(rows: Sequence[Row]) -> list[Row]:
    """Return the steps among chosen rows, those inside another chosen one left out. End rows stand for their steps."""
    chosen: dict[Path, Row] = {}
    for row in rows:
        if row.kind is not Kind.END and row.kind is not Kind.BRANCH:
            chosen.setdefault(row.path, row)
    return [
        row for path, row in chosen.items() if not any(path[:size] in chosen for size in range(1, len(path)))
    ]


def neighbours(rows: Sequence[Row]) -> tuple[Path, int, int]:
    """Return list, first and last place of chosen steps. Raises: Impossible where they do not stand together."""
    steps = steps_of(rows)
    if not steps:
        raise Impossible(tr("protocolstructure", "Choose a step first."))
    lists = {row.path[:-1] for row in steps}
    places = sorted(int(row.path[-1]) for row in steps)
    if len(lists) != 1 or places != list(range(places[0], places[-1] + 1)):
        raise Impossible(tr("protocolstructure", "The chosen steps do not stand together in one loop."))
    if locked := next((row.locked for row in steps if row.locked), ""):
        raise Impossible(locked)
    return lists.pop(), places[0], places[-1]


def _items(text: str, path: Path) -> Items:
    node = real(at_path(read_tree(text), path))
    if not isinstance(node, Items):
        raise Impossible(tr("protocolstructure", "There is no list of steps here; see the text."))
    return node


def added(text: str, row: Row | None, step: Mapping[str, Value]) -> tuple[str, Path]:
    """Return the text with a step behind a row, and where it stands now."""
    path, at = place_behind(row)
    if row is not None and row.locked and row.kind not in HEADS:
        raise Impossible(row.locked)
    root = read_tree(text)
    if at_path(root, path) is None and path == ("steps",):
        gap = "" if not text or text.endswith("\n") else line_end_of(text)
        return text + gap + f"steps:{line_end_of(text)}" + block_lines(step, 2, line_end_of(text)), (
            "steps",
            0,
        )
    at = min(at, len(_items(text, path).items))
    return insert_lines(text, path, at, block_lines(step, 0, line_end_of(text)), 0), (*path, at)


def duplicated(text: str, rows: Sequence[Row]) -> tuple[str, Path]:
    """Return the text with the chosen steps once more behind them, and where the copy begins."""
    path, first, last = neighbours(rows)
    text = opened(text, path)
    node = _items(text, path)
    lines = lines_of(text, node, first, last)
    return insert_lines(text, path, last + 1, lines, dash_column(node)), (*path, last + 1)


def deleted(text: str, rows: Sequence[Row]) -> str:
    """Return the text without the chosen steps, wherever they stand."""
    steps = steps_of(rows)
    if not steps:
        raise Impossible(tr("protocolstructure", "Choose a step first."))
    if locked := next((row.locked for row in steps if row.locked and row.path[:-1] != ("steps",)), ""):
        raise Impossible(locked)
    for row in sorted(steps, key=lambda item: _order(item.path), reverse=True):
        place = int(row.path[-1])
        text = remove_items(text, row.path[:-1], place, place)
    return text


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((part, "") if isinstance(part, int) else (-1, part) for part in path)


def moved_to(text: str, rows: Sequence[Row], target: Path, at: int) -> tuple[str, Path]:
    """Return the text with the chosen steps before place ``at`` of the list ``target``, and where they stand now."""
    path, first, last = neighbours(rows)
    count = last - first + 1
    if target[: len(path) + 1] in {(*path, place) for place in range(first, last + 1)}:
        raise Impossible(tr("protocolstructure", "A repeat cannot go into itself."))
    if target == path and first <= at <= last + 1:
        raise Impossible(tr("protocolstructure", "The steps stand there already."))
    text = opened(text, path)
    node = _items(text, path)
    if count == len(node.items) and path != target and path == ("steps",):
        raise Impossible(tr("protocolstructure", "The protocol needs a step outside."))
    lines, column = lines_of(text, node, first, last), dash_column(node)
    text = opened(text, target)
    before = insert_lines(text, target, at, lines, column)
    # Taking the old ones away: an insertion before them in the same list, or in a list around them, moves their places.
    shifted_path = _after_insertion(path, target, at, count)
    offset = count if target == path and at <= first else 0
    after = remove_items(before, shifted_path, first + offset, last + offset)
    landed = at - count if target == path and at > last else at
    return after, (*_after_removal(target, path, first, count), landed)


def _after_insertion(path: Path, target: Path, at: int, count: int) -> Path:
    """Return a path after ``count`` items were put before place ``at`` of ``target``."""
    depth = len(target)
    if len(path) > depth and path[:depth] == target and isinstance(path[depth], int) and path[depth] >= at:  # type: ignore[operator]  # an int by the test before
        return (*path[:depth], int(path[depth]) + count, *path[depth + 1 :])
    return path


def _after_removal(path: Path, source: Path, first: int, count: int) -> Path:
    """Return a path after ``count`` items were taken away from place ``first`` of ``source``."""
    depth = len(source)
    if len(path) > depth and path[:depth] == source and isinstance(path[depth], int) and path[depth] > first:  # type: ignore[operator]  # an int by the test before
        return (*path[:depth], int(path[depth]) - count, *path[depth + 1 :])
    return path


def moved(text: str, rows: Sequence[Row], all_rows: Sequence[Row], down: bool) -> tuple[str, Path]:
    """Return the text with the chosen steps one place up or down: into a repeat that is next, out of one at its end."""
    path, first, last = neighbours(rows)
    node = _items(text, path)
    by_path = {row.path: row for row in all_rows if row.is_step}
    beside = last + 1 if down else first - 1
    if 0 <= beside < len(node.items):
        neighbour = by_path.get((*path, beside))
        inner = _INNER.get(neighbour.kind) if neighbour is not None and not neighbour.locked else None
        if inner is not None:
            body = (*path, beside, inner)
            size = len(_items(text, body).items) if at_path(read_tree(text), body) is not None else 0
            return moved_to(text, rows, body, 0 if down else size)
        return moved_to(text, rows, path, last + 2 if down else first - 1)
    if len(path) == 1:
        edge = (
            tr("protocolstructure", "This is the last step.")
            if down
            else tr("protocolstructure", "This is the first step.")
        )
        raise Impossible(edge)
    if len(node.items) == last - first + 1:
        raise Impossible(tr("protocolstructure", "The loop would be empty; move the loop, or take it away."))
    host = path[:-1] if isinstance(path[-1], str) else path[:-2]
    return moved_to(text, rows, host[:-1], int(host[-1]) + (1 if down else 0))


def wrapped_in_repeat(text: str, rows: Sequence[Row], count: str = "2") -> tuple[str, Path]:
    """Return the text with the chosen steps inside a new repeat, and where the repeat stands."""
    path, first, last = neighbours(rows)
    return wrapped(text, path, first, last, (f"repeat: {count}", "steps:")), (*path, first)


def without_repeat(text: str, rows: Sequence[Row]) -> tuple[str, Path]:
    """Return the text with a repeat's steps in its place, and where the first of them stands."""
    path, first, last = neighbours(rows)
    row = steps_of(rows)[0]
    step = row.step
    if first != last or row.kind not in (Kind.REPEAT, Kind.REPEAT_END, Kind.IF, Kind.IF_END):
        raise Impossible(tr("protocolstructure", "Choose one repeat to take away."))
    if "vary" in step:
        raise Impossible(
            tr("protocolstructure", "This repeat varies a value; write the value into its steps first.")
        )
    if "else" in step:
        raise Impossible(tr("protocolstructure", "This branch has two sides; delete one in the text first."))
    inner = "steps" if "repeat" in step else "then"
    if not step.get(inner):
        raise Impossible(tr("protocolstructure", "It is empty; delete it."))
    return unwrapped(text, path, first, inner), (*path, first)
