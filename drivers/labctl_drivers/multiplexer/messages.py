"""Everything that can be said to a multiplexer."""

from __future__ import annotations

from dataclasses import dataclass

from labctl.interfaces.switch import Path


@dataclass(frozen=True, slots=True)
class Identify:
    """Ask who answers."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close one path; there is no answer."""

    path: Path


@dataclass(frozen=True, slots=True)
class Open:
    """Open one path; there is no answer."""

    path: Path


@dataclass(frozen=True, slots=True)
class OpenAll:
    """Open every path; there is no answer."""


@dataclass(frozen=True, slots=True)
class IsClosed:
    """Ask whether one path is closed."""

    path: Path


Command = Close | Open | OpenAll
Question = Identify | IsClosed
