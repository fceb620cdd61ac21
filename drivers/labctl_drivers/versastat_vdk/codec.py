"""XML-RPC as the bridge speaks it: calls, answers and faults to and from bytes. Pure; both ends use it.

Its base form has neither nil nor NaN: a void call answers an empty string, and what is no number is sent as the string
``nan``, ``inf`` or ``-inf``, in arrays too. Source: potentiostat.md 2.2.3 and the XML-RPC specification of 1999.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from labctl.errors import UsageError, WireError

Value = bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]

INT_MAX = 2**31 - 1
"""Larger whole numbers have no place in the base form."""

NESTING_MAX = 8
NOT_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the method's name and its parameters in order."""

    method: str
    parameters: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """The other end answered no."""

    code: int
    text: str


def encode_call(method: str, parameters: Sequence[Value]) -> bytes:
    """Return the body of a call. Raises: UsageError for a value that cannot be sent."""
    inner = "".join(f"<param>{_written(value)}</param>" for value in parameters)
    return _document(
        f"<methodCall><methodName>{_escaped(method)}</methodName><params>{inner}</params></methodCall>"
    )


def encode_answer(value: Value) -> bytes:
    """Return the body of an answer. Raises: UsageError for a value that cannot be sent."""
    return _document(f"<methodResponse><params><param>{_written(value)}</param></params></methodResponse>")


def encode_fault(fault: Fault) -> bytes:
    """Return the body of a fault."""
    told = _written({"faultCode": fault.code, "faultString": fault.text})
    return _document(f"<methodResponse><fault>{told}</fault></methodResponse>")


def decode_call(body: bytes) -> Call:
    """Return the call in a body. Raises: WireError."""
    root = _root(body, "methodCall")
    name = root.findtext("methodName", "").strip()
    if not name:
        raise WireError("a call without methodName", data=body, rule="XML-RPC: request")
    return Call(name, tuple(_read_value(_only(param, body), body) for param in root.iterfind("params/param")))


def decode_answer(body: bytes) -> Value | Fault:
    """Return the value or the fault in a body. Raises: WireError."""
    root = _root(body, "methodResponse")
    fault = root.find("fault")
    if fault is not None:
        told = _read_value(_only(fault, body), body)
        if isinstance(told, Mapping) and isinstance(code := told.get("faultCode"), int):
            return Fault(code, str(told.get("faultString", "")))
        raise WireError("a fault without faultCode", data=body, rule="XML-RPC: fault")
    param = root.find("params/param")
    if param is None:
        return ""
    return _read_value(_only(param, body), body)


def number(value: Value) -> float:
    """Return a number, or what stands for one that is none. Raises: WireError."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise WireError(f"{value!r} is not a number", rule="2.2.3: NaN as a string")
    if isinstance(value, str):
        if value.strip().lower() not in NOT_NUMBERS:
            raise WireError(f"{value!r} is not a number", rule="2.2.3: NaN as a string")
        return NOT_NUMBERS[value.strip().lower()]
    return float(value)


def _document(inner: str) -> bytes:
    return f'<?xml version="1.0"?>{inner}'.encode()


def _escaped(text: str) -> str:
    if not all(character in "\t\n\r" or character.isprintable() for character in text):
        raise UsageError(f"{text[:60]!r} holds a character that cannot be sent", operation="encode")
    return text.translate(_ESCAPES)


def _written(value: Value) -> str:
    if isinstance(value, bool):
        inner = f"<boolean>{int(value)}</boolean>"
    elif isinstance(value, int):
        if not -INT_MAX - 1 <= value <= INT_MAX:
            raise UsageError(f"{value} is beyond an XML-RPC int", operation="encode")
        inner = f"<int>{value}</int>"
    elif isinstance(value, float):
        inner = f"<double>{value!r}</double>" if math.isfinite(value) else f"<string>{value!r}</string>"
    elif isinstance(value, str):
        inner = f"<string>{_escaped(value)}</string>"
    elif isinstance(value, Mapping):
        members = (
            f"<member><name>{_escaped(name)}</name>{_written(one)}</member>" for name, one in value.items()
        )
        inner = f"<struct>{''.join(members)}</struct>"
    else:
        inner = f"<array><data>{''.join(map(_written, value))}</data></array>"
    return f"<value>{inner}</value>"


def _root(body: bytes, tag: str) -> Element:
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise WireError(f"no XML-RPC: {error}", data=body, rule="XML-RPC: well-formed XML") from error
    if not isinstance(root, Element) or root.tag != tag:
        raise WireError(f"no {tag}", data=body, rule="XML-RPC: root element")
    return root


def _only(parent: Element, body: bytes) -> Element:
    found = parent.findall("value")
    if len(found) != 1:
        raise WireError(f"{len(found)} values in one {parent.tag}", data=body, rule="XML-RPC: one value")
    return found[0]


def _read_value(value: Element, body: bytes, depth: int = 0) -> Value:
    if depth > NESTING_MAX:
        raise WireError("values nested too deep", data=body, rule="XML-RPC: nesting")
    if not len(value):
        return value.text or ""
    kind = value[0]
    if kind.tag == "array":
        return [_read_value(one, body, depth + 1) for one in kind.iterfind("data/value")]
    if kind.tag == "struct":
        return {
            member.findtext("name", ""): _read_value(_only(member, body), body, depth + 1)
            for member in kind.iterfind("member")
        }
    return _read_scalar(kind.tag, kind.text or "", body)


def _read_scalar(tag: str, text: str, body: bytes) -> Value:
    try:
        match tag:
            case "string":
                return text
            case "int" | "i4":
                return int(text)
            case "double":
                return float(text)
            case "boolean" if text.strip() in ("0", "1"):
                return text.strip() == "1"
    except ValueError as error:
        raise WireError(f"{text[:40]!r} is no {tag}", data=body, rule="XML-RPC: scalars") from error
    raise WireError(f"{text[:40]!r} is no {tag} that is known", data=body, rule="XML-RPC: scalars")
