"""One noun of the registry with all its revisions: cells, electrodes, batches. In memory, pure.

A correction is a new revision; older ones stay. Raw rows know nothing of any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from labctl.config.celltable import problems_of
from labctl.errors import ConflictError, UserInputError
from labctl.model.cell import Batch, Cell, Electrode, EntryKind, Revision
from labctl.model.latest import NewestRevision
from labctl.model.plain import to_plain
from labctl.model.typed import from_plain
from labctl.store import names

E = TypeVar("E", Cell, Electrode, Batch)


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes something, when (ISO 8601) and why."""

    by: str
    utc: str
    reason: str = ""


class Shelf(Generic[E]):
    """All entries of one noun, newest revision first to hand."""

    def __init__(self, kind: EntryKind, made: type[E], id_of: Callable[[E], str]) -> None:
        self.kind = kind
        self._made: type[E] = made
        self.id_of: Callable[[E], str] = id_of
        self._newest: dict[str, E] = {}
        self._revisions: dict[str, list[Revision]] = {}

    def all(self) -> tuple[E, ...]:
        """Return the newest revision of every entry, by id."""
        return tuple(self._newest[entry_id] for entry_id in sorted(self._newest))

    def find(self, entry_id: str) -> E | None:
        """Return the newest revision of an entry, None if it is unknown."""
        return self._newest.get(entry_id)

    def every_revision(self) -> tuple[Revision, ...]:
        """Return all revisions of all entries, by id, oldest first."""
        return tuple(
            revision for entry_id in sorted(self._revisions) for revision in self._revisions[entry_id]
        )

    def get(self, entry_id: str) -> E:
        """Return the newest revision of an entry. Raises: UserInputError naming ids that are near."""
        found = self._newest.get(entry_id)
        if found is None:
            near = get_close_matches(entry_id, list(self._newest), n=5)
            hint = f"Did you mean {', '.join(near)}?" if near else "Register it first."
            if not near and self._newest:
                hint = f"Registered: {', '.join(sorted(self._newest)[:8])}."
            raise UserInputError(f"There is no {self.kind.value} {entry_id!r}. {hint}")
        return found

    def revisions(self, entry_id: str) -> tuple[Revision, ...]:
        """Return all revisions of an entry, oldest first. Raises: UserInputError if it is unknown."""
        self.get(entry_id)
        return tuple(self._revisions[entry_id])

    def addition(self, entry: E, act: Act) -> Revision:
        """Return the first revision of a new entry. Raises: UserInputError (unfit), ConflictError (id is taken)."""
        self._check(entry)
        known = self._revisions.get(self.id_of(entry))
        if known:
            first = known[0]
            who = f" by {first.by}" if first.by else ""
            raise ConflictError(
                f"The {self.kind.value} {self.id_of(entry)} is registered already{who}; correct it, with a reason."
            )
        return Revision(1, act.by, act.utc, act.reason, to_plain(entry))

    def correction(self, entry: E, act: Act, expected: int | None) -> Revision | None:
        """Return the next revision of a known entry, None where nothing differs.

        ``expected`` is the revision that the correction was decided on. Raises: UserInputError (unknown, unfit, no
        reason), ConflictError when somebody corrected it meanwhile.
        """
        self._check(entry)
        entry_id = self.id_of(entry)
        before = self.get(entry_id)
        newest = self._revisions[entry_id][-1]
        if expected is not None and expected != newest.revision:
            raise ConflictError(
                f"{entry_id} has revision {newest.revision} by {newest.by or 'somebody'} since ({newest.reason}); "
                "look at it and correct that one."
            )
        changed = changes(before, entry)
        if not changed:
            return None
        if not act.reason.strip():
            raise UserInputError(f"A correction of {entry_id} needs a reason; it is kept with the revision.")
        return Revision(newest.revision + 1, act.by, act.utc, act.reason, to_plain(entry), changed)

    def _check(self, entry: E) -> None:
        problems = problems_of(entry)
        if not problems and not names.is_safe_id(self.id_of(entry)):
            problems = [f"'{self.id_of(entry)}' is a reserved name on Windows; choose another id."]
        if problems:
            raise UserInputError(f"{self.kind.value} {self.id_of(entry)[:64]!r}: {' '.join(problems)}")

    def put(self, revision: Revision) -> None:
        """Take a revision that is durable. Raises: ValueError when its values are no entry."""
        entry = from_plain(self._made, dict(revision.values))
        entry_id = self.id_of(entry)
        self._newest[entry_id] = entry
        self._revisions.setdefault(entry_id, []).append(revision)

    def latest_revision(self, entry_id: str) -> int:
        """Return the number of an entry's newest revision, 0 if it is unknown."""
        known = self._revisions.get(entry_id)
        return known[-1].revision if known else 0

    def newest(self) -> tuple[NewestRevision, ...]:
        """Return the newest revision of every entry."""
        return tuple(
            NewestRevision(self.kind, entry_id, known[-1].revision, known[-1].by, known[-1].utc)
            for entry_id, known in sorted(self._revisions.items())
            if known
        )

    def check_lineage(self, entry_id: str, parent: str, parent_of: Callable[[E], str]) -> None:
        """Check that ``parent`` is registered and does not descend from the entry. Raises: UserInputError."""
        at = parent
        for _ in range(len(self._newest) + 1):
            if not at:
                return
            if at == entry_id:
                raise UserInputError(f"{entry_id} cannot come from {parent}: {parent} comes from it.")
            at = parent_of(self.get(at))


def changes(before: E, after: E) -> tuple[str, ...]:
    """Return what differs between two revisions: ``active_mass_mg 0.92 -> 0.93``."""
    return tuple(
        f"{field.name} {_text(getattr(before, field.name))} -> {_text(getattr(after, field.name))}"
        for field in fields(before)
        if getattr(before, field.name) != getattr(after, field.name)
    )


def _text(value: Any) -> str:
    if value is None or value == "":
        return "not reported"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def line_of(revision: Revision, kind: EntryKind) -> dict[str, Any]:
    """Return a revision as a line of its file: ``cells.jsonl`` or the registry's ledger."""
    return {
        "kind": kind.value,
        "revision": revision.revision,
        kind.value: dict(revision.values),
        "by": revision.by,
        "utc": revision.utc,
        "reason": revision.reason,
        "changed": list(revision.changed),
    }


def revision_of(line: Mapping[str, Any], kind: EntryKind) -> Revision:
    """Read back what ``line_of`` gave; lines of older versions have no author. Raises: KeyError, ValueError."""
    return Revision(
        revision=int(line["revision"]),
        by=str(line.get("by", "")),
        utc=str(line.get("utc", "")),
        reason=str(line.get("reason", "")),
        values=dict(line[kind.value]),
        changed=tuple(str(text) for text in line.get("changed", ())),
    )
