"""Steps as whole lines: where a step of a list begins and ends with its comments; insert, remove, wrap, unwrap.

A list in brackets is opened into lines first (``opened``): only then a step has lines of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from labctl.gui.viewmodels.protocol.splices import (
    Splice,
    line_begin,
    line_end_of,
    next_line,
    raw,
    spliced,
)
from labctl.gui.viewmodels.protocol.yamltree import Branch, Items, Table, read_tree, real

Path: TypeAlias = tuple[str | int, ...]
"""Where a node stands: ``("steps", 2, "steps")`` is the list inside the third step."""


def at_path(root: Branch, path: Path) -> Branch | None:
    """Return the node at a path, None where there is none."""
    node: Branch | None = root
    for part in path:
        node = real(node)
        if isinstance(node, Table) and isinstance(part, str):
            node = node.get(part)
        elif isinstance(node, Items) and isinstance(part, int) and 0 <= part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node


def opened(text: str, path: Path) -> str:
    """Return the text with the list at a path written in lines, and everything around it too. Raises: KeyError."""
    for length in range(1, len(path) + 1):
        root = read_tree(text)
        node = at_path(root, path[:length])
        if node is None:
            raise KeyError(path)
        if isinstance(node, Items | Table) and node.flow and _holds(node):
            host = at_path(root, path[: length - 1])
            column = host.column - 1 if isinstance(host, Items | Table) else 0
            text = _opened_at(text, node, column, in_list=isinstance(path[length - 1], int))
        elif (
            isinstance(node, Items) and node.items and text[line_begin(text, node.begin) : node.begin].strip()
        ):
            # The first dash stands behind another one: it gets a line of its own.
            newline, column = line_end_of(text), node.column - 1
            before = len(text[: node.begin].rstrip(" "))
            text = text[:before] + newline + " " * column + text[node.begin :]
    return text


def _holds(node: Items | Table) -> bool:
    return bool(node.items if isinstance(node, Items) else node.entries)


def _opened_at(text: str, node: Items | Table, column: int, *, in_list: bool) -> str:
    newline = line_end_of(text)
    if isinstance(node, Items):
        lines = newline.join(f"{' ' * (column + 2)}- {raw(text, item)}" for item in node.items)
        begin = len(text[: node.begin].rstrip(" "))
        return spliced(text, [Splice(begin, node.end, newline + lines)])
    pad = " " * (column + 2 if in_list else column)
    lines = f"{newline}{pad}".join(raw_entry(text, node, at) for at in range(len(node.entries)))
    return spliced(text, [Splice(node.begin, node.end, lines)])


def raw_entry(text: str, table: Table, at: int) -> str:
    """Return a key with its value as they are written."""
    entry = table.entries[at]
    return f"{raw(text, entry.key)}: {raw(text, entry.value)}"


def dash_column(items: Items) -> int:
    """Return the column of a list's dashes, from 0."""
    return items.column - 1


def _dash_line(text: str, items: Items, at: int) -> int:
    """Return where the line with the dash of an item begins."""
    column, begin = dash_column(items), line_begin(text, items.items[at].begin)
    while begin > 0 and text[begin : begin + column + 1].strip(" ")[-1:] != "-":
        begin = line_begin(text, begin - 1)
    return begin


def extent(text: str, items: Items, at: int) -> tuple[int, int]:
    """Return begin and end of an item's lines: with the comments right above it and those deeper below it."""
    column = dash_column(items)
    begin = _dash_line(text, items, at)
    floor = 0 if at == 0 else next_line(text, items.items[at - 1].end)
    while begin > floor:
        above = line_begin(text, begin - 1)
        line = text[above:begin]
        if above < floor or not re.match(rf" {{{column}}}#", line):
            break
        begin = above
    end = next_line(text, items.items[at].end)
    look = end
    while look < len(text):
        line = text[look : next_line(text, look)]
        if line.strip() and not (
            line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) > column
        ):
            break
        look = next_line(text, look)
        if line.strip():
            end = look
    return begin, end


def shifted(lines: str, by: int) -> str:
    """Return lines moved right (or left, as far as there are blanks) by columns."""
    found = []
    for line in lines.splitlines(keepends=True):
        if not line.strip():
            found.append(line)
        elif by >= 0:
            found.append(" " * by + line)
        else:
            blanks = len(line) - len(line.lstrip(" "))
            found.append(line[min(-by, blanks) :])
    return "".join(found)


def lines_of(text: str, items: Items, first: int, last: int) -> str:
    """Return the lines of items ``first`` to ``last``, ended."""
    lines = text[extent(text, items, first)[0] : extent(text, items, last)[1]]
    return lines if lines.endswith("\n") else lines + line_end_of(text)


def insert_lines(text: str, path: Path, at: int, lines: str, column: int) -> str:
    """Return the text with step lines (dashes at ``column``) put into the list at ``path`` before item ``at``."""
    text = opened(text, path)
    node = at_path(read_tree(text), path)
    newline = line_end_of(text)
    if not isinstance(node, Items):
        raise KeyError(path)
    if not node.items:
        begin = len(text[: node.begin].rstrip(" "))
        inner = shifted(lines, _host_column(text, path) + 2 - column)
        rest = text[node.end :]
        rest = rest[rest.find("\n") + 1 :] if "\n" in rest else ""
        return text[:begin] + newline + inner + rest
    lines = shifted(lines, dash_column(node) - column)
    if at < len(node.items):
        begin = extent(text, node, at)[0]
        return text[:begin] + lines + text[begin:]
    end = extent(text, node, len(node.items) - 1)[1]
    gap = "" if text[:end].endswith("\n") else newline
    return text[:end] + gap + lines + text[end:]


def _host_column(text: str, path: Path) -> int:
    host = at_path(read_tree(text), path[:-1])
    return host.column - 1 if isinstance(host, Items | Table) else 0


def remove_items(text: str, path: Path, first: int, last: int) -> str:
    """Return the text without items ``first`` to ``last`` of the list at ``path``; an emptied list is ``[]``."""
    text = opened(text, path)
    node = at_path(read_tree(text), path)
    if not isinstance(node, Items) or not node.items:
        raise KeyError(path)
    if first == 0 and last == len(node.items) - 1:
        begin, end = len(text[: node.begin].rstrip()), extent(text, node, last)[1]
        return text[:begin] + " []" + line_end_of(text) + text[end:]
    return text[: extent(text, node, first)[0]] + text[extent(text, node, last)[1] :]


def wrapped(text: str, path: Path, first: int, last: int, head: Sequence[str]) -> str:
    """Return the text with items ``first`` to ``last`` put inside a new step whose lines are ``head``."""
    text = opened(text, path)
    node = at_path(read_tree(text), path)
    if not isinstance(node, Items):
        raise KeyError(path)
    newline, pad = line_end_of(text), " " * dash_column(node)
    begin, end = extent(text, node, first)[0], extent(text, node, last)[1]
    top = f"{pad}- {head[0]}{newline}" + "".join(f"{pad}  {line}{newline}" for line in head[1:])
    return text[:begin] + top + shifted(lines_of(text, node, first, last), 4) + text[end:]


def unwrapped(text: str, path: Path, at: int, inner: str) -> str:
    """Return the text with the steps under key ``inner`` of item ``at`` in place of the item itself."""
    text = opened(text, (*path, at, inner))
    root = read_tree(text)
    node, body = at_path(root, path), at_path(root, (*path, at, inner))
    if not isinstance(node, Items) or not isinstance(body, Items) or not body.items:
        raise KeyError(path)
    lines = shifted(lines_of(text, body, 0, len(body.items) - 1), dash_column(node) - dash_column(body))
    begin, end = extent(text, node, at)
    head = text[begin : _dash_line(text, node, at)]  # the comments above the repeat stay above its steps
    return text[:begin] + head + lines + text[end:]
