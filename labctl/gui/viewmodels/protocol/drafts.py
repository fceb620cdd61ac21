"""Unsaved texts, kept on this computer for a person and a station: over restarts, and while the link is lost (R13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

DRAFTS_MAX = 50
"""Older ones go: nobody comes back to the fifty-first."""


class Keep(Protocol):
    """Where plain values are kept: the window's session."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a kept value."""

    def put(self, key: str, value: Any) -> None:
        """Keep a value; None forgets it."""

    def sync(self) -> None:
        """Write to disk now."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that is not saved at the station. ``base`` is the text that it was made from, ``revision`` its number."""

    key: str
    text: str
    base: str
    revision: int = 0
    name: str = ""
    """The protocol's name at the station; empty for one that was never saved there."""
    source: str = ""
    utc: str = ""
    made: str = ""
    """When the base was saved, and by whom."""


class Drafts:
    """The drafts of a person at a station. ``utc`` is the wall clock as ISO text."""

    def __init__(self, keep: Keep, whose: Callable[[], str], utc: Callable[[], str]) -> None:
        self._keep, self._whose, self._utc = keep, whose, utc

    def _place(self) -> str:
        return f"protocol/drafts/{self._whose()}"

    def all(self) -> tuple[Draft, ...]:
        """Return every draft, newest first; one that cannot be read any more is left out."""
        kept = self._keep.get(self._place(), {})
        found = []
        for key, value in kept.items() if isinstance(kept, dict) else ():
            try:
                found.append(
                    Draft(**{"key": str(key), **{name: value[name] for name in _NAMES if name in value}})
                )
            except (TypeError, KeyError):
                continue
        return tuple(sorted(found, key=lambda draft: draft.utc, reverse=True))

    def get(self, key: str) -> Draft | None:
        """Return a draft, None where there is none."""
        return next((draft for draft in self.all() if draft.key == key), None)

    def put(self, draft: Draft) -> None:
        """Keep a draft, now and on disk."""
        drafts = [draft, *(other for other in self.all() if other.key != draft.key)][:DRAFTS_MAX]
        self._write(drafts)

    def forget(self, key: str) -> None:
        """Forget a draft."""
        drafts = [draft for draft in self.all() if draft.key != key]
        if len(drafts) != len(self.all()):
            self._write(drafts)

    def now(self) -> str:
        """Return the moment as drafts carry it."""
        return self._utc()

    def _write(self, drafts: list[Draft]) -> None:
        plain = {
            draft.key: {name: value for name, value in asdict(draft).items() if name != "key"}
            for draft in drafts
        }
        self._keep.put(self._place(), plain or None)
        self._keep.sync()


_NAMES = ("text", "base", "revision", "name", "source", "utc", "made")
