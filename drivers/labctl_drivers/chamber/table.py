"""The register map of a chamber as data, read from a TOML file; another chamber is another file."""

from __future__ import annotations

import math
import struct
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from labctl.errors import UsageError, UserFileError
from labctl.interfaces.chamber import ChamberState

SCHEMA = "labctl.chamber-registers/1"
READ_MAX_REGISTERS = 125


class Kind(StrEnum):
    """How a value lies in registers."""

    U16 = "u16"
    I16 = "i16"
    F32 = "f32"

    @property
    def registers(self) -> int:
        """Return how many registers it takes."""
        return 2 if self is Kind.F32 else 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One quantity: where it lies, how it is coded, and what may be written."""

    name: str
    address: int
    kind: Kind
    scale: float
    low: float
    high: float
    low_word_first: bool

    def encode(self, value: float) -> tuple[int, ...]:
        """Return the registers of a value. Raises UsageError outside the range."""
        if not self.low <= value <= self.high:
            raise UsageError(
                f"{self.name} {value:g} is outside {self.low:g} to {self.high:g}", operation="set"
            )
        if self.kind is Kind.F32:
            words = struct.unpack(">HH", struct.pack(">f", value / self.scale))
            return words[::-1] if self.low_word_first else words
        return (round(value / self.scale) & 0xFFFF,)

    def decode(self, words: Sequence[int]) -> float:
        """Return the value of the entry's registers; a float may be NaN or infinite."""
        if self.kind is Kind.F32:
            high, low = (words[1], words[0]) if self.low_word_first else (words[0], words[1])
            (raw,) = struct.unpack(">f", struct.pack(">HH", high, low))
            return float(raw) * self.scale
        raw = words[0]
        return (raw - 0x10000 if self.kind is Kind.I16 and raw & 0x8000 else raw) * self.scale

    def rounded(self, value: float) -> float:
        """Return the value as the device can hold it."""
        return self.decode(self.encode(value))


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring registers that are read together, with the entries in them."""

    address: int
    count: int
    entries: tuple[Entry, ...]

    def decode(self, words: Sequence[int]) -> dict[str, float]:
        """Return the values by name."""
        return {
            entry.name: entry.decode(words[entry.address - self.address :][: entry.kind.registers])
            for entry in self.entries
        }


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """A chamber's map."""

    name: str
    unit: int
    inputs: Mapping[str, Entry]
    holdings: Mapping[str, Entry]
    input_spans: tuple[Span, ...]
    holding_spans: tuple[Span, ...]
    states: Mapping[int, ChamberState]
    alarms: Mapping[int, str]
    plausible_low_degC: float
    plausible_high_degC: float


def load_table(path: Path | None = None) -> RegisterTable:
    """Read a map, by default the one that comes with labctl. Raises UserFileError naming place and fix."""
    place = "register_map.toml" if path is None else str(path)
    try:
        if path is None:
            text = (files("labctl_drivers.chamber") / place).read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise UserFileError(f"the register map cannot be read ({error.strerror})", path=place) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserFileError(f"this is not TOML: {error}", path=place) from error
    return _Reader(place).table(data)


class _Reader:
    """Checks a map while reading it."""

    def __init__(self, place: str) -> None:
        self._place = place

    def table(self, data: dict[str, Any]) -> RegisterTable:
        if data.get("schema") != SCHEMA:
            raise self._wrong("schema", f"it must be {SCHEMA!r}")
        order = data.get("word_order", "high word first")
        if order not in ("high word first", "low word first"):
            raise self._wrong("word_order", 'it must be "high word first" or "low word first"')
        unit = self._whole(data, "unit", 1, 1, 247)
        gap = self._whole(data, "gap_max_registers", 0, 0, READ_MAX_REGISTERS)
        low_first = order == "low word first"
        inputs = self._entries(
            data, "input", ("state", "temperature_degC"), ("alarm", "followed_degC"), low_first
        )
        holdings = self._entries(data, "holding", ("on", "setpoint_degC"), ("ramp_K_per_min",), low_first)
        plausible = self._section(data, "plausible_degC")
        return RegisterTable(
            name=str(data.get("name", self._place)),
            unit=unit,
            inputs=inputs,
            holdings=holdings,
            input_spans=_spans(inputs.values(), gap),
            holding_spans=_spans(holdings.values(), gap),
            states=self._states(data),
            alarms={self._code(code): str(text) for code, text in self._section(data, "alarms").items()},
            plausible_low_degC=self._number(plausible, "low", -273.15, "plausible_degC"),
            plausible_high_degC=self._number(plausible, "high", 1000.0, "plausible_degC"),
        )

    def _states(self, data: dict[str, Any]) -> dict[int, ChamberState]:
        states = {}
        for name, code in self._section(data, "states").items():
            if name not in tuple(ChamberState) or not isinstance(code, int):
                raise self._wrong(f"states.{name}", "write off, on or alarm = number")
            states[code] = ChamberState(name)
        if len(states) != len(ChamberState):
            raise self._wrong("states", "off, on and alarm need a number each")
        return states

    def _entries(
        self,
        data: dict[str, Any],
        section: str,
        needed: tuple[str, ...],
        optional: tuple[str, ...],
        low_first: bool,
    ) -> dict[str, Entry]:
        found = self._section(data, section)
        for name in needed:
            if name not in found:
                raise self._wrong(f"{section}.{name}", "it is missing")
        for name in found:
            if name not in needed + optional:
                raise self._wrong(f"{section}.{name}", f"known names are {', '.join(needed + optional)}")
        return {name: self._entry(f"{section}.{name}", found[name], low_first) for name in found}

    def _entry(self, where: str, data: Any, low_first: bool) -> Entry:
        if not isinstance(data, dict) or set(data) - {"address", "type", "scale", "low", "high"}:
            raise self._wrong(where, 'write { address = 2, type = "f32" }, with scale, low, high if needed')
        if data.get("type") not in tuple(Kind):
            raise self._wrong(f"{where}.type", "it must be u16, i16 or f32")
        scale = self._number(data, "scale", 1.0, where)
        if not scale:
            raise self._wrong(f"{where}.scale", "it must not be 0")
        return Entry(
            name=where.partition(".")[2],
            address=self._whole(data, "address", None, 0, 0xFFFF, where),
            kind=Kind(data["type"]),
            scale=scale,
            low=self._number(data, "low", -math.inf, where),
            high=self._number(data, "high", math.inf, where),
            low_word_first=low_first,
        )

    def _section(self, data: dict[str, Any], name: str) -> dict[str, Any]:
        section = data.get(name, {})
        if not isinstance(section, dict):
            raise self._wrong(name, f"write a section [{name}]")
        return section

    def _whole(
        self, data: dict[str, Any], key: str, default: int | None, low: int, high: int, where: str = ""
    ) -> int:
        value = data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(
                ".".join(filter(None, (where, key))), f"it must be a whole number {low} to {high}"
            )
        return value

    def _number(self, data: dict[str, Any], key: str, default: float, where: str) -> float:
        value = data.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._wrong(f"{where}.{key}", "it must be a number")
        return float(value)

    def _code(self, code: str) -> int:
        if not code.isdecimal():
            raise self._wrong(f"alarms.{code}", 'write number = "what it means"')
        return int(code)

    def _wrong(self, where: str, fix: str) -> UserFileError:
        return UserFileError(f"{where} cannot be used:", path=self._place, fix=fix + ".")


def _spans(entries: Sequence[Entry] | Any, gap: int) -> tuple[Span, ...]:
    """Join entries into reads: neighbours, or with at most ``gap`` registers between them."""
    spans: list[Span] = []
    for entry in sorted(entries, key=lambda entry: entry.address):
        end = entry.address + entry.kind.registers
        last = spans[-1] if spans else None
        if (
            last is not None
            and entry.address <= last.address + last.count + gap
            and end - last.address <= READ_MAX_REGISTERS
        ):
            spans[-1] = Span(last.address, end - last.address, (*last.entries, entry))
        else:
            spans.append(Span(entry.address, entry.kind.registers, (entry,)))
    return tuple(spans)
