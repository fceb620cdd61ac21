"""Edits of a text at known places: values, keys, and whole lines of steps. Everything else keeps each character."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labctl.gui.viewmodels.protocol.yamltree import Alias, Branch, Items, Leaf, Table

Value: TypeAlias = "str | Mapping[str, Value] | Sequence[Value]"
"""What is written: a text, keys with values, or a list."""
WIDTH = 110
_RESERVED = frozenset({"", "true", "false", "null", "yes", "no", "on", "off", "~"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_FLOW_SIGNS = frozenset(",[]{}")


@dataclass(frozen=True, slots=True)
class Splice:
    """The characters from ``begin`` to ``end`` become ``text``."""

    begin: int
    end: int
    text: str


def spliced(text: str, splices: Sequence[Splice]) -> str:
    """Return the text with all splices made; places are those of the text before."""
    for splice in sorted(splices, key=lambda item: (item.begin, item.end), reverse=True):
        text = text[: splice.begin] + splice.text + text[splice.end :]
    return text


def line_end_of(text: str) -> str:
    """Return how lines end in a text."""
    return "\r\n" if "\r\n" in text else "\n"


def line_begin(text: str, at: int) -> int:
    """Return where the line of a place begins."""
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Return where the line of a place ends, before its line end."""
    found = text.find("\n", at)
    end = len(text) if found < 0 else found
    return end - 1 if end > at and text[end - 1 : end] == "\r" else end


def next_line(text: str, at: int) -> int:
    """Return where the next line begins; the end of the text where there is none."""
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def scalar(text: str, *, flow: bool, style: str = "") -> str:
    """Return a text as a YAML value: with the quotes that were there, plain where it is certainly safe, else quoted."""
    if style == "'" and "\n" not in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if style != '"' and _is_plain(text, flow):
        return text
    return '"' + "".join(_escaped(sign) for sign in text) + '"'


def _escaped(sign: str) -> str:
    """Return a sign as it may stand between double quotes."""
    if sign in '\\"':
        return "\\" + sign
    if sign in _SHORT:
        return _SHORT[sign]
    number = ord(sign)
    if sign.isprintable() and number != 0xFEFF:
        return sign
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )


def _is_plain(text: str, flow: bool) -> bool:
    if text.lower() in _RESERVED or text != text.strip() or not text.isprintable():
        return False
    if not (text[0].isalnum() or text[0] in "_+./($" or re.match(r"-\d", text)):
        return False
    if ": " in text or " #" in text or text.endswith(":") or "\ufeff" in text:
        return False
    return not (flow and _FLOW_SIGNS & set(text))


def flow_text(value: Value, *, flow: bool = False) -> str:
    """Return a value on one line; inside brackets with the quotes that this needs."""
    if isinstance(value, str):
        return scalar(value, flow=flow)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow_text(item, flow=True)}" for key, item in value.items()) + "}"
    return "[" + ", ".join(flow_text(item, flow=True) for item in value) + "]"


def block_lines(step: Mapping[str, Value], indent: int, newline: str) -> str:
    """Return the lines of a new step of a list whose dashes stand at column ``indent`` (from 0)."""
    pad = " " * indent
    lines: list[str] = []
    for key, value in step.items():
        head = f"{pad}- " if not lines else f"{pad}  "
        if key in ("steps", "then", "else") and not isinstance(value, str) and value:
            lines.append(f"{head}{key}:")
            inner = [item for item in value if isinstance(item, Mapping)]
            lines.extend(block_lines(item, indent + 4, "\n").rstrip("\n") for item in inner)
        else:
            lines.append(f"{head}{key}: {flow_text(value)}")
    return newline.join(line.replace("\n", newline) for line in lines) + newline


def _behind_colon(text: str, key: Leaf) -> int:
    return text.index(":", key.end) + 1


def set_value(text: str, entry_key: Leaf | None, node: Branch, value: Value, *, flow: bool) -> Splice:
    """Return the splice that gives a key (None: an item of a list) another value, in the quotes it had."""
    if isinstance(node, Leaf) and isinstance(value, str):
        if (
            (node.style in (">", "|") or (not flow and len(value) > WIDTH))
            and entry_key is not None
            and value
        ):
            return Splice(node.begin, node.end, _folded(text, entry_key, value, node.style or ">"))
        style = node.style if node.style in ("'", '"') else ""
        written = scalar(value, flow=flow, style=style)
        return Splice(
            node.begin, node.end, written if node.end > node.begin or not entry_key else f" {written}"
        )
    written = flow_text(value, flow=flow)
    if entry_key is None:
        return Splice(node.begin, node.end, written)
    return Splice(_behind_colon(text, entry_key), node.end, f" {written}")


def _folded(text: str, key: Leaf, value: str, style: str) -> str:
    """Return a long text as a folded block, two columns deeper than its key."""
    newline, pad = line_end_of(text), " " * (key.column + 1)
    if style == "|":
        lines = value.split("\n")
        return "|-" + newline + newline.join(f"{pad}{line}".rstrip() for line in lines)
    lines = []
    for paragraph in value.split("\n"):
        lines += textwrap.wrap(
            paragraph, WIDTH - len(pad), break_long_words=False, break_on_hyphens=False
        ) or [""]
        lines.append("")
    return ">-" + newline + newline.join(f"{pad}{line}".rstrip() for line in lines[:-1])


def update_keys(
    text: str,
    table: Table,
    wanted: Mapping[str, Value | None],
    order: Sequence[str] = (),
    renamed: Mapping[str, str] | None = None,
) -> list[Splice]:
    """Return the splices that give keys new values (None removes them); keys not named stay.

    ``order`` says behind which keys a new one stands; ``renamed`` gives keys another name first.
    """
    renamed = renamed or {}
    splices = [
        Splice(entry.key.begin, entry.key.end, renamed[entry.key.text])
        for entry in table.entries
        if entry.key.text in renamed
    ]
    names = {renamed.get(entry.key.text, entry.key.text): entry for entry in table.entries}
    gone = [name for name, value in wanted.items() if value is None and name in names]
    new = {name: value for name, value in wanted.items() if value is not None and name not in names}
    for name, value in wanted.items():
        if value is None or name not in names:
            continue
        node = names[name].value
        splices += _changed(text, names[name].key, node, value, table.flow)
    if table.flow:
        return _in_flow(text, table, names.keys(), splices, gone, new, order)
    for name in gone:
        splices.append(_removed(text, table, names[name].key, names[name].value))
    kept = [name for name in names if name not in gone]
    places: dict[int, str] = {}
    for name in sorted(new, key=lambda word: order.index(word) if word in order else len(order)):
        before = order[: order.index(name)] if name in order else ()
        host = next(
            (word for word in reversed(kept) if not before or word in before), kept[0] if kept else ""
        )
        at = line_end(text, names[host].value.end) if host else table.begin
        line = f"{line_end_of(text)}{' ' * (table.column - 1)}{name}: {flow_text(new[name] or '')}"
        places[at] = places.get(at, "") + line
    return splices + [Splice(at, at, lines) for at, lines in places.items()]


def _changed(text: str, key: Leaf, node: Branch, value: Value, flow: bool) -> list[Splice]:
    """Return the splices of a value that differs: inside a table key by key, so that its layout stays."""
    if isinstance(node, Table) and isinstance(value, Mapping):
        inner: dict[str, Value | None] = {entry.key.text: None for entry in node.entries}
        inner.update(value)
        if any(name in value for name in (entry.key.text for entry in node.entries)):
            return update_keys(text, node, inner, tuple(value))
    if isinstance(node, Leaf) and node.text == value:
        return []
    if isinstance(node, Items) and not isinstance(value, str | Mapping) and len(node.items) == len(value):
        return [
            set_value(text, None, item, new, flow=node.flow)
            for item, new in zip(node.items, value, strict=True)
            if not (isinstance(item, Leaf) and item.text == new)
        ]
    return [set_value(text, key, node, value, flow=flow)]


def _in_flow(
    text: str, table: Table, names: Collection[str], splices: list[Splice], gone: Sequence[str],
    new: Mapping[str, Value | None], order: Sequence[str],
) -> list[Splice]:  # fmt: skip
    """Return splices inside braces; the braces are written anew only where a key comes or goes."""
    if not gone and not new:
        return splices
    inner = [Splice(item.begin - table.begin, item.end - table.begin, item.text) for item in splices]
    parts: list[tuple[str, str]] = []
    known = list(names)
    for entry, name in zip(table.entries, known, strict=True):
        begin, end = entry.key.begin - table.begin, entry.value.end - table.begin
        own = [
            Splice(s.begin - begin, s.end - begin, s.text) for s in inner if begin <= s.begin and s.end <= end
        ]
        if name not in gone:
            parts.append((name, spliced(text[entry.key.begin : entry.value.end], own)))
    for name, value in new.items():
        before = order[: order.index(name)] if name in order else [word for word, _ in parts]
        at = max((place + 1 for place, (word, _) in enumerate(parts) if word in before), default=0)
        parts.insert(at, (name, f"{name}: {flow_text(value or '', flow=True)}"))
    return [Splice(table.begin, table.end, "{" + ", ".join(part for _, part in parts) + "}")]


def _removed(text: str, table: Table, key: Leaf, value: Branch) -> Splice:
    begin = line_begin(text, key.begin)
    if text[begin : key.begin].strip():  # it stands behind a dash: the next key takes its place
        follower = next((entry.key.begin for entry in table.entries if entry.key.begin > key.begin), None)
        return Splice(key.begin, value.end if follower is None else follower, "")
    return Splice(begin, next_line(text, value.end), "")


def raw(text: str, node: Branch) -> str:
    """Return a node as it is written."""
    return f"*{node.name}" if isinstance(node, Alias) else text[node.begin : node.end]
