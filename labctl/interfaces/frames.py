"""What a driver may say of raw bytes: one line for people who look at what passed the link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class FrameText:
    """Bytes in words, and the places that they name (``1-3``)."""

    text: str
    places: tuple[str, ...] = ()


@runtime_checkable
class ExplainsFrames(Protocol):
    """Reads what was written or read in one go. Pure, called from any thread."""

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say what the bytes are; part of a message, or nonsense, is said to be that. Raises nothing."""
