"""Read YAML strictly, keeping line and column: for protocol, station and bench files that people write.

What is refused, each with its place: tags, duplicate keys, keys that are not plain text, merge keys (``<<``), a second
document, empty values, and anything beyond the caps (1 MB, nesting 32, 10,000 nodes after alias expansion). Aliases
are expanded by sharing, so a "bomb" is counted before it costs memory. Scalars stay text; whoever reads them knows
what they ought to be.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from labctl.errors import UserFileError

BYTES_MAX = 1_000_000
"""No protocol of a person comes near it; a larger file is a mistake (a data file) or an attack."""
NESTING_MAX = 32
"""Deeper than any readable protocol, shallow enough that recursive readers are safe."""
NODES_MAX = 10_000
"""Counted after expansion of aliases, so that nine nested aliases cannot make a billion nodes."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as text. ``plain`` is False when it was quoted or a block; line and column count from 1."""

    text: str
    line: int
    column: int
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order of the text; keys are unique."""

    entries: tuple[tuple[Scalar, Node], ...]
    line: int
    column: int


Node: TypeAlias = Scalar | Sequence | Mapping


def refusal(source: str, node: Node | None, problem: str, fix: str = "") -> UserFileError:
    """Build the error that names the place of ``node`` in ``source``, the problem and the fix."""
    if node is None:
        return UserFileError(problem, path=source, fix=fix)
    return UserFileError(problem, path=source, line=node.line, column=node.column, fix=fix)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word closest to ``word``, or None when nothing is close."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def load_yaml_file(path: Path) -> Node:
    """Read a YAML file. Raises: UserFileError when it cannot be read or is not strict YAML."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes > BYTES_MAX:
            raise UserFileError(
                f"the file has {size_bytes} bytes; at most {BYTES_MAX} are read.",
                path=path,
                fix="Check that it is the file you meant; a protocol or station file is a few kilobytes.",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserFileError(
            f"the file is not UTF-8 text (byte {error.start}).", path=path, fix="Save it as UTF-8."
        ) from error
    except OSError as error:
        raise UserFileError(
            f"the file cannot be read: {error.strerror or error}.",
            path=path,
            fix="Check the path and its permissions.",
        ) from error
    return load_yaml(text, str(path))


def load_yaml(text: str, source: str) -> Node:
    """Read one YAML document as nodes with line and column. Raises: UserFileError naming the place and the fix."""
    if len(text) > BYTES_MAX or len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise UserFileError(
            f"the text is larger than {BYTES_MAX} bytes.",
            path=source,
            fix="Check that it is the file you meant; a protocol or station file is a few kilobytes.",
        )
    try:
        node = _Composer(source).compose(YAML(typ="rt", pure=True).parse(text))
    except MarkedYAMLError as error:
        raise _from_marked(error, source) from error
    except YAMLError as error:  # ReaderError: characters that YAML does not allow
        problem = " ".join(str(error).split())
        raise UserFileError(
            f"this is not YAML: {problem[:160]}.", path=source, fix="Remove the control characters."
        ) from error
    except (
        ValueError,
        OverflowError,
        UnicodeError,
    ) as error:  # numbers or escapes that the scanner cannot hold
        raise UserFileError(
            f"this is not YAML: {error}.", path=source, fix="Correct the escape or directive."
        ) from error
    return node


def _from_marked(error: MarkedYAMLError, source: str) -> UserFileError:
    mark = error.problem_mark or error.context_mark
    problem = " ".join(part for part in (error.context, error.problem) if part)
    fix = "Check the indentation (spaces only, no tabs), brackets, quotes and the space after ':' just before it."
    line = None if mark is None else mark.line + 1
    column = None if mark is None else mark.column + 1
    return UserFileError(f"this is not YAML: {problem}.", path=source, line=line, column=column, fix=fix)


class _Composer:
    """Builds nodes from parser events, within the caps."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # node, its nodes, its depth
        self._open: set[str] = set()
        self._count = 0

    def compose(self, events: Iterator[Any]) -> Node:
        """Return the only document's root."""
        root: Node | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if root is not None:
                    raise self._error(
                        event, "a second document begins here.", "Keep one document per file; remove '---'."
                    )
                root, _, _ = self._node(next(events), events, 1)
        if root is None or (isinstance(root, Scalar) and root.plain and root.text == ""):
            raise UserFileError(
                "the file is empty.",
                path=self._source,
                fix="Begin with 'labctl: protocol/1' (or the kind of file it is).",
            )
        return root

    def _error(self, event: Any, problem: str, fix: str) -> UserFileError:
        mark = event.start_mark
        return UserFileError(problem, path=self._source, line=mark.line + 1, column=mark.column + 1, fix=fix)

    def _counted(self, event: Any, nodes: int, depth: int) -> None:
        self._count += nodes
        if self._count > NODES_MAX:
            raise self._error(
                event,
                f"the file has more than {NODES_MAX} nodes (aliases expanded).",
                "Use 'repeat' instead of copies.",
            )
        if depth > NESTING_MAX:
            raise self._error(event, f"nested deeper than {NESTING_MAX} levels.", "Flatten the structure.")

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> tuple[Node, int, int]:
        """Return the node of ``event``, its number of nodes and its own depth (a scalar is 1 deep)."""
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, AliasEvent):
            return self._alias(event, depth)
        if getattr(event, "tag", None) is not None:
            raise self._error(
                event, "tags ('!...') are not read.", "Remove the tag; plain values are enough."
            )
        self._counted(event, 1, depth)
        anchor: str | None = event.anchor
        if anchor is not None:
            self._open.add(anchor)
        node: Node
        total, height = 1, 1
        if isinstance(event, ScalarEvent):
            # The round-trip scanner marks the folds of a folded text with BEL; no YAML text can hold one otherwise.
            value = event.value.replace("\a", "") if event.style == ">" else event.value
            node = Scalar(value, line, column, plain=event.style is None)
        elif isinstance(event, SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(event := next(events), SequenceEndEvent):
                item, nodes, item_height = self._node(event, events, depth + 1)
                items.append(item)
                total, height = total + nodes, max(height, item_height + 1)
            node = Sequence(tuple(items), line, column)
        elif isinstance(event, MappingStartEvent):
            node, total, height = self._mapping(events, depth, line, column)
        else:
            raise self._error(event, "this is not a value.", "Check the lines around it.")
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = (node, total, height)
        return node, total, height

    def _alias(self, event: Any, depth: int) -> tuple[Node, int, int]:
        name = event.anchor
        if name in self._open:
            raise self._error(
                event, f"alias '*{name}' contains itself.", "Write the steps out, or use 'repeat'."
            )
        if name not in self._anchors:
            raise self._error(
                event,
                f"alias '*{name}' has no anchor '&{name}' before it.",
                "Define it first, or write the value.",
            )
        node, total, height = self._anchors[name]
        self._counted(event, total, depth + height - 1)
        return node, total, height

    def _mapping(self, events: Iterator[Any], depth: int, line: int, column: int) -> tuple[Mapping, int, int]:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        total, height = 1, 1
        while not isinstance(event := next(events), MappingEndEvent):
            key, nodes, _ = self._node(event, events, depth + 1)
            if not isinstance(key, Scalar):
                raise self._error(
                    event, "a key must be plain text.", "Write 'key: value' with one word as key."
                )
            if key.text == "<<" and key.plain:
                raise refusal(
                    self._source,
                    key,
                    "merge keys ('<<') are not read.",
                    "Write the keys out, or use an alias for a whole value.",
                )
            if key.text in seen:
                raise refusal(
                    self._source,
                    key,
                    f"duplicate key '{key.text}' (first on line {seen[key.text].line}).",
                    "Remove one of the two.",
                )
            seen[key.text] = key
            value_event = next(events)
            value, value_nodes, value_height = self._node(value_event, events, depth + 1)
            if isinstance(value, Scalar) and value.plain and value.text in ("", "~", "null"):
                raise refusal(
                    self._source, key, f"'{key.text}' has no value.", "Give a value or remove the line."
                )
            entries.append((key, value))
            total, height = total + nodes + value_nodes, max(height, value_height + 1)
        return Mapping(tuple(entries), line, column), total, height


def to_plain(node: Node) -> Any:
    """Return dicts, lists and scalars (int, float, bool, str by the YAML 1.2 core rules) for JSON Schema and models."""
    if isinstance(node, Sequence):
        return [to_plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: to_plain(value) for key, value in node.entries}
    if node.plain:
        if node.text in ("true", "True", "TRUE"):
            return True
        if node.text in ("false", "False", "FALSE"):
            return False
        for convert in (int, float):
            if node.text.isascii() and "_" not in node.text:
                try:
                    return convert(node.text)
                except ValueError:
                    continue
    return node.text


def to_texts(node: Node) -> Any:
    """Return dicts, lists and texts: the document as written, without places."""
    if isinstance(node, Sequence):
        return [to_texts(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: to_texts(value) for key, value in node.entries}
    return node.text


class Fields:
    """The keys of one mapping, read by name; unknown keys are refused at once with the nearest known one."""

    def __init__(self, node: Node, source: str, what: str, known: Iterable[str]) -> None:
        self.source = source
        self.what = what
        self.known = tuple(known)
        if not isinstance(node, Mapping):
            raise refusal(
                source,
                node,
                f"{what} must be written as 'key: value' lines.",
                f"Known keys: {', '.join(self.known)}.",
            )
        self.node = node
        self._values = {key.text: value for key, value in node.entries}
        self.keys = {key.text: key for key, _ in node.entries}
        for key, _ in node.entries:
            if key.text not in self.known:
                raise self.unknown(key)

    def unknown(self, key: Scalar) -> UserFileError:
        """Build the error for a key that nobody knows."""
        near = nearest(key.text, self.known)
        hint = f"Did you mean '{near}'? " if near else ""
        return refusal(
            self.source,
            key,
            f"unknown key '{key.text}' in {self.what}.",
            f"{hint}Known keys: {', '.join(self.known)}.",
        )

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> Node | None:
        """Return the value of a key or None."""
        return self._values.get(name)

    def need(self, name: str, example: str) -> Node:
        """Return the value of a key. Raises: UserFileError when it is missing."""
        value = self._values.get(name)
        if value is None:
            raise refusal(
                self.source,
                self.node,
                f"{self.what} lacks '{name}'.",
                f"Add for example '{name}: {example}'.",
            )
        return value
