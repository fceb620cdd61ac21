"""Reading and writing XML safely: DTD and entities refused, sizes and nesting capped, everything escaped.

The one door through which foreign XML becomes elements, for wire replies and step files alike. Source: X04, X05.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from labctl.errors import UsageError

NESTING_MAX = 32
STRING_MAX = 65_536
ELEMENTS_MAX = 400_000
"""A 16 MB reply of short rows; more is an attack or a defect."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {
    ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;",
    ord("\t"): "&#9;", ord("\n"): "&#10;", ord("\r"): "&#13;",
}  # fmt: skip
_DECLARATION = re.compile(r"\A\s*<\?xml\b[^<>]*\?>")


class XmlProblem(ValueError):
    """Text that is not the XML we accept; the message says why."""


class _CappedBuilder:
    """Builds the tree while counting depth, elements and attribute lengths."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > NESTING_MAX:
            raise XmlProblem(f"elements nested deeper than {NESTING_MAX}")
        if self._elements > ELEMENTS_MAX:
            raise XmlProblem(f"more than {ELEMENTS_MAX} elements")
        for value in attributes.values():
            if len(value) > STRING_MAX:
                raise XmlProblem(f"an attribute longer than {STRING_MAX} characters")
        return self._builder.start(tag, attributes)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return self._builder.end(tag)

    def data(self, data: str) -> None:
        self._builder.data(data)

    def close(self) -> Element:
        return self._builder.close()


def decode_text(data: bytes) -> str:
    """Decode as UTF-8, else as GB18030; the declared encoding is not believed.

    Raises: XmlProblem. Source: section 5.1 and open point 9 (barcodes of older clients).
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise XmlProblem("neither UTF-8 nor GB18030")


def parse_xml(data: bytes) -> Element:
    """Parse one document and return its root.

    Raises: XmlProblem for anything malformed, with a DTD, an entity, or beyond the caps.
    """
    text = _DECLARATION.sub("", decode_text(data), count=1)
    parser = DefusedXMLParser(target=_CappedBuilder(), forbid_dtd=True)
    try:
        parser.feed(text)
        root = parser.close()
    except (ParseError, DefusedXmlException, XmlProblem, ValueError) as error:
        raise XmlProblem(str(error) or type(error).__name__) from error
    if not isinstance(root, Element):
        raise XmlProblem("no root element")
    return root


def escaped(text: str) -> str:
    """Escape for text and for double-quoted attributes. Raises: UsageError for characters XML cannot hold."""
    illegal = _ILLEGAL.search(text)
    if illegal is not None:
        raise UsageError(f"character {illegal.group()!r} cannot be sent in XML")
    return text.translate(_ESCAPES)


class XmlWriter:
    """Writes elements one after the other on one line; the only way requests are built."""

    __slots__ = ("_open", "_parts")

    def __init__(self, head: str = "") -> None:
        self._parts = [head]
        self._open: list[str] = []

    def begin(self, tag: str, attributes: Mapping[str, str | int] | None = None) -> None:
        """Open an element."""
        self._tag(tag, attributes, ">")
        self._open.append(tag)

    def end(self) -> None:
        """Close the element that was opened last."""
        self._parts.append(f"</{self._open.pop()}>")

    def leaf(
        self, tag: str, attributes: Mapping[str, str | int] | None = None, text: str | None = None
    ) -> None:
        """Write an element without children; ``text`` None gives an empty element."""
        if text is None:
            self._tag(tag, attributes, " />")
            return
        self._tag(tag, attributes, ">")
        self._parts.append(f"{escaped(text)}</{tag}>")

    def raw(self, xml: str) -> None:
        """Insert what another writer has written."""
        self._parts.append(xml)

    def done(self) -> str:
        """Close what is open and return the text."""
        while self._open:
            self.end()
        return "".join(self._parts)

    def _tag(self, tag: str, attributes: Mapping[str, str | int] | None, close: str) -> None:
        self._parts.append(f"<{tag}")
        for name, value in (attributes or {}).items():
            text = str(value) if isinstance(value, int) else escaped(value)
            self._parts.append(f' {name}="{text}"')
        self._parts.append(close)
