"""A protocol's text as a tree that knows where everything stands, so that an edit changes its own characters only.

The text is the document. Nothing is ever written anew from a parsed form: comments, quotes, blank lines and line ends
of a hand-written file stay as they are, except for what an edit is about. Places come from ruamel's events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

NESTING_MAX = 64


@dataclass(slots=True)
class Leaf:
    """A single value. ``begin`` and ``end`` are places in the text; ``style`` is the quote, ``>``, ``|`` or empty."""

    text: str
    begin: int
    end: int
    line: int
    column: int
    style: str = ""
    anchor: str = ""


@dataclass(slots=True)
class Items:
    """A list. ``flow`` is ``[a, b]``."""

    items: list[Branch]
    begin: int
    end: int
    line: int
    column: int
    flow: bool
    anchor: str = ""


@dataclass(slots=True)
class Entry:
    """A key with its value."""

    key: Leaf
    value: Branch


@dataclass(slots=True)
class Table:
    """Keys and values. ``flow`` is ``{a: 1}``."""

    entries: list[Entry]
    begin: int
    end: int
    line: int
    column: int
    flow: bool
    anchor: str = ""
    index: dict[str, Entry] = field(default_factory=dict)

    def get(self, name: str) -> Branch | None:
        """Return the value of a key, None where there is none."""
        found = self.index.get(name)
        return None if found is None else found.value

    def text(self, name: str) -> str:
        """Return the value of a key as text; empty where there is none or it is no single value."""
        found = self.get(name)
        return found.text if isinstance(found, Leaf) else ""


@dataclass(slots=True)
class Alias:
    """A use of an anchor: shown, never edited here."""

    name: str
    target: Branch
    begin: int
    end: int
    line: int
    column: int
    anchor: str = ""


Branch: TypeAlias = Leaf | Items | Table | Alias


TEXTS_KEPT = 32
"""An edit asks for the same few texts again and again: before, after, the revision it is compared with, undo."""


class TextProblem(Exception):
    """The text is no YAML of ours. ``line`` and ``column`` count from 1; 0 where nobody knows."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


def real(node: Branch | None) -> Branch | None:
    """Return what an alias stands for; everything else as it is."""
    while isinstance(node, Alias):
        node = node.target
    return node


def plain(node: Branch | None) -> Any:
    """Return dicts, lists and texts."""
    node = real(node)
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    if isinstance(node, Table):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    return node.text if isinstance(node, Leaf) else ""


@lru_cache(TEXTS_KEPT)
def read_tree(text: str) -> Table:
    """Return the tree of a protocol's text, which nobody changes. Raises: TextProblem with line and column."""
    try:
        events = iter(list(YAML(typ="rt", pure=True).parse(text)))
    except YAMLError as error:
        raise _problem(error) from error
    except (ValueError, OverflowError, UnicodeError) as error:
        raise TextProblem(str(error)) from error
    root: Branch | None = None
    builder = _Builder(text)
    for event in events:
        if isinstance(event, DocumentStartEvent):
            if root is not None:
                raise TextProblem("a second document begins here", event.start_mark.line + 1, 1)
            root = builder.node(next(events), events, 0)
    if not isinstance(root, Table):
        raise TextProblem(
            "a protocol is written as 'key: value' lines, beginning with 'labctl: protocol/1'", 1, 1
        )
    return root


def _problem(error: YAMLError) -> TextProblem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    words = " ".join(
        str(part) for part in (getattr(error, "context", ""), getattr(error, "problem", "")) if part
    )
    words = words or " ".join(str(error).split())[:160]
    return TextProblem(words, *((0, 0) if mark is None else (mark.line + 1, mark.column + 1)))


class _Builder:
    """Builds the tree from ruamel's events."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._anchors: dict[str, Branch] = {}

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Branch:
        """Return the node that begins with an event. Raises: TextProblem."""
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if depth > NESTING_MAX:
            raise TextProblem("nested too deep", line, column)
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise TextProblem(f"alias '*{event.anchor}' has no anchor before it", line, column)
            target = self._anchors[event.anchor]
            return Alias(event.anchor, target, mark.index, event.end_mark.index, line, column)
        anchor = str(event.anchor or "")
        made: Branch
        if isinstance(event, ScalarEvent):
            made = self._leaf(event, line, column, anchor)
        elif isinstance(event, SequenceStartEvent):
            items: list[Branch] = []
            while not isinstance(event_ := next(events), SequenceEndEvent):
                items.append(self.node(event_, events, depth + 1))
            flow = bool(event.flow_style)
            end = event_.end_mark.index if flow or not items else items[-1].end
            made = Items(items, self._behind(mark.index, anchor), end, line, column, flow, anchor)
        elif isinstance(event, MappingStartEvent):
            made = self._table(event, events, depth, anchor)
        else:
            raise TextProblem("this is not a value", line, column)
        if anchor:
            self._anchors[anchor] = made
        return made

    def _leaf(self, event: Any, line: int, column: int, anchor: str) -> Leaf:
        style = event.style or ""
        begin, end = event.start_mark.index, event.end_mark.index
        if style in (">", "|"):
            end = begin + len(self._text[begin:end].rstrip())
        value = event.value.replace("\a", "") if style == ">" else event.value
        return Leaf(value, self._behind(begin, anchor), end, line, column, style, anchor)

    def _behind(self, begin: int, anchor: str) -> int:
        """Return where a value begins: ruamel's mark stands at its anchor."""
        if not anchor or self._text[begin : begin + 1] != "&":
            return begin
        begin += 1 + len(anchor)
        while self._text[begin : begin + 1] == " ":
            begin += 1
        return begin

    def _table(self, event: Any, events: Iterator[Any], depth: int, anchor: str) -> Table:
        mark = event.start_mark
        begin = self._behind(mark.index, anchor)
        made = Table([], begin, 0, mark.line + 1, mark.column + 1, bool(event.flow_style), anchor)
        while not isinstance(event_ := next(events), MappingEndEvent):
            key = self.node(event_, events, depth + 1)
            if not isinstance(key, Leaf):
                raise TextProblem("a key must be plain text", key.line, key.column)
            if key.text in made.index:
                raise TextProblem(f"the key '{key.text}' stands here twice", key.line, key.column)
            entry = Entry(key, self.node(next(events), events, depth + 1))
            made.entries.append(entry)
            made.index[key.text] = entry
        last = made.entries[-1].value.end if made.entries else made.begin
        made.end = event_.end_mark.index if made.flow else last
        return made
