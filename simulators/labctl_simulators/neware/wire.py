"""Read BTS requests and write BTS replies, as a real server does on its TCP port.

The simulator's own codec, written from the protocol description and apart from any driver's::

    request   <?xml ...?><bts version="1.0"><cmd>NAME</cmd> ... </bts>  white space  # CR LF
    reply     <?xml version="1.0" encoding="UTF-8"?> CR LF
              <bts version="1.0"> CR LF
              [2 blanks]<cmd>NAME_resp</cmd> CR LF
              [2 blanks]<list count="1"> CR LF
              [4 blanks]<status ... >working</status> CR LF
              [2 blanks]</list> CR LF
              </bts> LF LF # CR LF                                       nothing after it

Source: neware-bts 1.2 (frame, layout), 1.4 (oddities to accept), 1.5 (malformed requests).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import ParseError
from xml.etree.ElementTree import fromstring as plain_fromstring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

END_MARK = b"#\r\n"
REPLY_END = b"\n\n#\r\n"
REQUEST_MAX_BYTES = 1_000_000  # X04: a request is at most 1 MB; a start of 720 channels needs about 100 kB
NESTING_MAX = 32  # X04
REMEMBERED_MAX_BYTES = 4096  # a client polls with the same few requests: up to this size they are parsed once

_CLOSING = b"</bts>"
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CMD_IN_JUNK = re.compile(rb"<cmd>\s*([A-Za-z_]{1,40})\s*</cmd>")


ADDRESS = ("ip", "devtype", "devid", "subdevid", "chlid")
"""Address attributes of a channel (neware-bts 3.1); some replies leave the ip out."""
ADDRESS4 = ADDRESS[1:]


class RequestProblem(Exception):
    """A request that is not a BTS message; ``name`` is its command where one could be read."""

    def __init__(self, reason: str, name: str = "error") -> None:
        self.reason = reason
        self.name = name
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Frame:
    """One complete request, without its terminator. ``oversized``: its bytes were thrown away."""

    data: bytes
    oversized: bool = False


class FrameReader:
    """Cut a byte stream into requests; holds at most one incomplete request of limited size."""

    def __init__(self, max_bytes: int = REQUEST_MAX_BYTES) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._max_bytes = max_bytes
        self._skipping = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes as they come and return the requests they complete, oldest first.

        A request ends at ``# CR LF``. Whether a ``</bts>`` stands before it decides between a message and
        junk, which is the parser's matter; both are answered, so that the conversation stays in step.
        """
        self._buffer += data
        frames: list[Frame] = []
        while True:
            end = self._buffer.find(END_MARK, self._searched)
            if end < 0:
                break
            oversized = self._skipping or end > self._max_bytes
            frames.append(Frame(b"" if oversized else bytes(self._buffer[:end]), oversized))
            del self._buffer[: end + len(END_MARK)]
            self._searched = 0
            self._skipping = False
        if len(self._buffer) > self._max_bytes:
            self._skipping = True
            del self._buffer[: -(len(END_MARK) - 1)]
        self._searched = max(0, len(self._buffer) - len(END_MARK) + 1)
        return frames

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes of an incomplete request are held."""
        return len(self._buffer)


@dataclass(frozen=True, slots=True)
class Row:
    """One addressed element of a request: its tag, attributes and text (blanks stripped)."""

    tag: str
    attributes: Mapping[str, str]
    text: str = ""

    def get(self, name: str, default: str = "") -> str:
        """Return an attribute, or the default where the client left it out."""
        return self.attributes.get(name, default)


@dataclass(frozen=True, slots=True)
class Request:
    """One parsed request: command, plain text children, and rows (in a list or directly below ``bts``)."""

    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    list_attributes: Mapping[str, str] = field(default_factory=dict)

    def rows_of(self, tag: str) -> tuple[Row, ...]:
        """Return the rows with this tag, in request order."""
        return tuple(row for row in self.rows if row.tag == tag)


def parse_request(frame: Frame) -> Request:
    """Parse one request, tolerant of everything that clients in the field send.

    Accepts leading blanks, ``count = "1"``, stray text between elements, a missing ``ip`` and any attribute
    order. Refuses document type declarations (X05).
    Raises: RequestProblem with the command's name when one can be read.
    """
    return _parse_known(frame) if len(frame.data) <= REMEMBERED_MAX_BYTES else _parse(frame)


def _parse(frame: Frame) -> Request:
    if frame.oversized:
        raise RequestProblem("the request is larger than 1 MB")
    name = _name_in(frame.data)
    _check_tail(frame.data, name)
    root = parse_xml(frame.data, name)
    if root.tag != "bts":
        raise RequestProblem(f"the root element is {root.tag!r}, not 'bts'", name)
    if root.get("version", "1.0") != "1.0":
        raise RequestProblem(f"version {root.get('version')!r} is not 1.0", name)
    command = (root.findtext("cmd") or "").strip()
    if not command:
        raise RequestProblem("there is no cmd element", name)
    fields: dict[str, str] = {}
    rows: list[Row] = []
    list_attributes: Mapping[str, str] = {}
    for child in root:
        if child.tag == "cmd":
            continue
        if child.tag == "list":
            list_attributes = dict(child.attrib)
            rows.extend(_row(item) for item in child)
        elif child.attrib:
            rows.append(_row(child))
        else:
            fields[str(child.tag)] = (child.text or "").strip()
    return Request(command, fields, tuple(rows), list_attributes)


_parse_known = lru_cache(maxsize=64)(_parse)


def _row(element: XmlElement) -> Row:
    return Row(str(element.tag), dict(element.attrib), (element.text or "").strip())


def _name_in(data: bytes) -> str:
    found = _CMD_IN_JUNK.search(data)
    return found.group(1).decode("ascii") if found else "error"


def _check_tail(data: bytes, name: str) -> None:
    closing = data.find(_CLOSING)
    if closing < 0:
        raise RequestProblem("the end mark came before </bts>", name)
    if data[closing + len(_CLOSING) :].strip():
        raise RequestProblem("there is text between </bts> and the end mark", name)


def decode_text(data: bytes) -> str:
    """Decode UTF-8, else GB18030, whatever the XML declaration says.

    Source: neware-bts 5.1 (files declare GB2312 and hold UTF-8).
    Raises: UnicodeDecodeError when it is neither.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def parse_xml(data: bytes, name: str = "error") -> XmlElement:
    """Parse XML without a document type and return its root.

    Raises: RequestProblem when it is not well-formed, nested too deeply, or carries a document type.
    """
    try:
        text = _DECLARATION.sub("", decode_text(data), count=1).strip()
        # without "<!" there is no declaration to defend against, and the plain parser is four times as fast
        root: XmlElement = fromstring(text, forbid_dtd=True) if "<!" in text else plain_fromstring(text)
    except (ParseError, UnicodeDecodeError, DefusedXmlException, ValueError) as error:
        raise RequestProblem(f"not XML: {error}", name) from error
    level: list[XmlElement] = [root]
    for _ in range(NESTING_MAX):
        level = [child for element in level for child in element]
        if not level:
            return root
    raise RequestProblem("elements are nested too deeply", name)


@dataclass(slots=True)
class Element:
    """One element of a reply. ``rendered`` holds finished child lines (the fast path of record rows)."""

    tag: str
    attributes: Sequence[tuple[str, str]] = ()
    text: str = ""
    children: Sequence[Element] = ()
    rendered: str | None = None
    force_open: bool = False

    def lines(self, indent: int, out: list[str]) -> None:
        """Append this element's lines, without line ends, indented by blanks."""
        pad = " " * indent
        head = self.tag + "".join(f' {key}="{escape(value)}"' for key, value in self.attributes)
        if self.rendered:
            out.append(f"{pad}<{head}>")
            out.append(self.rendered)
            out.append(f"{pad}</{self.tag}>")
        elif self.children:
            out.append(f"{pad}<{head}>")
            for child in self.children:
                child.lines(indent + 2, out)
            out.append(f"{pad}</{self.tag}>")
        elif self.text or self.force_open:
            out.append(f"{pad}<{head}>{escape(self.text)}</{self.tag}>")
        else:
            out.append(f"{pad}<{head} />")


_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\r": "&#13;",
        "\n": "&#10;",
        "\t": "&#9;",
    }
)


def escape(text: str) -> str:
    """Escape text for an attribute or an element body."""
    return text.translate(_ESCAPES)


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\r\n<bts version="1.0">'


def reply(command: str, elements: Iterable[Element]) -> bytes:
    """Write one reply with terminator; ``command`` is the whole word, for example ``stop_resp``."""
    lines = [_HEAD, f"  <cmd>{escape(command)}</cmd>"]
    for element in elements:
        element.lines(2, lines)
    lines.append("</bts>")
    return "\r\n".join(lines).encode("utf-8") + REPLY_END


def list_of(children: Sequence[Element], rendered: str | None = None, count: int | None = None) -> Element:
    """Build the ``list`` element; an empty one is written ``<list count="0" />``."""
    number = len(children) if count is None else count
    return Element("list", (("count", str(number)),), children=children, rendered=rendered)


def number4(value: float) -> str:
    """Write a live value with up to four decimals, trimmed: ``3.456``, ``0``, ``-0.0003``."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number1(value: float) -> str:
    """Write a live time with one decimal, trimmed: ``12319``, ``7912.6``."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


_BARE_EXPONENT = re.compile(r'E(?<=["-]\dE)')  # begins with a letter that is rare: three times as fast


def number15(value: float) -> str:
    """Write a number with up to 15 significant digits, always with a decimal point in exponent form."""
    text = f"{value:.15G}"
    if "E" in text and "." not in text:
        text = text.replace("E", ".0E")
    return "0" if text == "-0" else text


def point_exponents(rows: str) -> str:
    """Give each quoted exponent number without a decimal point one: ``"3E-05"`` becomes ``"3.0E-05"``."""
    return _BARE_EXPONENT.sub(".0E", rows)


def integer(text: str) -> int:
    """Read a whole number of an attribute; anything else is 0."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0
