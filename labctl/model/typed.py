"""The way back from JSON to the model's dataclasses: the inverse of ``labctl.model.plain.to_plain``.

Made for what our own station says: unknown keys are left out (a newer station may say more than this client knows),
missing ones get their defaults, null where a number stands means NaN.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")

_LISTS = (tuple, list, set, frozenset, collections.abc.Sequence)
_MAPPINGS = (dict, collections.abc.Mapping)


def from_plain(kind: type[T], value: Any) -> T:
    """Return ``value`` (as JSON gives it) as a ``kind``. Raises: ValueError naming what does not fit and where."""
    return cast(T, _typed(kind, value, getattr(kind, "__name__", str(kind))))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _typed(kind: Any, value: Any, where: str) -> Any:
    """Turn one value; ``where`` is the path to it for the error."""
    kind = getattr(kind, "__supertype__", kind)
    origin = get_origin(kind)
    if kind is Any or kind is object or kind is None or kind is type(None):
        return value
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value, where)
    if origin is typing.Literal:
        return value
    if origin in _LISTS:
        return _listed(origin, get_args(kind), value, where)
    if origin in _MAPPINGS:
        return _mapped(get_args(kind), value, where)
    if is_dataclass(kind) and isinstance(kind, type):
        return _object(kind, value, where)
    return _scalar(kind, value, where)


def _object(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: an object was expected, not {value!r:.60}")
    hints = _hints(kind)
    known = {
        field.name: _typed(hints[field.name], value[field.name], f"{where}.{field.name}")
        for field in fields(kind)
        if field.init and field.name in value
    }
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    problems = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return _typed(kind, value, where)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError("; ".join(problems))


def _listed(origin: Any, parts: tuple[Any, ...], value: Any, where: str) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where}: a list was expected, not {value!r:.60}")
    if origin is tuple and parts and parts[-1] is not Ellipsis:
        if len(parts) != len(value):
            raise ValueError(f"{where}: {len(parts)} values were expected, not {len(value)}")
        return tuple(
            _typed(part, item, f"{where}[{i}]")
            for i, (part, item) in enumerate(zip(parts, value, strict=True))
        )
    part = parts[0] if parts else Any
    items = [_typed(part, item, f"{where}[{i}]") for i, item in enumerate(value)]
    return tuple(items) if origin is collections.abc.Sequence else origin(items)


def _mapped(parts: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: an object was expected, not {value!r:.60}")
    key, part = parts or (Any, Any)
    return {_typed(key, name, where): _typed(part, item, f"{where}.{name}") for name, item in value.items()}


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
    if kind is float and value is None:
        return float("nan")
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (str, int, float, bool) and (
        not isinstance(value, kind) or (kind is int and isinstance(value, bool))
    ):
        raise ValueError(f"{where}: {kind.__name__} was expected, not {value!r:.60}")
    return value
