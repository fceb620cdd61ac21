"""The audit journal: every act of a person or program that changes something, chained by hashes (I17, X11).

Rows are only ever added. Each carries the check of the row before it, so a changed, lost or inserted row is found;
a journal rewritten as a whole is found by whoever has seen its head (X19), which stands in each daily message.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from labctl.clock import Clock
from labctl.errors import StoreError
from labctl.model.audit import AuditCheck, AuditEntry
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.station.feed import Feed
from labctl.station.ledger import Ledger
from labctl.store.lines import Line, read_lines
from labctl.store.root import DataRoot
from labctl.worker import Worker

NAME = "audit"
KEPT = 10_000
"""Newest rows kept in memory (I14); older ones are read from the file."""
TEXT_MAX = 4_000
"""Characters of one text in a row: a protocol that someone sent is kept with its job, the journal names it."""


class AuditJournal:
    """The station's journal of acts, ``<data>/station/audit.jsonl``."""

    def __init__(self, root: DataRoot, worker: Worker, feed: Feed, clock: Clock) -> None:
        """Name the journal; ``open`` reads it."""
        self._ledger = Ledger(root, worker, NAME)
        self._root = root
        self._worker = worker
        self._feed = feed
        self._clock = clock
        self._recent: deque[AuditEntry] = deque(maxlen=KEPT)
        self._entries = 0
        self.head = ""
        """Check of the last row, empty for an empty journal."""
        self.damaged: tuple[int, ...] = ()
        """Lines that did not fit the chain when the journal was opened; ``verify`` looks again."""

    async def open(self) -> None:
        """Read the journal and repair a torn tail. Raises: StoreError."""
        content = await self._ledger.open()
        self._recent.extend(_entry(line) for line in content.lines[-KEPT:])
        self._entries = len(content.lines)
        self.head = content.lines[-1].check if content.lines else ""
        self.damaged = content.bad

    async def write(
        self,
        actor: Actor,
        what: str,
        subject: str = "",
        *,
        old: Any = None,
        new: Any = None,
        reason: str = "",
    ) -> AuditEntry:
        """Write down that ``actor`` did ``what`` (``job.hold``, ``channel.load``) to ``subject``; durable on return.

        ``old`` and ``new`` may be model dataclasses; no token or password may be in them. Raises: StoreError.
        """
        link = self._clock.link
        fields = {
            "utc": link.utc().isoformat(),
            "link_s": round(link.now_s(), 3),
            "plant_utc": self._clock.plant.utc().isoformat(),
            "who": actor.name,
            "role": actor.role.value,
            "source": actor.source,
            "act": what,
            "subject": subject,
            "old": _short(to_plain(old)),
            "new": _short(to_plain(new)),
            "reason": _short(reason),
        }
        line = await self._ledger.add(fields)
        entry = _entry(line)
        self._recent.append(entry)
        self._entries += 1
        self.head = line.check
        told = {name: fields[name] for name in ("utc", "who", "act", "subject", "reason")}
        self._feed.publish("event", f"audit:{entry.number}", {"kind": "act", "number": entry.number, **told})
        return entry

    async def entries(self, after: int = 0, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """Return up to ``limit`` rows with numbers above ``after``, oldest first. Raises: StoreError."""
        if self._recent and self._entries > len(self._recent) and after < self._recent[0].number - 1:
            content = await self._worker.call(self._read)
            found = [_entry(line) for line in read_lines(content, chained=True).lines]
        else:
            found = list(self._recent)
        return tuple(entry for entry in found if entry.number > after)[:limit]

    async def newest(self, limit: int = 1000) -> tuple[AuditEntry, ...]:
        """Return the newest rows, oldest first."""
        return tuple(self._recent)[-limit:]

    async def verify(self) -> AuditCheck:
        """Read the whole file anew and check its chain. Raises: StoreError."""
        content = read_lines(await self._worker.call(self._read), chained=True)
        findings = [f"line {number} of {NAME}.jsonl does not fit the hash chain" for number in content.bad]
        numbers = [line.number for line in content.lines]
        if not content.bad and numbers != list(range(1, len(numbers) + 1)):
            findings.append(f"the numbers of {NAME}.jsonl have a gap")
        head = content.lines[-1].check if content.lines else ""
        if head != self.head:
            findings.append(f"the last row of {NAME}.jsonl is not the one that this station wrote")
        return AuditCheck(not findings, len(numbers), head, tuple(findings))

    def _read(self) -> bytes:
        try:
            return self._root.disk.read(self._ledger.path) if self._entries else b""
        except OSError as error:
            raise StoreError(f"Cannot read {self._ledger.path}: {error}") from error

    def close(self) -> None:
        """Close the file; what was added is durable already."""
        self._ledger.close()


def _entry(line: Line) -> AuditEntry:
    """Return a line as an entry; fields that a newer labctl wrote are left out."""
    fields = line.fields
    return AuditEntry(
        number=line.number,
        utc=str(fields.get("utc", "")),
        link_s=float(fields.get("link_s", 0.0)),
        plant_utc=str(fields.get("plant_utc", "")),
        who=str(fields.get("who", "")),
        role=str(fields.get("role", "")),
        source=str(fields.get("source", "")),
        act=str(fields.get("act", "")),
        subject=str(fields.get("subject", "")),
        old=fields.get("old"),
        new=fields.get("new"),
        reason=str(fields.get("reason", "")),
        check=line.check,
    )


def _short(value: Any) -> Any:
    """Return a JSON value with its long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    return value
